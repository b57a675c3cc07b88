import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Bucket, SampleBuckets, ScoreBucket } from './buckets.ts';

/** Steps that are kept, ms: the first for hours, the second for weeks. */
export const levels = [10_000, 300_000] as const;
export type Level = (typeof levels)[number];

const schemaVersion = 1;
const schema = levels
  .map(
    (level) => `
    CREATE TABLE samples_${level} (tag INTEGER, step INTEGER, min REAL, max REAL, sum REAL, count INTEGER, PRIMARY KEY (tag, step)) WITHOUT ROWID;
    CREATE TABLE scores_${level} (asset INTEGER, step INTEGER, ratio REAL, contributions BLOB, expected BLOB, count INTEGER, PRIMARY KEY (asset, step)) WITHOUT ROWID;`,
  )
  .join('\n');

/** Where the sums have come to. */
export interface Progress {
  /** When the journal was made: another one was made at another time. */
  readonly made: number;
  /** Last segment that is in. */
  readonly seq: number;
  /** `first_ms` of that segment: a journal that was restored has another. */
  readonly firstMs: number;
  /** Asset → end of the last score that is in. */
  readonly scores: Readonly<Record<number, number>>;
}

const none: Progress = { made: 0, seq: 0, firstMs: 0, scores: {} };

/** Sums of the history in steps, in a file of their own beside the journal: they can be made anew from it at any time, so they need no care. */
export class SummaryStore {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.#database = new DatabaseSync(path);
    this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -8192');
    const { user_version: found } = this.#database.prepare('PRAGMA user_version').get() as { user_version: number };
    if (found !== schemaVersion) this.reset();
  }

  get progress(): Progress {
    const row = this.#sql('SELECT value FROM meta').get() as { value: string } | undefined;
    return row === undefined ? none : (JSON.parse(row.value) as Progress);
  }

  /** Forgets everything: the journal is another one. */
  reset(): void {
    this.#statements.clear();
    const tables = this.#database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
    this.#database.exec(
      `BEGIN; ${tables.map(({ name }) => `DROP TABLE ${name};`).join(' ')} CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), value TEXT); ${schema} PRAGMA user_version = ${schemaVersion}; COMMIT`,
    );
  }

  /** One transaction: sums and how far they go. */
  add(
    samples: ReadonlyMap<Level, SampleBuckets>,
    scores: ReadonlyMap<Level, ReadonlyMap<number, ReadonlyMap<number, ScoreBucket>>>,
    progress: Progress,
  ): void {
    this.#database.exec('BEGIN');
    try {
      for (const [level, { byTag }] of samples) {
        const insert = this.#sql(
          `INSERT INTO samples_${level} VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET min = min(min, excluded.min), max = max(max, excluded.max), sum = sum + excluded.sum, count = count + excluded.count`,
        );
        for (const [tag, steps] of byTag) for (const [step, { min, max, sum, count }] of steps) insert.run(tag, step, min, max, sum, count);
      }
      for (const [level, byAsset] of scores) {
        const known = this.#sql(`SELECT ratio, contributions, expected, count FROM scores_${level} WHERE asset = ? AND step = ?`);
        const insert = this.#sql(`INSERT OR REPLACE INTO scores_${level} VALUES (?, ?, ?, ?, ?, ?)`);
        for (const [asset, steps] of byAsset) {
          for (const [step, bucket] of steps) {
            const before = known.get(asset, step) as unknown as StoredScore | undefined;
            const { ratio, contributions, expected, count } = before === undefined ? bucket : merged(scoreBucketOf(before), bucket);
            insert.run(asset, step, ratio, bytesOf(contributions), bytesOf(expected), count);
          }
        }
      }
      this.#sql('INSERT OR REPLACE INTO meta VALUES (1, ?)').run(JSON.stringify(progress));
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  samples(level: Level, tag: number, fromMs: number, toMs: number): Map<number, Bucket> {
    const rows = this.#sql(`SELECT step, min, max, sum, count FROM samples_${level} WHERE tag = ? AND step >= ? AND step < ?`).all(
      tag,
      Math.floor(fromMs / level),
      Math.ceil(toMs / level),
    ) as unknown as (Bucket & { step: number })[];
    return new Map(rows.map((row) => [row.step, row]));
  }

  scores(level: Level, asset: number, fromMs: number, toMs: number): Map<number, ScoreBucket> {
    const rows = this.#sql(
      `SELECT step, ratio, contributions, expected, count FROM scores_${level} WHERE asset = ? AND step >= ? AND step < ?`,
    ).all(asset, Math.floor(fromMs / level), Math.ceil(toMs / level)) as unknown as (StoredScore & { step: number })[];
    return new Map(rows.map((row) => [row.step, scoreBucketOf(row)]));
  }

  /** What the journal no longer has goes here too. */
  forget(beforeMs: number): void {
    for (const level of levels) {
      for (const table of ['samples', 'scores'])
        this.#sql(`DELETE FROM ${table}_${level} WHERE step < ?`).run(Math.floor(beforeMs / level));
    }
  }

  close(): void {
    this.#database.close();
  }

  #sql(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }
}

interface StoredScore {
  readonly ratio: number;
  readonly contributions: Uint8Array;
  readonly expected: Uint8Array;
  readonly count: number;
}

const bytesOf = (values: Float32Array | Float64Array): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

const scoreBucketOf = ({ ratio, contributions, expected, count }: StoredScore): ScoreBucket => ({
  ratio,
  contributions: new Float32Array(contributions.slice().buffer),
  expected: new Float64Array(expected.slice().buffer),
  count,
});

/** A model with other channels begins anew. */
function merged(a: ScoreBucket, b: ScoreBucket): ScoreBucket {
  if (a.expected.length !== b.expected.length) return b;
  return {
    ratio: Math.max(a.ratio, b.ratio),
    contributions: a.ratio >= b.ratio ? a.contributions : b.contributions,
    expected: a.expected.map((sum, c) => sum + (b.expected[c] as number)),
    count: a.count + b.count,
  };
}
