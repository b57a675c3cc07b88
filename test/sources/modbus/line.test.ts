import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { answerWell, startRawDevice } from '../../support/modbus/raw-device.ts';
import { answerWellRtu, rtuReply, startRtuServer } from '../../support/modbus/rtu-device.ts';
import { runSource, type SourceRun } from '../../support/modbus/source-run.ts';
import { of, register } from './fixtures.ts';

async function startSource(config: object): Promise<SourceRun> {
  const run = await runSource({ timeout: '100ms', poll: '50ms', bridgeRegisters: 0, ...config });
  onTestFinished(() => run.stop());
  return run;
}

describe('sources of one device', () => {
  it('share its one connection and queue; the last one closes it', async () => {
    const device = await startRawDevice(answerWell, { maxConnections: 1 });
    onTestFinished(() => device.close());
    const port = new URL(device.url).port;
    const runs = await Promise.all([
      startSource({ url: device.url, tags: [register(1)] }),
      startSource({ url: `tcp://127.0.0.1:${port}`, tags: [register(2), register(12)] }),
      startSource({ url: device.url, tags: [register(3, { unit: 2 })] }),
    ]);
    await eventually(() => runs.every((run, i) => of(run, `r${i + 1}`).length > 4));
    expect(device.connections).toBe(1);
    for (const run of runs) expect(run.samples.every(({ quality }) => quality === 'good')).toBe(true);
    for (const run of runs) await run.stop();
    expect(device.requests.at(-1)?.socket.destroyed).toBe(true);
    const again = await startSource({ url: device.url, tags: [register(1)] });
    await eventually(() => again.last('r1')?.quality === 'good');
    expect(device.connections).toBe(2);
  });

  it('learn from each other that a unit is away', async () => {
    const device = await startRawDevice((request) => request.unit !== 7 && answerWell(request));
    onTestFinished(() => device.close());
    const config = { url: device.url, timeout: '40ms', tags: [register(1), register(2, { unit: 7 })] };
    const runs = await Promise.all([startSource(config), startSource({ ...config, tags: [register(3, { unit: 7 })] })]);
    await eventually(() =>
      runs.every((run) => run.source.status().units.some(({ state, name }) => name === 'unit 7' && state === 'failed')),
    );
    await eventually(() => of(runs[1] as SourceRun, 'r3').length > 10);
    // Two to find out, then probes: not one a period and source.
    expect(device.requests.filter(({ unit }) => unit === 7).length).toBeLessThan(6);
    expect((runs[1] as SourceRun).last('r3')?.quality).toBe('badNoCommunication');
  });
});

describe('the pace of a line', () => {
  it('leaves a pause after each answer (turnaround) and between requests to one unit (minInterval)', async () => {
    const server = await startRtuServer(answerWellRtu);
    onTestFinished(() => server.close());
    const { requests } = server.device;
    const run = await startSource({
      url: server.url,
      poll: '100ms',
      turnaround: '15ms',
      minInterval: '60ms',
      tags: [register(1), register(20), register(3, { unit: 2 })],
    });
    await eventually(() => requests.length > 24);
    const gap = (of: typeof requests) => Math.min(...of.slice(1).map(({ atMs }, i) => atMs - (of[i]?.atMs ?? 0)));
    // They are timed where they arrive, a few milliseconds early or late.
    expect(gap(requests)).toBeGreaterThanOrEqual(10);
    // On average, since one that arrives late seems to be nearer to the next: two reads every 100 ms would be 50 ms apart without it.
    const ofOne = requests.filter(({ unit }) => unit === 1);
    expect(((ofOne.at(-1)?.atMs ?? 0) - (ofOne[0]?.atMs ?? 0)) / (ofOne.length - 1)).toBeGreaterThanOrEqual(57);
    // A unit that wants its time does not take it from the other.
    expect(run.last('r3')).toMatchObject({ value: 2003, quality: 'good' });
    const ofTwo = requests.filter(({ unit }) => unit === 2);
    expect((((ofTwo.at(-1)?.atMs ?? 0) - (ofTwo[0]?.atMs ?? 0)) / (ofTwo.length - 1)).valueOf()).toBeLessThan(130);
  });

  it('that babbles is told, and read again when it is silent', async () => {
    let isBabbling = false;
    const server = await startRtuServer((request) => !isBabbling && answerWellRtu(request));
    onTestFinished(() => server.close());
    const run = await startSource({ url: server.url, drain: '60ms', timeout: '40ms', tags: [register(1)] });
    await eventually(() => run.last('r1')?.quality === 'good');
    isBabbling = true;
    const babble = setInterval(() => {
      for (const socket of server.sockets) socket.write(Buffer.from([0x55]));
    }, 10);
    onTestFinished(() => clearInterval(babble));
    await eventually(() => run.source.status().units[0]?.lastError?.includes('never silent') === true);
    expect(run.last('r1')).toMatchObject({ value: Number.NaN, quality: 'badNoCommunication' });
    isBabbling = false;
    clearInterval(babble);
    await eventually(() => run.last('r1')?.quality === 'good');
    expect(run.samples.every(({ value, quality }) => (quality === 'good' ? value === 1001 : Number.isNaN(value)))).toBe(true);
  });

  it('with an echo is read all the same', async () => {
    const server = await startRtuServer((request) => {
      const { unit, functionCode, address, count } = request;
      request.write(server.device.received.at(-1) as Buffer);
      setTimeout(() => request.write(rtuReply({ unit, functionCode, address, count })), 5);
    });
    onTestFinished(() => server.close());
    const run = await startSource({ url: server.url, tags: [register(1), { tag: 'coil', table: 'coil', address: 0x0301, unit: 1 }] });
    await eventually(() => of(run, 'coil').length > 3 && of(run, 'r1').length > 3);
    expect(run.samples.every(({ quality }) => quality === 'good')).toBe(true);
    expect(run.last('r1')?.value).toBe(1001);
  });
});
