import { describe, expect, it, onTestFinished } from 'vitest';
import type { SourceMemory } from '../../../src/core/source.ts';
import { Knowledge } from '../../../src/sources/modbus/knowledge.ts';
import { eventually } from '../../support/eventually.ts';
import { answerWell, exceptionReply, type RawRequest, startRawDevice } from '../../support/modbus/raw-device.ts';
import { runSource } from '../../support/modbus/source-run.ts';
import { of, register } from './fixtures.ts';

class Memory implements SourceMemory {
  value: unknown;

  load(): unknown {
    return this.value;
  }

  save(value: unknown): void {
    this.value = JSON.parse(JSON.stringify(value));
  }
}

async function start(answer: (request: RawRequest) => void, config: object, memory: Memory) {
  const device = await startRawDevice(answer);
  const run = await runSource({ url: device.url, timeout: '60ms', poll: '40ms', ...config }, memory);
  onTestFinished(async () => {
    await run.stop();
    await device.close();
  });
  return { device, run };
}

const dense = Array.from({ length: 60 }, (_, address) => register(address));
const refuseFrom = (limit: number) => (request: RawRequest) => {
  if (request.count > limit) request.socket.write(exceptionReply(request, 3));
  else answerWell(request);
};

describe('what is found out about a unit', () => {
  it('the longest read it answers, exactly, and without a bad sample; the next start asks for no more', async () => {
    const memory = new Memory();
    const first = await start(refuseFrom(32), { tags: dense }, memory);
    await eventually(() => first.run.source.status().units[0]?.learned?.includes('answers at most 32 registers in one read') === true);
    await eventually(() => first.device.requests.at(-1)?.count === 28);
    expect(first.device.requests.at(-2)?.count).toBe(32);
    expect(first.run.samples.every(({ quality }) => quality === 'good')).toBe(true);
    await first.run.stop();
    const second = await start(refuseFrom(32), { tags: dense }, memory);
    await eventually(() => of(second.run, 'r59').length > 3);
    expect(second.run.counter('exceptions')).toBe(0);
    expect(second.device.requests.slice(0, 2).map(({ count }) => count)).toEqual([32, 28]);
  });

  it('that a new firmware allows more is found out too', async () => {
    const memory = new Memory();
    memory.value = { version: 1, units: { 1: { lengths: { registers: { works: 31, refused: 61 } }, cuts: [], gapMs: 0 } } };
    const { run, device } = await start(answerWell, { tags: dense }, memory);
    await eventually(() => device.requests.at(-1)?.count === 60);
    expect(run.counter('exceptions')).toBe(0);
  });

  it('what it refuses to be read across', async () => {
    const memory = new Memory();
    const hole = (request: RawRequest) => {
      if (request.address <= 12 && request.address + request.count > 12) request.socket.write(exceptionReply(request, 2));
      else answerWell(request);
    };
    const config = { tags: [0, 4, 8, 16, 20, 24].map((address) => register(address)) };
    const first = await start(hole, config, memory);
    await eventually(() => (first.run.source.status().units[0]?.learned?.length ?? 0) > 0);
    await first.run.stop();
    const second = await start(hole, config, memory);
    await eventually(() => of(second.run, 'r24').length > 3);
    expect(second.run.counter('exceptions')).toBe(0);
    expect(second.run.samples.every(({ quality }) => quality === 'good')).toBe(true);
  });

  it('the pause it needs after an answer', async () => {
    const memory = new Memory();
    let answeredMs = 0;
    const slow = (request: RawRequest) => {
      // Not ready for 15 ms after each answer.
      if (performance.now() - answeredMs < 15) return;
      answeredMs = performance.now();
      answerWell(request);
    };
    const tags = [0, 100, 200].map((address) => register(address));
    const first = await start(slow, { poll: '150ms', timeout: '40ms', tags }, memory);
    await eventually(
      () => first.run.source.status().units[0]?.learned?.[0] === 'needs 20 ms between an answer and the next request',
      'a pause',
      15_000,
    );
    await first.run.stop();
    const second = await start(slow, { poll: '150ms', timeout: '40ms', tags }, memory);
    await eventually(() => of(second.run, 'r200').length > 4);
    expect(second.run.counter('timeouts')).toBe(0);
  }, 20_000);

  it('that it closes idle connections: then one is made when something is due, not before', async () => {
    const memory = new Memory();
    const device = await startRawDevice(answerWell, { idleMs: 100 });
    const run = await runSource({ url: device.url, timeout: '300ms', poll: '400ms', tags: [register(1)] }, memory);
    onTestFinished(async () => {
      await run.stop();
      await device.close();
    });
    await eventually(() => run.source.status().units[0]?.learned?.[0]?.startsWith('closes connections that are idle for') === true);
    const [polls, connections] = [of(run, 'r1').length, device.connections];
    await eventually(() => of(run, 'r1').length >= polls + 6);
    expect(device.connections - connections).toBeLessThanOrEqual(7);
    expect(run.samples.every(({ quality }) => quality === 'good')).toBe(true);
    await run.stop();
    expect(memory.value).toMatchObject({ idleMs: expect.any(Number) });
  });

  it('is left alone with learn: false', async () => {
    const memory = new Memory();
    const { run } = await start(refuseFrom(32), { learn: false, tags: dense }, memory);
    await eventually(() => of(run, 'r59').length > 5);
    expect(run.counter('splits')).toBe(1);
    expect(run.source.status().units[0]?.learned).toBeUndefined();
    await run.stop();
    expect(memory.value).toBeUndefined();
  });

  it('that cannot be read any more is nothing', () => {
    for (const saved of [undefined, null, 'x', { version: 2 }, { version: 1, units: { 1: { cuts: 3 } } }])
      expect(new Knowledge(saved).toJSON()).toEqual({ version: 1, idleMs: 0, units: {} });
  });
});
