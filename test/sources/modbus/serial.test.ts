import { describe, expect, it, onTestFinished } from 'vitest';
import { DrainGuard } from '../../../src/sources/modbus/drain-guard.ts';
import { RtuTransport } from '../../../src/sources/modbus/rtu-transport.ts';
import { SerialPort } from '../../../src/sources/modbus/serial-port.ts';
import { eventually } from '../../support/eventually.ts';
import { startPtyPair } from '../../support/modbus/pty-pair.ts';
import { answerWellRtu, listenOnPty, RtuListener, type RtuRequest, rtuReply } from '../../support/modbus/rtu-device.ts';
import { runSource, type SourceRun } from '../../support/modbus/source-run.ts';
import { of, register } from './fixtures.ts';

const settings = { baudRate: 19_200, parity: 'even', dataBits: 8, stopBits: 1 } as const;

/** A device at the far end of a pty pair; undefined without socat. */
async function startLine(answer: (request: RtuRequest) => void): Promise<{ device: RtuListener; path: string } | undefined> {
  const pair = await startPtyPair();
  if (pair === undefined) return undefined;
  const device = new RtuListener(answer);
  const end = listenOnPty(pair.far, device);
  onTestFinished(async () => {
    end();
    await pair.close();
  });
  return { device, path: pair.near };
}

async function startSource(config: object): Promise<SourceRun> {
  const run = await runSource({ timeout: '60ms', poll: '50ms', bridgeRegisters: 0, ...config });
  onTestFinished(() => run.stop());
  return run;
}

describe('a serial line', () => {
  it('is read, unit after unit, with its values', async (context) => {
    const line = await startLine(answerWellRtu);
    if (line === undefined) return context.skip();
    const run = await startSource({
      url: `rtu://${line.path}?baudRate=19200&parity=even`,
      tags: [register(10), register(20, { unit: 2 }), { tag: 'coil', table: 'coil', address: 6, unit: 3 }],
    });
    await eventually(() => of(run, 'r20').length > 3 && of(run, 'coil').length > 3);
    expect(run.last('r10')).toMatchObject({ value: 1010, quality: 'good' });
    expect(run.last('r20')).toMatchObject({ value: 2020, quality: 'good' });
    expect(run.last('coil')).toMatchObject({ value: 1, quality: 'good' });
    // Never two requests at a time, and 3.5 characters between an answer and the next request.
    for (const bytes of line.device.received) expect(bytes).toHaveLength(8);
    const gaps = line.device.requests.slice(1).map(({ atMs }, i) => atMs - (line.device.requests[i]?.atMs ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(2);
  });

  it('is shared by all sources that name it, in one queue', async (context) => {
    let underWay = 0;
    let most = 0;
    const line = await startLine((request) => {
      most = Math.max(most, ++underWay);
      setTimeout(() => {
        underWay--;
        answerWellRtu(request);
      }, 5);
    });
    if (line === undefined) return context.skip();
    const url = `rtu://${line.path}`;
    const [one, two] = await Promise.all([
      startSource({ url, tags: [register(1), register(5)] }),
      startSource({ url, tags: [register(2, { unit: 2 })] }),
    ]);
    await eventually(() => of(one, 'r1').length > 5 && of(two, 'r2').length > 5);
    expect(most).toBe(1);
    expect(two.last('r2')).toMatchObject({ value: 2002, quality: 'good' });
    await one.stop();
    const seen = of(two, 'r2').length;
    await eventually(() => of(two, 'r2').length > seen + 3);
    await two.stop();
    // The port is free again.
    const again = await startSource({ url, tags: [register(9)] });
    await eventually(() => again.last('r9')?.value === 1009);
  });

  it('that other settings are wanted for is refused, with both', async (context) => {
    const line = await startLine(answerWellRtu);
    if (line === undefined) return context.skip();
    await startSource({ url: `rtu://${line.path}?baudRate=19200`, tags: [register(1)] });
    await expect(startSource({ url: `rtu://${line.path}?baudRate=9600`, tags: [register(2)] })).rejects.toMatchObject({
      code: 'FETTLE_CONFIG_INVALID',
      hint: expect.stringContaining('9600'),
    });
  });

  it('that is not there is told, and read once it is plugged in', async () => {
    const run = await startSource({ url: 'rtu:///dev/does-not-exist', tags: [register(1)] });
    await eventually(() => run.source.status().state === 'failed');
    expect(run.source.status().units[0]?.hint).toContain('plugged in');
    expect(run.last('r1')?.quality ?? 'badNoCommunication').toBe('badNoCommunication');
  });
});

/** Answers every `every`th request `lateMs` late; each value is the address it was read from, plus 1000 × unit. */
const lateNow = (every: number, lateMs: number) => (request: RtuRequest) => {
  if (request.number % every === every - 1) setTimeout(() => request.write(rtuReply(request)), lateMs);
  else request.write(rtuReply(request));
};

/** Reads the registers in turn; how many values were right, wrong and missing. */
async function readInTurn(path: string, guard: DrainGuard, reads: number): Promise<{ right: number; wrong: number; bad: number }> {
  const abort = new AbortController();
  const account = { right: 0, wrong: 0, bad: 0 };
  const open = async () =>
    new RtuTransport(await SerialPort.open({ ...settings, path, characterMs: 11_000 / 19_200 }, abort.signal), {
      url: `rtu://${path}`,
      timeoutMs: 40,
      characterMs: 11_000 / 19_200,
      guard,
    });
  let transport = await open();
  for (let n = 0; n < reads; n++) {
    const address = 10 + 10 * (n % 7);
    try {
      const value = (await transport.read({ unit: 1, table: 'holdingRegister', address, count: 1 })).readUInt16BE(0);
      if (value === 1000 + address) account.right++;
      else account.wrong++;
    } catch {
      account.bad++;
    }
    if (!transport.isWorn) continue;
    transport.close();
    await transport.closed;
    transport = await open();
  }
  transport.close();
  await transport.closed;
  return account;
}

describe('a late answer on a serial line', () => {
  it('never becomes another register’s value', async (context) => {
    const line = await startLine(lateNow(5, 80));
    if (line === undefined) return context.skip();
    const account = await readInTurn(line.path, new DrainGuard({ drainMs: 1000, quietMs: 2 }), 60);
    expect(account).toEqual({ right: 48, wrong: 0, bad: 12 });
  }, 20_000);

  it('does without the guard: the test above can fail', async (context) => {
    const line = await startLine(lateNow(5, 80));
    if (line === undefined) return context.skip();
    const { wrong } = await readInTurn(line.path, new DrainGuard({ drainMs: 0, quietMs: 0 }), 60);
    expect(wrong).toBeGreaterThan(0);
  }, 20_000);

  it('nothing is sent until it has come or the line was silent for the drain; after two in a row the port is opened anew', async (context) => {
    const line = await startLine(() => {});
    if (line === undefined) return context.skip();
    const run = await startSource({ url: `rtu://${line.path}`, drain: '300ms', tags: [register(1), register(2)] });
    await eventually(() => run.counter('reconnects') >= 1);
    const [first, second] = line.device.requests;
    // Time-out 60 ms and the frames, then the drain.
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(360);
    expect(run.counter('timeouts')).toBe(2);
    line.device.answer = answerWellRtu;
    await eventually(() => run.last('r1')?.value === 1001 && run.last('r2')?.value === 1002);
  });
});
