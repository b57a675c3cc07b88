import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type AutonomyTerms, autonomyOf, supposedAutonomy } from '../../src/gateway/autonomy.ts';
import { type StorageForecast, storageForecast } from '../../src/gateway/storage-forecast.ts';
import { Journal } from '../../src/journal/journal.ts';
import { cutOffSite } from '../support/cut-off-site.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const dayMs = 86_400_000;
const terms: AutonomyTerms = {
  bytes: 600e6,
  freeBytes: 10e9,
  maxBytes: 1e9,
  waitingBytes: 0,
  waitingBytesPerDay: 100e6,
  growthBytesPerDay: 100e6,
};

describe('how long the link may stay away', () => {
  it('is what the limit leaves, history included, at the rate of what waits', () => {
    expect(autonomyOf(terms)).toEqual({ ms: 10 * dayMs, bound: 'maxBytes' });
  });

  it('gets less by what waits already, down to nothing', () => {
    expect(autonomyOf({ ...terms, waitingBytes: 400e6 })).toEqual({ ms: 6 * dayMs, bound: 'maxBytes' });
    expect(autonomyOf({ ...terms, waitingBytes: 2e9 })).toEqual({ ms: 0, bound: 'maxBytes' });
  });

  it('ends with the disk where that is full before the limit: history stays on it', () => {
    expect(autonomyOf({ ...terms, freeBytes: 300e6, waitingBytes: 400e6 })).toEqual({ ms: 3 * dayMs, bound: 'disk' });
    // Samples are history only; what waits for a sink is little, the disk fills all the same.
    expect(autonomyOf({ ...terms, freeBytes: 300e6, waitingBytesPerDay: 1e6 })).toEqual({ ms: 3 * dayMs, bound: 'disk' });
    expect(autonomyOf({ ...terms, waitingBytesPerDay: 1e6 })).toEqual({ ms: 1000 * dayMs, bound: 'maxBytes' });
  });

  it('has no end where nothing waits', () => expect(autonomyOf({ ...terms, waitingBytesPerDay: 0 })).toBeUndefined());

  it('follows another rate, disk or limit a person supposes', () => {
    const storage = { ...terms, samplesPerDay: 864_000, autonomy: null } as unknown as StorageForecast;
    const real = { samplesPerSecond: 10, freeBytes: terms.freeBytes, maxBytes: terms.maxBytes };
    expect(supposedAutonomy(storage, real)).toEqual(autonomyOf(terms));
    expect(supposedAutonomy(storage, { ...real, samplesPerSecond: 40 })).toEqual({ ms: 2.5 * dayMs, bound: 'maxBytes' });
    expect(supposedAutonomy(storage, { ...real, maxBytes: 4e9 })).toEqual({ ms: 40 * dayMs, bound: 'maxBytes' });
    expect(supposedAutonomy(storage, { ...real, freeBytes: 100e6 })).toEqual({ ms: dayMs, bound: 'disk' });
    expect(supposedAutonomy({ ...storage, samplesPerDay: null }, real)).toBeUndefined();
  });
});

