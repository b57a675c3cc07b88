import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync, type StatementSync } from 'node:sqlite';
import { FettleError } from '../core/errors.ts';
import type { Lane, LaneDepth, RejectedPoints } from '../core/sink.ts';
import { lanes } from '../core/sink.ts';
import type { CommitBatch, CommitResult, OpenedJournal, RetentionCounters } from './batch.ts';
import { bringUpToDate, openedBy, refuseNewer, type Upgrade } from './migration.ts';
import { namesIn } from './names-table.ts';
import { enforceRetention } from './retention.ts';
import { databaseName } from './schema.ts';
import { readSegment } from './segment.ts';
import { isDamaged, sqliteBusy, sqliteCode, sqliteFull } from './sqlite-error.ts';
import { copiesIn, removeOldCopies } from './upgrade-copy.ts';

const retentionEveryMs = 10_000;

export interface StoreOptions {
  readonly directory: string;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** FULL in the product. NORMAL loses acknowledged rows in a power cut; the power-cut test shows it. */
  readonly synchronous?: 'FULL' | 'NORMAL';
  /** Version of Fettle that opens it, for the record in the data. */
  readonly version?: string;
  /** never: data of an older schema are read as they are, and not brought to this one. For who only looks. */
  readonly upgrade?: 'never';
}

/** The database itself, synchronous: it lives in the writer's thread, and nothing else ever opens the file. */
export class JournalStore {
  readonly #options: StoreOptions;
  readonly #upgrading: ((upgrade: Upgrade) => void) | undefined;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly opened: OpenedJournal;
  #lastSeq: number;
  #nextRetentionMs = 0;

