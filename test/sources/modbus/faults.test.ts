import { afterEach, describe, expect, it } from 'vitest';
import {
  answerWell,
  exceptionReply,
  type RawDevice,
  type RawRequest,
  registersReply,
  startRawDevice,
} from '../../support/modbus/raw-device.ts';
import { runSource, type SourceRun, until } from '../../support/modbus/source-run.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(answer: (request: RawRequest) => void, config: object): Promise<{ device: RawDevice; run: SourceRun }> {
  const device = await startRawDevice(answer);
  cleanups.push(() => device.close());
  const run = await runSource({ url: device.url, timeout: '100ms', poll: '50ms', ...config });
  cleanups.push(() => run.stop());
  return { device, run };
}

const register = (address: number, rest: object = {}) => ({
  tag: `r${address}`,
  table: 'holdingRegister',
  address,
  type: 'uint16',
  ...rest,
});
const of = (run: SourceRun, tag: string) => run.samples.filter((sample) => sample.tag === tag);

describe('a value', () => {
  it('is never one from another time or request, whatever the device does', async () => {
    // Answers come on time, late, twice, in pieces, for another unit or not at all.
    let seed = 7;
    const random = () => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed / 2 ** 31;
    };
    const { run } = await start(
      (request) => {
        const right = registersReply(request);
        const choice = random();
        if (choice < 0.75) request.socket.write(right);
        else if (choice < 0.79) setTimeout(() => request.socket.write(right), 40);
        else if (choice < 0.87) request.socket.write(Buffer.concat([right, right]));
        else if (choice < 0.9) request.socket.write(registersReply({ ...request, unit: 9 }));
        else if (choice < 0.92) request.socket.destroy();
        else if (choice < 0.9)
          request.socket.write(right.subarray(0, 8), () => setTimeout(() => request.socket.write(right.subarray(8)), 3));
      },
      { timeout: '25ms', poll: '10ms', bridgeRegisters: 0, tags: [register(11), register(22), register(33), register(44, { unit: 2 })] },
    );
    await until(() => run.counter('samples') > 200 && run.counter('framing') > 2 && run.counter('lateReplies') > 2, 15_000);
    await run.stop();
    for (const { tag, value, quality } of run.samples) {
      if (quality === 'good') expect(`r${value}`).toBe(tag);
      else expect(value).toBeNaN();
    }
  }, 20_000);

  it('has the middle of request and reply as its time', async () => {
    const { run } = await start((request) => setTimeout(() => answerWell(request), 60), { poll: '200ms', tags: [register(1)] });
    await until(() => of(run, 'r1').length >= 3);
    for (const { timeMs } of of(run, 'r1').slice(1)) {
      expect(timeMs % 200).toBeGreaterThanOrEqual(29);
      expect(timeMs % 200).toBeLessThan(60);
    }
  });

  it('that is NaN or the device’s "not available" is bad', async () => {
    const { run } = await start(
      (request) => {
        const reply = registersReply(request);
        Buffer.from('7fc000008000ff80', 'hex').copy(reply, 9);
        request.socket.write(reply);
      },
      {
        tags: [
          { tag: 'nan', table: 'holdingRegister', address: 0, type: 'float32' },
          { tag: 'sunspec', table: 'holdingRegister', address: 2, type: 'int16', notAvailable: 'sunspec' },
          { tag: 'infinite', table: 'holdingRegister', address: 3, type: 'float32', order: 'CDAB' },
          { tag: 'fine', table: 'holdingRegister', address: 2, type: 'int16' },
        ],
      },
    );
    await until(() => of(run, 'fine').length > 1);
    expect(run.last('nan')).toMatchObject({ value: Number.NaN, quality: 'badNotAvailable' });
    expect(run.last('sunspec')).toMatchObject({ value: Number.NaN, quality: 'badNotAvailable' });
    expect(run.last('fine')).toMatchObject({ value: -32_768, quality: 'good' });
  });

  it('of a string is the index of its text', async () => {
    const { run } = await start(
      (request) => {
        const reply = registersReply(request);
        reply.write('RUNNING\0', 9, 'latin1');
        request.socket.write(reply);
      },
      { tags: [{ tag: 'state', table: 'holdingRegister', address: 0, type: 'string', length: 8 }] },
    );
    await until(() => of(run, 'state').length > 0);
    expect(run.texts.nameOf(run.last('state')?.value as number)).toBe('RUNNING');
  });
});