describe('the forecast of a journal', () => {
  const limits = { maxBytes: 2e9, maxAge: 30 * dayMs };

  /** Segments of 10 kB a minute; those in `waits` (newest first) wait for a sink. */
  async function journalOf(minutes: readonly number[], waits = 0): Promise<{ journal: Journal; data: string }> {
    const data = temporaryDirectory();
    const open = () => Journal.open({ directory: data, maxBytes: limits.maxBytes, maxAgeMs: limits.maxAge });
    await (await open()).close();
    const database = new DatabaseSync(join(data, 'fettle.db'));
    const nowMs = Date.now();
    database.exec('BEGIN');
    for (const [i, minute] of minutes.entries()) {
      const atMs = nowMs - minute * 60_000;
      const seq = 10_000 - i;
      database.prepare('INSERT INTO segments VALUES (?, ?, ?, ?, 600, ?)').run(seq, atMs, atMs, atMs, new Uint8Array(10_000));
      if (i < waits)
        database
          .prepare("INSERT INTO outbox (sink, lane, count, enqueued_ms, segment) VALUES ('cloud', 'samples', 600, ?, ?)")
          .run(atMs, seq);
    }
    database.exec('COMMIT');
    database.close();
    const journal = await open();
    onTestFinished(() => journal.close());
    return { journal, data };
  }
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, minute) => minute);
  const outgoing = { waits: 'samples' as const, bytesPerDay: 0 };

  it('is an early one after a minute, and none before', async () => {
    const none = await journalOf([0, 0.5]);
    expect(await storageForecast(none.journal, limits, none.data, outgoing)).toMatchObject({ bytesPerDay: null, autonomy: null });
    const early = await journalOf(upTo(5));
    const forecast = await storageForecast(early.journal, limits, early.data, outgoing);
    expect(forecast).toMatchObject({ isEarly: true, samplesPerDay: 864_000, autonomy: { bound: 'maxBytes' } });
    // Of little data, the pages that are there anyway are not taken for its growth: 10 kB a minute.
    expect(forecast.bytesPerDay).toBeGreaterThan(14.4e6);
    expect(forecast.bytesPerDay).toBeLessThan(30e6);
    const late = await journalOf(upTo(90));
    expect(await storageForecast(late.journal, limits, late.data, outgoing)).toMatchObject({ isEarly: false, samplesPerDay: 864_000 });
  });

  it('has no end where only alarms are sent, and is that of the results alone where no samples are', async () => {
    const { journal, data } = await journalOf(upTo(90));
    const of = (waits: 'results' | 'alarms') => storageForecast(journal, limits, data, { waits, bytesPerDay: 1e6 });
    expect(await of('alarms')).toMatchObject({ autonomy: null, waitingBytesPerDay: 0 });
    expect((await of('results')).autonomy?.ms).toBeCloseTo(2000 * dayMs, -4);
  });

  it('takes off what waits; age ends nothing', async () => {
    const { journal, data } = await journalOf(upTo(400), 200);
    const short = { ...limits, maxAge: 60_000 };
    const { waitingBytes, waitingBytesPerDay, autonomy } = await storageForecast(journal, short, data, outgoing);
    expect(waitingBytes).toBeGreaterThan(200 * 10_000);
    expect(waitingBytes).toBeLessThan(200 * 10_000 * 1.5);
    expect(autonomy?.ms).toBeCloseTo(((limits.maxBytes - waitingBytes) / (waitingBytesPerDay as number)) * dayMs, -1);
    expect(autonomy?.ms).toBeGreaterThan(dayMs);
  });

  it('is of the time the gateway ran: a night switched off makes no rate smaller', async () => {
    const { journal, data } = await journalOf([...upTo(120), ...upTo(120).map((minute) => minute + 840)]);
    const { samplesPerDay } = await storageForecast(journal, limits, data, outgoing);
    expect(samplesPerDay).toBeGreaterThan(864_000 * 0.85);
    expect(samplesPerDay).toBeLessThan(864_000 * 1.05);
  });
});

it('of a gateway whose link is away: what waits grows, and the time gets shorter', async () => {
  const { configuration, clock, ahead } = cutOffSite();
  const gateway = await startGateway(configuration, { clock });
  const push = (from: number) =>
    gateway.push(
      'program',
      Array.from({ length: 500 }, (_, i) => ({ tag: 'press/flow', value: i, time: clock.wallMs() - 1000 + from + i })),
      false,
    );
  await push(0);
  expect(await gateway.storage()).toMatchObject({ autonomy: null, waitingBytesPerDay: null });
  await eventually(() => gateway.status().sinks.cloud?.delivery.lanes.samples.points === 500, 'they wait');
  const incoming = gateway.status().sinks.cloud?.incomingPointsPerSecond ?? 0;
  expect(incoming).toBeGreaterThan(20);
  expect(gateway.status().sinks.cloud?.wants).toEqual(['samples', 'alarms']);
  ahead.ms = 61_000;
  await push(0);
  const first = await gateway.storage();
  expect(first).toMatchObject({ isEarly: true, maxBytes: 64e6, autonomy: { bound: 'maxBytes' } });
  expect(first.waitingBytes).toBeGreaterThan(1000);
  ahead.ms = 122_000;
  for (let i = 1; i <= 20; i++) await push(i * 500);
  const second = await gateway.storage();
  expect(second.waitingBytes).toBeGreaterThan(first.waitingBytes);
  expect(second.autonomy?.ms).toBeLessThan(first.autonomy?.ms ?? 0);
}, 30_000);
