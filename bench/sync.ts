import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../src/core/clock.ts';
import { silentLogger } from '../src/core/logger.ts';
import { SampleBlockBuilder } from '../src/core/sample-block.ts';
import type { Lane, NamedSamples, OutboxStore } from '../src/core/sink.ts';
import { SinkDelivery } from '../src/outbox/delivery.ts';
import { influxdbSink } from '../src/sinks/influxdb/index.ts';
import { type Influxd, startInfluxd } from '../test/support/influxd.ts';
import { MemoryOutbox } from '../test/support/memory-outbox.ts';

export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same work with nothing of ours around it, in the same run. */
  readonly limit: number;
  readonly ratio: number;
  readonly target: number;
  readonly reached: boolean;
}

type FillableStore = OutboxStore & { put(sink: string, lane: Lane, payload: Uint8Array, count: number): unknown };

const points = 400_000;
const pointsPerEntry = 500;
const batchPoints = 5000;
const tags = 100;
const rounds = 5;
const target = 0.8;

/**
 * Points a second from the outbox into influxd, beside `/write` given the same lines in the same batches by bare fetch.
 * Medians of five rounds after one to warm up, the two in turn. Empty where influxd is not installed.
 */
export async function benchSync(makeStore: () => FillableStore = () => new MemoryOutbox()): Promise<BenchRow[]> {
  const influxd = await startInfluxd();
  if (!influxd) return [];
  try {
    const ours: number[] = [];
    const bare: number[] = [];
    for (let round = -1; round < rounds; round++) {
      const payloads = encodeRound(influxd.url, Date.UTC(2026, 0, 1) + (round + 1) * 86_400_000);
      const measured = [
        () => drain(influxd, makeStore(), payloads, `ours${round + 1}`),
        () => writeBare(influxd, payloads, `bare${round + 1}`),
      ];
      // In turn, and in turns who begins: the database is slower the more it holds.
      const order = round % 2 === 0 ? [0, 1] : [1, 0];
      for (const which of order) {
        const rate = await (measured[which] as () => Promise<number>)();
        if (round >= 0) (which === 0 ? ours : bare).push(rate);
      }
    }
    const [value, limit] = [median(ours), median(bare)];
    return [{ name: 'sync', value, unit: 'points/s', limit, ratio: value / limit, target, reached: value / limit >= target }];
  } finally {
    await influxd.dispose();
  }
}

const sinkOf = (url: string, database: string) =>
  influxdbSink.create(
    influxdbSink.schema.parse({ id: 'cloud', type: 'influxdb', url, database, batch: { points: batchPoints, wait: '0ms' } }),
    {
      id: 'cloud',
      site: 'bench',
      clock: systemClock,
      log: silentLogger,
    },
  );

function encodeRound(url: string, fromMs: number): Uint8Array[] {
  const sink = sinkOf(url, 'unused');
  const names = Array.from({ length: tags }, (_, tag) => `line1/machine${tag % 10}/tag${tag}`);
  const payloads: Uint8Array[] = [];
  for (let first = 0; first < points; first += pointsPerEntry) {
    const block = new SampleBlockBuilder();
    for (let n = first; n < first + pointsPerEntry; n++)
      block.append(n % tags, fromMs + Math.floor(n / tags) * 10, Math.sin(n) * 50 + 20, 0);
    const samples: NamedSamples = { block, tagName: (tag) => names[tag] as string, textOf: () => undefined };
    payloads.push(sink.encodeSamples(samples) as Uint8Array);
  }
  return payloads;
}

async function drain(influxd: Influxd, store: FillableStore, payloads: readonly Uint8Array[], database: string): Promise<number> {
  await influxd.query('', `CREATE DATABASE ${database}`);
  for (const payload of payloads) store.put('cloud', 'samples', payload, pointsPerEntry);
  const delivery = new SinkDelivery(sinkOf(influxd.url, database), store, systemClock, silentLogger);
  const startedMs = performance.now();
  await delivery.start(new AbortController().signal);
  while (delivery.status().counters.delivered < points) await pause(1);
  const rate = points / ((performance.now() - startedMs) / 1000);
  await delivery.stop();
  await drop(influxd, database);
  return rate;
}

async function writeBare(influxd: Influxd, payloads: readonly Uint8Array[], database: string): Promise<number> {
  await influxd.query('', `CREATE DATABASE ${database}`);
  const together = batchPoints / pointsPerEntry;
  const bodies: Buffer<ArrayBuffer>[] = [];
  for (let first = 0; first < payloads.length; first += together) {
    bodies.push(
      Buffer.concat(
        payloads.slice(first, first + together).flatMap((payload, index) => (index === 0 ? [payload] : [Buffer.from('\n'), payload])),
      ),
    );
  }
  const startedMs = performance.now();
  for (const body of bodies) {
    const answer = await fetch(`${influxd.url}/write?db=${database}&precision=ns`, { method: 'POST', body });
    if (answer.status !== 204) throw new Error(`influxd answered ${answer.status}: ${await answer.text()}`);
  }
  const rate = points / ((performance.now() - startedMs) / 1000);
  await drop(influxd, database);
  return rate;
}

async function drop(influxd: Influxd, database: string): Promise<void> {
  await influxd.query('', `DROP DATABASE ${database}`);
  await pause(200);
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

if (import.meta.main) for (const row of await benchSync()) console.log(JSON.stringify(row));
