import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { answerWell, registersReply } from '../../support/modbus/raw-device.ts';
import { of, register, start } from './fixtures.ts';

describe('the connection', () => {
  it('that answers nothing any more is made anew', async () => {
    const { run, device } = await start(answerWell, { tags: [register(1)] });
    await eventually(() => run.last('r1')?.quality === 'good');
    device.answer = () => {};
    await eventually(() => device.connections === 2);
    expect(run.counter('timeouts')).toBeGreaterThanOrEqual(2);
    expect(run.last('r1')?.quality).toBe('badNoCommunication');
    device.answer = answerWell;
    await eventually(() => run.last('r1')?.quality === 'good');
  });

  it('that mixes up answers is made anew, and the rest of the cycle is still read', async () => {
    const { run, device } = await start(
      (request) => (request.address === 10 ? request.socket.write(registersReply({ ...request, unit: 9 })) : answerWell(request)),
      { poll: '100ms', bridgeRegisters: 0, tags: [register(10), register(20), register(30)] },
    );
    await eventually(() => of(run, 'r30').length >= 5);
    expect(run.counter('framing')).toBeGreaterThanOrEqual(1);
    expect(device.connections).toBe(1 + run.counter('framing'));
    expect(of(run, 'r30').every(({ quality }) => quality === 'good')).toBe(true);
    expect(of(run, 'r10').every(({ quality }) => quality === 'badNoCommunication')).toBe(true);
  });

  it('that is closed after every answer does no harm', async () => {
    const { run } = await start(
      (request) => {
        request.socket.end(registersReply(request));
      },
      { poll: '400ms', tags: [register(1)] },
    );
    await eventually(() => of(run, 'r1').length >= 4);
    expect(of(run, 'r1').every(({ quality }) => quality === 'good')).toBe(true);
  });

  it('that is closed while idle is there again when it is needed', async () => {
    const { run, device } = await start(answerWell, { poll: '500ms', tags: [register(1)] }, { idleMs: 60 });
    await eventually(() => of(run, 'r1').length >= 4);
    expect(of(run, 'r1').every(({ quality }) => quality === 'good')).toBe(true);
    expect(device.connections).toBeGreaterThanOrEqual(6);
    expect(run.logged).toEqual([]);
  });

  it('that is accepted and closed without a word is told, with growing pauses', async () => {
    const { run, device } = await start((request) => request.socket.destroy(), { tags: [register(1)] });
    await eventually(() => of(run, 'r1').length > 20);
    expect(device.connections).toBeLessThan(6);
    expect(run.last('r1')?.quality).toBe('badNoCommunication');
    expect(run.source.status()).toMatchObject({
      state: 'failed',
      units: [{ lastError: expect.stringContaining('closed the connection') }],
    });
    expect(run.connected).toEqual([]);
  });

  it('goes on while a number it still owes an answer to comes round', async () => {
    let dropped = false;
    const { run, device } = await start(
      (request) => {
        if (request.number === 20 && !dropped) dropped = true;
        else answerWell(request);
      },
      { poll: '2ms', timeout: '20ms', tags: [register(1)] },
    );
    await eventually(() => device.requests.length > 600);
    expect(device.connections).toBe(2);
    expect(of(run, 'r1').filter(({ quality }) => quality !== 'good')).toHaveLength(1);
  });
});

describe('a gateway that cannot take more', () => {
  it('is not given more: polls wait and are counted', async () => {
    const { run, device } = await start(answerWell, { poll: '20ms', tags: [register(1)] });
    await eventually(() => of(run, 'r1').length > 2);
    run.full = true;
    await new Promise((resolve) => setTimeout(resolve, 50));
    const [requests, late] = [device.requests.length, run.counter('lateCycles')];
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(device.requests.length).toBe(requests);
    expect(run.counter('lateCycles') - late).toBeGreaterThan(5);
    run.full = false;
    await eventually(() => device.requests.length > requests);
  });
});

describe('stopping', () => {
  it('ends everything, twice if asked, and no sample comes after', async () => {
    const { run, device } = await start((request) => setTimeout(() => answerWell(request), 20), { tags: [register(1)] });
    await eventually(() => of(run, 'r1').length > 0);
    await run.stop();
    await run.stop();
    const samples = run.samples.length;
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(run.samples.length).toBe(samples);
    expect(run.source.status().state).toBe('stopped');
    expect(device.requests.at(-1)?.socket.destroyed).toBe(true);
  });
});