describe('an exception', () => {
  it.each([
    [4, 'badDeviceFailure', 'fault of its own'],
    [6, 'badDeviceFailure', 'busy'],
    [11, 'badNoCommunication', 'behind the gateway'],
  ])('%i makes %s, and is asked less often than it is polled', async (code, quality, hint) => {
    const { run, device } = await start((request) => request.socket.write(exceptionReply(request, code)), { tags: [register(5)] });
    await until(() => of(run, 'r5').length >= 12);
    expect(of(run, 'r5').every((sample) => sample.quality === quality && Number.isNaN(sample.value))).toBe(true);
    expect(device.requests.length).toBeLessThan(6);
    expect(run.source.status().units[0]).toMatchObject({ state: 'failed', hint: expect.stringContaining(hint) });
    expect(run.logged.filter((message) => message.includes(`exception ${code}`))).toHaveLength(1);
    device.answer = answerWell;
    await until(() => run.last('r5')?.quality === 'good');
    expect(run.source.status().state).toBe('good');
  });

  it('2 while the device starts is not held against the plan for ever', async () => {
    const { run, device } = await start((request) => request.socket.write(exceptionReply(request, 2)), {
      tags: [register(0), register(1), register(2)],
    });
    await until(() => run.counter('quarantined') === 3);
    device.answer = answerWell;
    // Half of ten seconds later they are asked for one by one, then together again.
    await until(() => run.counter('quarantined') === 0, 8000);
    await until(() => device.requests.at(-1)?.count === 3);
    expect(run.last('r2')).toMatchObject({ value: 2, quality: 'good' });
  }, 15_000);
});

describe('the connection', () => {
  it('that answers nothing any more is made anew', async () => {
    const { run, device } = await start(answerWell, { tags: [register(1)] });
    await until(() => run.last('r1')?.quality === 'good');
    device.answer = () => {};
    await until(() => device.connections === 2);
    expect(run.counter('timeouts')).toBeGreaterThanOrEqual(2);
    expect(run.last('r1')?.quality).toBe('badNoCommunication');
    device.answer = answerWell;
    await until(() => run.last('r1')?.quality === 'good');
  });

  it('that mixes up answers is made anew, and the rest of the cycle is still read', async () => {
    const { run, device } = await start(
      (request) => (request.address === 10 ? request.socket.write(registersReply({ ...request, unit: 9 })) : answerWell(request)),
      { poll: '100ms', bridgeRegisters: 0, tags: [register(10), register(20), register(30)] },
    );
    await until(() => of(run, 'r30').length >= 5);
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
    await until(() => of(run, 'r1').length >= 4);
    expect(of(run, 'r1').every(({ quality }) => quality === 'good')).toBe(true);
  });

  it('that is accepted and closed without a word is told, with growing pauses', async () => {
    const { run, device } = await start((request) => request.socket.destroy(), { tags: [register(1)] });
    await until(() => of(run, 'r1').length > 20);
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
    await until(() => device.requests.length > 600);
    expect(device.connections).toBe(2);
    expect(of(run, 'r1').filter(({ quality }) => quality !== 'good')).toHaveLength(1);
  });
});

describe('a gateway that cannot take more', () => {
  it('is not given more: polls wait and are counted', async () => {
    const { run, device } = await start(answerWell, { poll: '20ms', tags: [register(1)] });
    await until(() => of(run, 'r1').length > 2);
    run.full = true;
    await new Promise((resolve) => setTimeout(resolve, 50));
    const [requests, late] = [device.requests.length, run.counter('lateCycles')];
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(device.requests.length).toBe(requests);
    expect(run.counter('lateCycles') - late).toBeGreaterThan(5);
    run.full = false;
    await until(() => device.requests.length > requests);
  });
});

describe('stopping', () => {
  it('ends everything, twice if asked, and no sample comes after', async () => {
    const { run, device } = await start((request) => setTimeout(() => answerWell(request), 20), { tags: [register(1)] });
    await until(() => of(run, 'r1').length > 0);
    await run.stop();
    await run.stop();
    const samples = run.samples.length;
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(run.samples.length).toBe(samples);
    expect(run.source.status().state).toBe('stopped');
    expect(device.requests.at(-1)?.socket.destroyed).toBe(true);
  });
});
