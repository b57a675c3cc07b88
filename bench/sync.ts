import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../src/core/clock.ts';
import { silentLogger } from '../src/core/logger.ts';
import { SampleBlockBuilder } from '../src/core/sample-block.ts';
import { Names } from '../src/gateway/names.ts';
import { JournalOutboxStore } from '../src/gateway/outbox-store.ts';
import { Journal } from '../src/journal/journal.ts';
import { SegmentWriter } from '../src/journal/segment.ts';
import { SinkDelivery } from '../src/outbox/delivery.ts';
import { influxdbSink } from '../src/sinks/influxdb/index.ts';
import { type Influxd, startInfluxd } from '../test/support/influxd.ts';
import { atLeast, type BenchRow, median } from './support/row.ts';

const points = 400_000;
const pointsPerSegment = 500;
const batchPoints = 5000;
const tags = 100;
const rounds = 5;
const target = 0.8;

/**
 * Points a second from the journal into influxd: segments read, encoded, sent, and removed, beside `/write` given the same lines, made beforehand, in the same
 * batches by bare fetch. Medians of five rounds after one to warm up, the two in turn. Empty where influxd is not installed.
 */
export async function benchSync(): Promise<BenchRow[]> {
  const influxd = await startInfluxd();
  if (!influxd) return [];
  try {
    const ours: number[] = [];
    const bare: number[] = [];
    for (let round = -1; round < rounds; round++) {
      const fromMs = Date.UTC(2026, 0, 1) + (round + 1) * 86_400_000;
      const measured = [() => drain(influxd, fromMs, `ours${round + 1}`), () => writeBare(influxd, fromMs, `bare${round + 1}`)];
      // In turn, and in turns who begins: the database is slower the more it holds.
      const order = round % 2 === 0 ? [0, 1] : [1, 0];
      for (const which of order) {
        const rate = await (measured[which] as () => Promise<number>)();
        if (round >= 0) (which === 0 ? ours : bare).push(rate);
      }
    }
    return [atLeast('sync', median(ours), 'points/s', median(bare), target)];
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

const tagName = (tag: number): string => `line1/machine${tag % 10}/tag${tag}`;

function* blocks(fromMs: number): Generator<SampleBlockBuilder> {
  for (let first = 0; first < points; first += pointsPerSegment) {
    const block = new SampleBlockBuilder();
    for (let n = first; n < first + pointsPerSegment; n++)
      block.append(n % tags, fromMs + Math.floor(n / tags) * 10, Math.sin(n) * 50 + 20, 0);
    yield block;
  }
}

async function drain(influxd: Influxd, fromMs: number, database: string): Promise<number> {
  await influxd.query('', `CREATE DATABASE ${database}`);
  const directory = mkdtempSync(join(tmpdir(), 'fettle-bench-'));
  const journal = await Journal.open({ directory, maxBytes: 1e12, maxAgeMs: 1e12 });
  const names = new Names(journal.opened.names, { tags, texts: 1 });
  for (let tag = 0; tag < tags; tag++) names.tag.intern(tagName(tag));
  const writer = new SegmentWriter();
  for (const block of blocks(fromMs)) {
    writer.appendBlock(0, block);
    const { samples, firstMs, lastMs } = writer;
    await journal.commit({
      wallMs: Date.now(),
      segment: { data: writer.take(), samples, firstMs, lastMs },
      names: names.takeNew(),
      scores: null,
      invalid: [],
      transitions: [],
      outbox: [{ sink: 'cloud', lane: 'samples', count: samples, payload: null }],
      snapshot: null,
    });
  }
  const sink = sinkOf(influxd.url, database);
  const delivery = new SinkDelivery(sink, new JournalOutboxStore(journal, sink, names, new Set(), systemClock), systemClock, silentLogger);
  const startedMs = performance.now();
  await delivery.start(new AbortController().signal);
  while (delivery.status().counters.delivered < points) await pause(1);
  const rate = points / ((performance.now() - startedMs) / 1000);
  await delivery.stop();
  await journal.close();
  rmSync(directory, { recursive: true });
  await drop(influxd, database);
  return rate;
}

async function writeBare(influxd: Influxd, fromMs: number, database: string): Promise<number> {
  await influxd.query('', `CREATE DATABASE ${database}`);
  const sink = sinkOf(influxd.url, 'unused');
  const payloads = Array.from(blocks(fromMs), (block) => sink.encodeSamples({ block, tagName, textOf: () => undefined }) as Uint8Array);
  const together = batchPoints / pointsPerSegment;
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