  /** Throws FETTLE_DATA_LOCKED, FETTLE_DATA_TOO_NEW, FETTLE_UPGRADE_FAILED; a damaged database is set aside and a fresh one opened. `upgrading` is called before data of an older schema are copied and changed. */
  constructor(options: StoreOptions, upgrading?: (upgrade: Upgrade) => void) {
    this.#options = options;
    this.#upgrading = upgrading;
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    let setAside: string | null = null;
    try {
      this.#database = this.#open();
    } catch (error) {
      if (!isDamaged(error)) throw error;
      setAside = this.#setAside();
      this.#database = this.#open();
    }
    this.#lastSeq = Number(this.#one('SELECT coalesce(max(seq), 0) AS seq FROM segments').seq);
    const snapshot = this.#sql('SELECT seq, data FROM snapshots').get() as { seq: number; data: Uint8Array } | undefined;
    if (snapshot !== undefined) this.#lastSeq = Math.max(this.#lastSeq, snapshot.seq);
    this.opened = {
      names: namesIn(this.#database),
      snapshot: snapshot ?? null,
      lastSeq: this.#lastSeq,
      setAside,
      retention: this.retentionCounters(),
      openedBy: openedBy(this.#database),
      copy: copiesIn(options.directory)[0] ?? null,
    };
  }

  /** One transaction; with synchronous=FULL it is on the disk when this returns. */
  commit(batch: CommitBatch): CommitResult {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const seq = batch.segment === null ? this.#lastSeq : this.#lastSeq + 1;
      for (const { kind, index, name } of batch.names) this.#sql('INSERT OR REPLACE INTO names VALUES (?, ?, ?)').run(kind, index, name);
      if (batch.segment !== null) {
        const { data, samples, firstMs, lastMs } = batch.segment;
        const finite = (ms: number): number => (Number.isFinite(ms) ? ms : batch.wallMs);
        this.#sql('INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?)').run(seq, batch.wallMs, finite(firstMs), finite(lastMs), samples, data);
      }
      this.#insertScores(batch);
      const invalid = this.#sql('INSERT OR IGNORE INTO invalid_windows VALUES (?, ?, ?, ?)');
      for (const row of batch.invalid) invalid.run(row.asset, row.endMs, row.reason, row.tag);
      const transition = this.#sql('INSERT OR IGNORE INTO transitions VALUES (?, ?, ?, ?, ?)');
      for (const row of batch.transitions) transition.run(row.id, row.asset, row.sequence, row.atMs, row.document);
      const entry = this.#sql('INSERT INTO outbox (sink, lane, count, enqueued_ms, segment, payload) VALUES (?, ?, ?, ?, ?, ?)');
      for (const row of batch.outbox)
        entry.run(row.sink, row.lane, row.count, batch.wallMs, row.payload === null ? seq : null, row.payload);
      if (batch.snapshot !== null) this.#sql('INSERT OR REPLACE INTO snapshots VALUES (1, ?, ?)').run(seq, batch.snapshot);
      // A clock that was set back must not keep it from being done.
      if (batch.wallMs >= this.#nextRetentionMs || batch.wallMs < this.#nextRetentionMs - retentionEveryMs) {
        this.#nextRetentionMs = batch.wallMs + retentionEveryMs;
        enforceRetention(this.#database, { ...this.#options, wallMs: batch.wallMs });
        removeOldCopies(this.#options.directory, batch.wallMs);
      }
      this.#database.exec('COMMIT');
      this.#lastSeq = seq;
      return { seq };
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      if (sqliteCode(error) === sqliteFull) {
        throw new FettleError('FETTLE_JOURNAL_FULL', `no room left for the journal in ${this.#options.directory}`, { cause: error });
      }
      throw error;
    }
  }

  /** Segments after `afterSeq`, oldest first, about `maxBytes` of them. */
  segments(afterSeq: number, maxBytes: number): { seq: number; data: Uint8Array }[] {
    const found: { seq: number; data: Uint8Array }[] = [];
    let bytes = 0;
    for (const row of this.#sql('SELECT seq, data FROM segments WHERE seq > ? ORDER BY seq').iterate(afterSeq)) {
      const segment = row as unknown as { seq: number; data: Uint8Array };
      found.push(segment);
      bytes += segment.data.byteLength;
      if (bytes >= maxBytes) break;
    }
    return found;
  }

  /** For each (tag, time) of a source: 1 where the log has it. Only redelivered messages are looked up. */
  existing(source: number, tag: Uint32Array, timeMs: Float64Array): Uint8Array {
    const found = new Uint8Array(tag.length);
    const rows = new Map<string, number[]>();
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < tag.length; i++) {
      const t = timeMs[i] as number;
      const key = `${tag[i]}@${t}`;
      const at = rows.get(key);
      if (at === undefined) rows.set(key, [i]);
      else at.push(i);
      low = Math.min(low, t);
      high = Math.max(high, t);
    }
    let missing = rows.size;
    const candidates = this.#sql('SELECT data FROM segments WHERE last_ms >= ? AND first_ms <= ? ORDER BY seq DESC');
    for (const { data } of candidates.iterate(low, high) as Iterable<{ data: Uint8Array }>) {
      for (const entry of readSegment(data)) {
        if (entry.kind !== 'samples' || entry.source !== source) continue;
        const { block } = entry;
        for (let i = 0; i < block.length; i++) {
          const at = rows.get(`${block.tag[i]}@${block.timeMs[i]}`);
          if (at === undefined || found[at[0] as number] === 1) continue;
          // The same sample twice within the redelivered block: the first may not count as known because of the second.
          for (const row of at) found[row] = 1;
          missing--;
        }
      }
      if (missing === 0) break;
    }
    return found;
  }

  readOutbox(query: { sink: string; lane: Lane; afterId: number; uptoId?: number; maxPoints: number; maxBytes: number }): OutboxRow[] {
    const rows: OutboxRow[] = [];
    let points = 0;
    let bytes = 0;
    const entries = this.#sql(
      `SELECT o.id, o.count, o.enqueued_ms AS enqueuedMs, coalesce(o.payload, s.data) AS payload
       FROM outbox o LEFT JOIN segments s ON s.seq = o.segment
       WHERE o.sink = ? AND o.lane = ? AND o.id > ? AND o.id <= ? ORDER BY o.id`,
    );
    const upto = query.uptoId ?? Number.MAX_SAFE_INTEGER;
    for (const row of entries.iterate(query.sink, query.lane, query.afterId, upto) as Iterable<Omit<OutboxRow, 'lane'>>) {
      points += row.count;
      bytes += row.payload.byteLength;
      if (rows.length > 0 && (points > query.maxPoints || bytes > query.maxBytes)) break;
      rows.push({ ...row, lane: query.lane });
    }
    return rows;
  }

  removeOutbox(ids: readonly number[]): void {
    this.#inTransaction(() => {
      const remove = this.#sql('DELETE FROM outbox WHERE id = ?');
      for (const id of ids) remove.run(id);
    });
  }

  /** Keeps the receiver's words, and takes what it refused out of the outbox. */
  quarantine(sink: string, entries: readonly RejectedPoints[], wallMs: number): void {
    this.#inTransaction(() => {
      const insert = this.#sql('INSERT INTO quarantine (sink, at_ms, count, reason, example) VALUES (?, ?, ?, ?, ?)');
      const remove = this.#sql('DELETE FROM outbox WHERE id = ?');
      for (const { entryId, count, reason, example } of entries) {
        insert.run(sink, wallMs, count, reason.slice(0, 1000), example.slice(0, 1000));
        remove.run(entryId);
      }
      // Bounded: the words and examples help a person; the counts are in the counters.
      this.#database.exec('DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - 10000');
    });
  }

  depth(sink: string): Record<Lane, LaneDepth> {
    const depth = Object.fromEntries(
      lanes.map((lane) => [lane, { entries: 0, points: 0, oldestMs: null, highestId: 0 }]),
    ) as unknown as Record<Lane, LaneDepth>;
    const rows = this.#sql(
      'SELECT lane, count(*) AS entries, sum(count) AS points, min(enqueued_ms) AS oldestMs, max(id) AS highestId FROM outbox WHERE sink = ? GROUP BY lane',
    ).all(sink) as unknown as (LaneDepth & { lane: Lane })[];
    for (const { lane, ...found } of rows) depth[lane] = found;
    return depth;
  }

  /** Read-only questions of pages, tools and tests. */
  query(sql: string, parameters: readonly (string | number)[]): unknown[] {
    return this.#sql(sql).all(...parameters);
  }

  retentionCounters(): RetentionCounters {
    const rows = this.#sql('SELECT name, value FROM counters').all() as { name: string; value: number }[];
    const value = (name: keyof RetentionCounters): number => rows.find((row) => row.name === name)?.value ?? 0;
    return {
      droppedSegments: value('droppedSegments'),
      droppedSamples: value('droppedSamples'),
      droppedOutboxPoints: value('droppedOutboxPoints'),
    };
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #insertScores({ scores }: CommitBatch): void {
    if (scores === null) return;
    const insert = this.#sql('INSERT OR IGNORE INTO scores VALUES (?, ?, ?, ?, ?, ?)');
    let at = 0;
    for (let i = 0; i < scores.count; i++) {
      const floats = (scores.channels[i] as number) * 3;
      const detail = new Uint8Array(scores.detail.buffer, scores.detail.byteOffset + at * 4, floats * 4);
      insert.run(
        scores.asset[i] as number,
        scores.endMs[i] as number,
        scores.model[i] as number,
        scores.value[i] as number,
        scores.threshold[i] as number,
        detail,
      );
      at += floats;
    }
  }

  /** A copy of the whole database as of now, to a file; commits go on meanwhile and are in it or not, whole. */
  async backup(file: string): Promise<void> {
    await backup(this.#database, file, { rate: 200 });
  }

  #open(): DatabaseSync {
    const database = new DatabaseSync(join(this.#options.directory, databaseName), { timeout: 500 });
    try {
      // Exclusive: the lock on the data directory, held by the kernel and gone with the process. It also keeps the WAL index in memory.
      database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = 8192; PRAGMA journal_mode = WAL');
      database.exec(`PRAGMA synchronous = ${this.#options.synchronous ?? 'FULL'}; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096`);
      refuseNewer(database, this.#options.directory);
      database.exec('BEGIN EXCLUSIVE; COMMIT');
      if (this.#options.upgrade !== 'never') {
        const { directory, version } = this.#options;
        bringUpToDate(database, { directory, version, nowMs: Date.now(), upgrading: this.#upgrading });
      }
      for (const table of ['names', 'segments', 'scores', 'transitions', 'outbox', 'snapshots']) {
        database.prepare(`SELECT * FROM ${table} ORDER BY 1 DESC LIMIT 8`).all();
      }
      return database;
    } catch (error) {
      database.close();
      if (sqliteCode(error) === sqliteBusy) {
        throw new FettleError('FETTLE_DATA_LOCKED', `another process uses the data directory ${this.#options.directory}`, {
          cause: error,
          hint: 'stop the other gateway, or give this one its own data: directory',
        });
      }
      throw error;
    }
  }

  #setAside(): string {
    const from = join(this.#options.directory, databaseName);
    const to = `${from}.damaged-${new Date().toISOString().replaceAll(':', '')}`;
    for (const suffix of ['', '-wal', '-shm']) if (existsSync(from + suffix)) renameSync(from + suffix, to + suffix);
    return to;
  }

  #inTransaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #sql(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #one(text: string): Record<string, unknown> {
    return this.#sql(text).get() as Record<string, unknown>;
  }
}

export interface OutboxRow {
  readonly id: number;
  readonly lane: Lane;
  readonly count: number;
  readonly enqueuedMs: number;
  /** The sink's payload; for the samples lane the raw segment. */
  readonly payload: Uint8Array;
}
