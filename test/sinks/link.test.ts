import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/logger.ts';
import type { Sink } from '../../src/core/sink.ts';
import { SinkDelivery } from '../../src/outbox/delivery.ts';
import { influxdbSink } from '../../src/sinks/influxdb/index.ts';
import { eventually } from '../support/eventually.ts';
import { type Influxd, startInfluxd } from '../support/influxd.ts';
import { MemoryOutbox } from '../support/memory-outbox.ts';
import { type Answer, type RecordingProxy, startRecordingProxy } from '../support/recording-proxy.ts';
import { atMs, namedSamples, score, sinkContext, transition } from './fixtures.ts';

/** The link to the cloud in every state a link can be in, with the real InfluxDB behind it. */

const samplesPerEntry = 100;
const batchPoints = 1000;

let influxd: Influxd | undefined;
let proxy: RecordingProxy;
let store: MemoryOutbox;
let sink: Sink;
let delivery: SinkDelivery;
/** How many of each were put in: the n-th carries n. */
const produced = { alarms: 0, results: 0, samples: 0 };

function produce(entries: number): void {
  for (let entry = 0; entry < entries; entry++) {
    const rows = Array.from({ length: samplesPerEntry }, () => {
      const n = produced.samples++;
      return { tag: `t${n % 10}`, timeMs: atMs + n, value: n };
    });
    store.put(sink.id, 'samples', sink.encodeSamples(namedSamples(rows)) ?? '', samplesPerEntry);
    const n = produced.results++;
    store.put(sink.id, 'results', sink.encodeScores([score({ windowEndMs: atMs + n, value: n })]) ?? '');
  }
  delivery.wake('samples');
  delivery.wake('results');
}

function raise(): void {
  const sequence = produced.alarms++;
  store.put(sink.id, 'alarms', sink.encodeTransition(transition({ sequence, id: `t-${sequence}`, atMs: atMs + sequence })) ?? '');
  delivery.wake('alarms');
}

