import { describe, expect, it } from 'vitest';
import { Interner } from '../../../src/core/interner.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { Subscriptions } from '../../../src/sources/mqtt/subscriptions.ts';
import { collectingInlet, parseSource, type Taken } from './read-message.ts';

const startMs = 1_795_000_000_000;

function subscribe(topic: object, source: object = {}) {
  const tags = new Interner(1000);
  const taken: Taken[] = [];
  const inlet = collectingInlet(tags, taken);
  let nowMs = startMs;
  const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
  const config = parseSource({ topics: [topic], ...source });
  const subscriptions = new Subscriptions(config, {
    id: 'm',
    site: 'north',
    tags,
    texts: new Interner(10),
    inlet,
    clock,
    log: silentLogger,
  });
  const say = (to: string, payload: object | string): void => {
    const buffer = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
    subscriptions.message(subscriptions.of(to), { buffer, start: 0, end: buffer.length, arrivalMs: nowMs, retained: false }, inlet);
  };
  const at = (ms: number): void => {
    nowMs = startMs + ms;
  };
  return { subscriptions, taken, say, at };
}

describe('clients that are away', () => {
  const topic = {
    topic: 'plant/{area}/{machine}/telemetry',
    time: { path: '$.t' },
    tags: { '{area}/{machine}/flow': '$.flow', '{area}/{machine}/current': '$.current' },
    availability: { topic: 'plant/{area}/{machine}/state', online: 'up', offline: 'down' },
  };

  it('have bad values at once, on their own clock, and no one else has', () => {
    const { subscriptions, taken, say, at } = subscribe(topic);
    say('plant/a/p1/telemetry', { t: startMs, flow: 1 });
    say('plant/a/p2/telemetry', { t: startMs - 720_000, flow: 2, current: 3 });
    taken.length = 0;
    at(60_000);
    say('plant/a/p2/state', 'down');
    // 12 minutes behind, as its clock is.
    expect(taken).toEqual([
      { tag: 'a/p2/flow', timeMs: startMs - 660_000, value: Number.NaN, quality: 'badNoCommunication' },
      { tag: 'a/p2/current', timeMs: startMs - 660_000, value: Number.NaN, quality: 'badNoCommunication' },
    ]);
    expect(subscriptions.units).toMatchObject([
      { name: 'client plant/a/p2/state', state: 'failed', lastError: expect.stringContaining('away since') },
    ]);
    expect(subscriptions.counters).toMatchObject({ away: 1, rejected: 0, unknownTopic: 0 });
    say('plant/a/p2/state', 'up');
    expect(subscriptions.units).toEqual([]);
  });

  it('are known before they were ever heard, as far as their topic says which they are', () => {
    const { taken, say } = subscribe(topic);
    say('plant/a/p9/state', 'down');
    expect(taken.map(({ tag, timeMs }) => [tag, timeMs])).toEqual([
      ['a/p9/flow', startMs],
      ['a/p9/current', startMs],
    ]);
  });

  it('may be many behind one gateway of theirs', () => {
    const { taken, say } = subscribe({
      ...topic,
      availability: { topic: 'plant/{area}/state', path: '$.state', offline: 'false', online: 'true' },
    });
    for (const machine of ['a/p1', 'a/p2', 'b/p1']) say(`plant/${machine}/telemetry`, { t: startMs, flow: 1 });
    taken.length = 0;
    say('plant/a/state', { state: false });
    expect(taken.map(({ tag }) => tag)).toEqual(['a/p1/flow', 'a/p1/current', 'a/p2/flow', 'a/p2/current']);
  });

  it('say it in a word that is known, or the word is shown', () => {
    const { subscriptions, taken, say } = subscribe(topic);
    say('plant/a/p1/state', 'gone fishing');
    say('plant/a/p1/state', '');
    expect(taken).toEqual([]);
    expect(subscriptions.lastRejected?.reason).toBe('availability is "gone fishing", neither "up" nor "down"');
  });
});

describe('bounds', () => {
  const topic = { topic: 'plant/{m}', time: { path: '$.t' }, tags: { '{m}/flow': '$.flow' } };

  it('a topic that floods is cut and named; others, and what was kept through an outage, are not', () => {
    const { subscriptions, taken, say, at } = subscribe(topic, { maxRate: 5 });
    for (let i = 0; i < 200; i++) say('plant/mad', { t: startMs + i, flow: i });
    expect(taken).toHaveLength(50);
    // An hour of one message a second, all at once, and what another measures now.
    for (let i = 0; i < 3600; i++) say('plant/slept', { t: startMs - 3_600_000 + i * 1000, flow: i });
    say('plant/calm', { t: startMs, flow: 1 });
    expect(taken).toHaveLength(50 + 3601);
    expect(subscriptions.counters).toMatchObject({ flooded: 150, rejected: 0 });
    expect(subscriptions.units).toMatchObject([
      { name: 'topic plant/mad', state: 'degraded', lastError: 'more than 5 messages a second: 150 were not read' },
    ]);
    at(10_000);
    say('plant/mad', { t: startMs + 10_000, flow: 1 });
    expect(taken.at(-1)).toMatchObject({ tag: 'mad/flow', timeMs: startMs + 10_000 });
    at(71_000);
    expect(subscriptions.units).toEqual([]);
  });

  it('clocks that are wrong are named', () => {
    const { subscriptions, say } = subscribe(topic);
    say('plant/late', { t: startMs - 720_000, flow: 1 });
    say('plant/early', { t: startMs + 120_000, flow: 1 });
    say('plant/far', { t: startMs + 3_600_000, flow: 1 });
    say('plant/born', { t: 4711, flow: 1 });
    say('plant/right', { t: startMs - 5, flow: 1 });
    expect(subscriptions.learned).toEqual([
      'plant/late: its newest time stamp was 12 min behind; a wrong clock or zone, or data from before',
      'plant/early: its clock is 2 min ahead',
      'plant/far: its clock was further ahead than time.maxSkew; samples marked bad: 1',
      'plant/born: 4711 is no time of day (its clock was never set, or counts from its start); messages that got the time of their arrival: 1',
    ]);
  });

  it('are shared but for who is there', () => {
    const availability = { topic: 'plant/{m}/state' };
    expect(subscribe({ ...topic, availability }, { share: 'fettle', clientId: 'one' }).subscriptions.filters).toEqual([
      'plant/+/state',
      '$share/fettle/plant/+',
    ]);
  });
});
