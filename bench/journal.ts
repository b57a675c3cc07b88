import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SampleBlockBuilder } from '../src/core/sample-block.ts';
import { SegmentWriter } from '../src/journal/segment.ts';
import { JournalStore } from '../src/journal/store.ts';
import { atLeast, type BenchRow, median } from './support/row.ts';

const rows = 400_000;
const batch = 1_000;
const rounds = 5;
const target = 0.6;

/** Samples a second into the journal, in commits of 1,000 at synchronous=FULL, beside bare SQLite inserting the same rows in the same batches. */
export async function benchJournal(): Promise<BenchRow[]> {
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const measure of round % 2 === 0 ? [journal, sqlite] : [sqlite, journal]) {
      const directory = mkdtempSync(join(tmpdir(), 'fettle-bench-'));
      (measure === journal ? ours : bare).push(measure(directory));
      rmSync(directory, { recursive: true });
    }
  }
  return [atLeast('journal', median(ours), 'rows/s', median(bare), target)];
}

const sample = (n: number): readonly [tag: number, timeMs: number, value: number] => [
  n % 200,
  1_700_000_000_000 + n * 5,
  Math.sin(n) * 100,
];

function journal(directory: string): number {
  const store = new JournalStore({ directory, maxBytes: 1e12, maxAgeMs: 1e12 });
  const writer = new SegmentWriter();
  const block = new SampleBlockBuilder();
  const began = performance.now();
  for (let n = 0; n < rows; ) {
    block.clear();
    for (let i = 0; i < batch; i++, n++) block.append(...sample(n), 0);
    writer.appendBlock(0, block);
    const { samples, firstMs, lastMs } = writer;
    store.commit({
      wallMs: 0,
      segment: { data: writer.take(), samples, firstMs, lastMs },
      names: [],
      scores: null,
      invalid: [],
      transitions: [],
      outbox: [],
      snapshot: null,
    });
  }
  const rate = (rows * 1000) / (performance.now() - began);
  store.close();
  return rate;
}

function sqlite(directory: string): number {
  const database = new DatabaseSync(join(directory, 'bare.db'));
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE samples (tag INTEGER, time REAL, value REAL, quality INTEGER)',
  );
  const insert = database.prepare('INSERT INTO samples VALUES (?, ?, ?, ?)');
  const began = performance.now();
  for (let n = 0; n < rows; ) {
    database.exec('BEGIN');
    for (let i = 0; i < batch; i++, n++) insert.run(...sample(n), 0);
    database.exec('COMMIT');
  }
  const rate = (rows * 1000) / (performance.now() - began);
  database.close();
  return rate;
}
