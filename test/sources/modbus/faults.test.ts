import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { answerWell, exceptionReply, registersReply } from '../../support/modbus/raw-device.ts';
import { of, register, start } from './fixtures.ts';

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
        else if (choice < 0.97)
          request.socket.write(right.subarray(0, 8), () => setTimeout(() => request.socket.write(right.subarray(8)), 3));
      },
      { timeout: '25ms', poll: '10ms', bridgeRegisters: 0, tags: [register(11), register(22), register(33), register(44, { unit: 2 })] },
    );
    await eventually(
      () => run.counter('samples') > 200 && run.counter('framing') > 2 && run.counter('lateReplies') > 2,
      'both faults several times',
      15_000,
    );
    await run.stop();
    for (const { tag, value, quality } of run.samples) {
      if (quality === 'good') expect(`r${value}`).toBe(tag);
      else expect(value).toBeNaN();
    }
  }, 20_000);

  it('has the middle of request and reply as its time', async () => {
    const { run } = await start((request) => setTimeout(() => answerWell(request), 60), { poll: '200ms', tags: [register(1)] });
    await eventually(() => of(run, 'r1').length >= 3);
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
    await eventually(() => of(run, 'fine').length > 1);
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
    await eventually(() => of(run, 'state').length > 0);
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
    await eventually(() => of(run, 'r5').length >= 12);
    expect(of(run, 'r5').every((sample) => sample.quality === quality && Number.isNaN(sample.value))).toBe(true);
    expect(device.requests.length).toBeLessThan(6);
    expect(run.source.status().units[0]).toMatchObject({ state: 'failed', hint: expect.stringContaining(hint) });
    expect(run.logged.filter((message) => message.includes(`exception ${code}`))).toHaveLength(1);
    device.answer = answerWell;
    await eventually(() => run.last('r5')?.quality === 'good');
    expect(run.source.status().state).toBe('good');
  });

  it('2 while the device starts is not held against the plan for ever', async () => {
    const { run, device } = await start((request) => request.socket.write(exceptionReply(request, 2)), {
      tags: [register(0), register(1), register(2)],
    });
    await eventually(() => run.counter('quarantined') === 3);
    device.answer = answerWell;
    // Half of ten seconds later they are asked for one by one, then together again.
    await eventually(() => run.counter('quarantined') === 0);
    await eventually(() => device.requests.at(-1)?.count === 3);
    expect(run.last('r2')).toMatchObject({ value: 2, quality: 'good' });
  }, 15_000);
});