const empty = async () => Object.values(await store.depth(sink.id)).every(({ entries }) => entries === 0);
const valuesOf = async (select: string) =>
  ((await influxd?.query('fettle', select)) ?? []).map((row) => Number(row.value)).sort((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

beforeEach(async ({ skip }) => {
  influxd = await startInfluxd();
  if (!influxd) return skip('influxd is not installed');
  proxy = await startRecordingProxy(influxd.url);
  store = new MemoryOutbox();
  Object.assign(produced, { alarms: 0, results: 0, samples: 0 });
  const config = { id: 'cloud', type: 'influxdb', url: proxy.url, timeout: '300ms', batch: { points: batchPoints, wait: '50ms' } };
  sink = influxdbSink.create(influxdbSink.schema.parse(config), sinkContext('cloud'));
  delivery = new SinkDelivery(sink, store, systemClock, silentLogger, { retryBaseMs: 20, retryMaxMs: 200 });
  await delivery.start(new AbortController().signal);
});
afterEach(async () => {
  await delivery?.stop();
  await proxy?.close();
  await influxd?.dispose();
});

it('loses nothing whatever the receiver answers, and keeps the order of a lane', async () => {
  const phases: [string, () => Answer | undefined][] = [
    ['good', () => undefined],
    ['500', () => ({ kind: 'status', status: 500, body: '{"error":"timeout"}' })],
    ['429', () => ({ kind: 'status', status: 429, headers: { 'retry-after': '0.2' } })],
    ['dropped connections', () => ({ kind: 'drop' })],
    ['lost answers', () => ({ kind: 'dropAnswer' })],
    ['stalls', () => ({ kind: 'stall' })],
    ['unauthorized', () => ({ kind: 'status', status: 401, body: '{"error":"authorization failed"}' })],
    ['all at random', () => (Math.random() < 0.5 ? { kind: 'drop' } : Math.random() < 0.3 ? { kind: 'dropAnswer' } : undefined)],
  ];
  for (const [name, answer] of phases) {
    proxy.answer = answer;
    for (let tick = 0; tick < 20; tick++) {
      produce(2);
      if (tick % 5 === 0) raise();
      await pause(20);
    }
    if (name === '429') {
      const asked = proxy.records.filter((record) => record.status === 429);
      const waits = asked.slice(1).map((record, index) => record.atMs - (asked[index]?.atMs ?? 0));
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(195);
    }
  }
  await proxy.setListening(false);
  produce(20);
  raise();
  await pause(300);
  expect(delivery.status()).toMatchObject({ state: 'degraded', link: { up: false } });
  proxy.answer = () => undefined;
  await proxy.setListening(true);
  await eventually(empty, 'the outbox is empty', 10_000);

  expect(await valuesOf('SELECT value FROM fettle_sample')).toEqual(upTo(produced.samples));
  expect(await valuesOf('SELECT score AS value FROM fettle_score')).toEqual(upTo(produced.results));
  expect(await valuesOf('SELECT "sequence" AS value FROM fettle_alarm')).toEqual(upTo(produced.alarms));
  expect(store.quarantined).toEqual([]);
  expect(store.largestRead).toBeLessThanOrEqual(batchPoints);
  const times = proxy.storedLines().filter((line) => line.startsWith('fettle_alarm,'));
  const first = [...new Set(times.map((line) => BigInt(line.split(' ').at(-1) ?? '')))];
  expect(first.every((time, index) => index === 0 || time > (first[index - 1] ?? 0n))).toBe(true);
}, 20_000);

it('sets aside what the receiver takes in part, and goes on', async () => {
  raise();
  await eventually(empty, 'the outbox is empty');
  const line = `fettle_alarm,asset=x,rule=anomaly,site=hall1,tag=- sequence="text" ${atMs}000000`;
  const bad = store.put(sink.id, 'alarms', line);
  raise();
  await eventually(empty, 'the outbox is empty');
  expect(store.quarantined).toMatchObject([
    { entryId: bad.id, count: 1, reason: expect.stringContaining('field type conflict'), example: line },
  ]);
  expect(await valuesOf('SELECT "sequence" AS value FROM fettle_alarm')).toEqual([0, 1]);
  expect(delivery.status().counters).toMatchObject({ delivered: 2, rejected: 1 });
});

it('drains a backlog at ten times the rate of arrival, alarms first and live results in between', async () => {
  await proxy.setListening(false);
  produce(1);
  await eventually(() => delivery.status().state === 'degraded', 'the outage is seen');
  for (let n = 0; n < 4; n++) produce(100);
  raise();
  const backlog = produced.samples;
  const arrivalPerSecond = samplesPerEntry / 0.05;
  const from = proxy.records.length;
  const liveFrom = produced.results;
  const producedAt: number[] = [];
  await proxy.setListening(true);
  const startedMs = performance.now();
  const producer = setInterval(() => {
    producedAt.push(Date.now());
    produce(1);
  }, 50);
  await eventually(() => delivery.status().backlog, 'the backlog is being sent');
  await eventually(() => !delivery.status().backlog, 'the backlog is gone', 15_000);
  const seconds = (performance.now() - startedMs) / 1000;
  await pause(200);
  clearInterval(producer);
  await eventually(empty, 'the outbox is empty');
  expect(backlog / seconds).toBeGreaterThan(10 * arrivalPerSecond);

  const stored = proxy.records.slice(from).filter((record) => record.stored);
  expect(stored.findIndex((record) => record.body.includes('fettle_alarm'))).toBeLessThan(2);
  const latencies = producedAt.map((putMs, index) => {
    const value = `score=${liveFrom + index},`;
    return (stored.find((record) => record.body.includes(value))?.atMs ?? Number.POSITIVE_INFINITY) - putMs;
  });
  expect(Math.max(...latencies)).toBeLessThan(1000);
  expect(await valuesOf('SELECT value FROM fettle_sample')).toEqual(upTo(produced.samples));
}, 30_000);

it('keeps delivery bounded in memory however large the backlog is', async () => {
  await proxy.setListening(false);
  produce(2000);
  await eventually(() => delivery.status().state === 'degraded', 'the outage is seen');
  await proxy.setListening(true);
  let most = 0;
  while (!(await empty())) {
    most = Math.max(most, delivery.status().inFlight);
    await pause(2);
  }
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(batchPoints);
  expect(store.largestRead).toBeLessThanOrEqual(batchPoints);
  expect(Math.max(...proxy.records.map((record) => record.body.length))).toBeLessThan(250_000);
}, 20_000);
