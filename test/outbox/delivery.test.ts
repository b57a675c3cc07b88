import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { FettleError } from '../../src/core/errors.ts';
import { silentLogger } from '../../src/core/logger.ts';
import type { DeliveryReport, Lane, OutboxEntry, Sink } from '../../src/core/sink.ts';
import { type DeliveryOptions, SinkDelivery } from '../../src/outbox/delivery.ts';
import { eventually } from '../support/eventually.ts';
import { MemoryOutbox } from '../support/memory-outbox.ts';

/** A sink of our own contract that records what it is given; `respond` decides what happens. */
class RecordingSink implements Sink {
  readonly id = 'cloud';
  readonly type = 'recording';
  readonly maxBatch = { points: 10, bytes: 100_000, waitMs: 0 };
  readonly wants: ReadonlySet<Lane> = new Set<Lane>(['alarms', 'results', 'samples']);
  readonly batches: { lane: Lane; ids: number[]; atMs: number }[] = [];
  respond: (entries: readonly OutboxEntry[], signal: AbortSignal) => Promise<DeliveryReport> = () => Promise.resolve({ rejected: [] });
  calls = 0;
  #inFlight = 0;

  async deliver(entries: readonly OutboxEntry[], signal: AbortSignal): Promise<DeliveryReport> {
    expect(++this.#inFlight).toBe(1);
    this.calls++;
    try {
      const report = await this.respond(entries, signal);
      this.batches.push({ lane: entries[0]?.lane ?? 'alarms', ids: entries.map((entry) => entry.id), atMs: performance.now() });
      return report;
    } finally {
      this.#inFlight--;
    }
  }

  /** Ids of a lane in the order they were accepted. */
  ids(lane: Lane): number[] {
    return this.batches.filter((batch) => batch.lane === lane).flatMap((batch) => batch.ids);
  }

  start = () => Promise.resolve();
  stop = () => Promise.resolve();
  encodeTransition = () => undefined;
  encodeScores = () => undefined;
  encodeSamples = () => undefined;
  status = () => ({ state: 'good' as const, counters: {} });
}

const rising = (ids: readonly number[]) => ids.every((id, index) => index === 0 || id > (ids[index - 1] as number));

describe('delivery', () => {
  let sink: RecordingSink;
  let store: MemoryOutbox;
  let delivery: SinkDelivery;
  let stop: AbortController;
  const begin = (options: DeliveryOptions = {}) => {
    delivery = new SinkDelivery(sink, store, systemClock, silentLogger, { retryBaseMs: 10, retryMaxMs: 50, depthEveryMs: 20, ...options });
    return delivery.start(stop.signal);
  };
  const put = (lane: Lane, count = 1) => {
    for (let n = 0; n < count; n++) store.put('cloud', lane, `${lane} ${n}`);
    delivery?.wake(lane);
  };
  const empty = async () => Object.values(await store.depth('cloud')).every((depth) => depth.entries === 0);

  beforeEach(() => {
    sink = new RecordingSink();
    store = new MemoryOutbox();
    stop = new AbortController();
  });
  afterEach(() => delivery.stop());

  it('delivers what an earlier process left and what comes in, and removes it', async () => {
    put('results', 25);
    await begin();
    await eventually(empty, 'the outbox is empty');
    put('samples', 3);
    put('alarms', 1);
    await eventually(empty, 'the outbox is empty');
    expect(sink.ids('results')).toHaveLength(25);
    expect([sink.ids('samples').length, sink.ids('alarms').length]).toEqual([3, 1]);
    await eventually(() => delivery.status().oldestAgeMs === null, 'the depth is seen');
    expect(delivery.status()).toMatchObject({
      state: 'good',
      link: { up: true },
      inFlight: 0,
      counters: { delivered: 29, rejected: 0, retried: 0 },
    });
  });

  it('sends alarms before what waits already, and never more than a batch', async () => {
    await begin();
    sink.respond = () => pause(5).then(() => ({ rejected: [] }));
    put('samples', 100);
    await pause(12);
    put('alarms', 2);
    await eventually(empty, 'the outbox is empty');
    const at = sink.batches.findIndex((batch) => batch.lane === 'alarms');
    expect(at).toBeLessThan(5);
    expect(store.largestRead).toBe(10);
    expect(Math.max(...sink.batches.map((batch) => batch.ids.length))).toBe(10);
  });

  it('waits for company before results, but not before alarms', async () => {
    Object.assign(sink, { maxBatch: { points: 10, bytes: 100_000, waitMs: 80 } });
    await begin();
    await pause(100);
    const startedMs = performance.now();
    put('results');
    await pause(20);
    put('results');
    put('alarms');
    await eventually(empty, 'the outbox is empty');
    expect(sink.batches.map((batch) => [batch.lane, batch.ids.length])).toEqual([
      ['alarms', 1],
      ['results', 2],
    ]);
    expect((sink.batches[1]?.atMs ?? 0) - startedMs).toBeGreaterThanOrEqual(75);
  });

  it('sends what an outage left oldest first, beside what is new', async () => {
    let down = true;
    sink.respond = async () => {
      await pause(2);
      if (down) throw new FettleError('FETTLE_INFLUXDB_UNREACHABLE', 'down');
      return { rejected: [] };
    };
    await begin();
    put('results', 400);
    await eventually(() => sink.calls > 2, 'a few tries');
    expect(delivery.status()).toMatchObject({ state: 'degraded', link: { up: false }, lastError: 'down' });
    expect(sink.batches).toEqual([]);
    down = false;
    await eventually(() => delivery.status().backlog, 'the backlog is being sent');
    const newest = store.put('cloud', 'results', 'new').id;
    delivery.wake('results');
    await eventually(empty, 'the outbox is empty');
    const ids = sink.ids('results');
    expect(ids).toHaveLength(401);
    // The first batch was tried before the cut, the live one overtakes nearly all of the backlog.
    expect(ids.indexOf(newest)).toBeLessThan(60);
    expect(rising(ids.filter((id) => id !== newest))).toBe(true);
    expect(delivery.status()).toMatchObject({ state: 'good', backlog: false, counters: { delivered: 401 } });
    expect(delivery.status().counters.retried).toBeGreaterThanOrEqual(20);
  });

  it('loses and repeats nothing over many failures in all lanes', async () => {
    let call = 0;
    sink.respond = async () => {
      if (call++ % 3 !== 0) throw new Error('again');
      return { rejected: [] };
    };
    await begin({ retryBaseMs: 1, retryMaxMs: 2, backlogBatches: 1 });
    for (let round = 0; round < 40; round++) {
      put('results', 7);
      put('samples', 5);
      put('alarms', 1);
      await pause(3);
    }
    await eventually(empty, 'the outbox is empty');
    for (const [lane, count] of [
      ['results', 280],
      ['samples', 200],
      ['alarms', 40],
    ] as const) {
      expect(new Set(sink.ids(lane)).size).toBe(count);
      expect(sink.ids(lane)).toHaveLength(count);
    }
    expect(rising(sink.ids('alarms'))).toBe(true);
  });

  it('tries at least every few seconds while an alarm waits, whatever the back-off', async () => {
    sink.respond = () => Promise.reject(new FettleError('FETTLE_INFLUXDB_DENIED', 'no', { hint: 'ask' }));
    await begin({ retryBaseMs: 60_000, retryMaxMs: 60_000, alarmRetryMs: 40 });
    put('results');
    await eventually(() => sink.calls === 1, 'one try');
    await pause(100);
    expect(sink.calls).toBe(1);
    put('alarms');
    await eventually(() => sink.calls >= 4, 'tries for the alarm');
    expect(delivery.status()).toMatchObject({ state: 'failed', lastError: 'no', hint: 'ask' });
  });

  it('respects Retry-After even for an alarm', async () => {
    sink.respond = () => Promise.reject(new FettleError('FETTLE_INFLUXDB_BUSY', 'busy', { retryAfterMs: 300 }));
    await begin({ alarmRetryMs: 10 });
    put('alarms');
    await eventually(() => sink.calls === 1, 'one try');
    const startedMs = performance.now();
    sink.respond = () => Promise.resolve({ rejected: [] });
    put('alarms');
    await eventually(empty, 'the outbox is empty');
    expect(performance.now() - startedMs).toBeGreaterThan(250);
  });

  it('sets aside what the sink refuses for good', async () => {
    sink.respond = (entries) =>
      Promise.resolve({ rejected: [{ entryId: entries[1]?.id ?? 0, count: 1, reason: 'type conflict', example: 'm v="x"' }] });
    await begin();
    put('results', 3);
    await eventually(empty, 'the outbox is empty');
    expect(store.quarantined).toEqual([{ sink: 'cloud', entryId: 2, count: 1, reason: 'type conflict', example: 'm v="x"' }]);
    expect(delivery.status().counters).toMatchObject({ delivered: 2, rejected: 1 });
  });

  it('goes on when the journal takes removals again, and sends nothing twice meanwhile', async () => {
    await begin();
    store.removeError = new Error('disk full');
    put('results', 35);
    await pause(60);
    // The first batch is not removed yet; one more may have been sent.
    expect(sink.batches.length).toBeLessThanOrEqual(2);
    store.removeError = undefined;
    await eventually(empty, 'the outbox is empty');
    expect(sink.ids('results')).toHaveLength(35);
    expect(new Set(sink.ids('results')).size).toBe(35);
  });

  it('lets new results pass a backlog that has to be slow', async () => {
    sink.respond = () => Promise.resolve({ rejected: [] });
    put('results', 200);
    await begin({ backlogPointsPerSecond: 200 });
    await eventually(() => sink.batches.length > 0, 'the backlog has begun');
    const newest = store.put('cloud', 'results', 'new').id;
    delivery.wake('results');
    await eventually(() => sink.ids('results').includes(newest), 'the new one is there');
    await pause(200);
    // 10 points each 50 ms.
    expect(sink.ids('results').length).toBeGreaterThan(30);
    expect(sink.ids('results').length).toBeLessThan(80);
  });

  it('makes batches smaller for a slow link, so that alarms do not wait long', async () => {
    Object.assign(sink, { maxBatch: { points: 64, bytes: 1_000_000, waitMs: 0 } });
    sink.respond = async (entries) => {
      await pause(entries.length * 2);
      return { rejected: [] };
    };
    await begin({ batchTargetMs: 20 });
    put('samples', 200);
    await eventually(empty, 'the outbox is empty');
    const sizes = sink.batches.map((batch) => batch.ids.length);
    expect(sizes[0]).toBe(64);
    expect(sizes.slice(2, -1).every((size) => size <= 20)).toBe(true);
  });

  it('stops at once, twice, and can start again', async () => {
    await begin();
    sink.respond = (_, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    put('results', 3);
    await eventually(() => delivery.status().inFlight === 3, 'a delivery is under way');
    const startedMs = performance.now();
    await Promise.all([delivery.stop(), delivery.stop()]);
    expect(performance.now() - startedMs).toBeLessThan(50);
    expect(delivery.status().state).toBe('stopped');
    expect((await store.depth('cloud')).results.entries).toBe(3);
    sink.respond = () => Promise.resolve({ rejected: [] });
    await delivery.start(stop.signal);
    await eventually(empty, 'the outbox is empty');
    stop.abort();
    await eventually(() => delivery.status().state === 'stopped', 'it has ended');
  });
});
