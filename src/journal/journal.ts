import { Worker } from 'node:worker_threads';
import { FettleError } from '../core/errors.ts';
import { siblingModule } from '../core/sibling-module.ts';
import type { Lane, LaneDepth, RejectedPoints } from '../core/sink.ts';
import type { CommitBatch, CommitResult, OpenedJournal, RetentionCounters } from './batch.ts';
import type { Upgrade } from './migration.ts';
import type { Answer, Request, Upgrading } from './protocol.ts';
import type { OutboxRow, StoreOptions } from './store.ts';

/** An error of the database that a fresh one would not have. */
export class DamagedJournalError extends FettleError {
  constructor(message: string) {
    super('FETTLE_JOURNAL_CORRUPT', message);
  }
}

/**
 * The one database, seen from the event loop: every call is a message to the writer's thread and a promise. Requests
 * are carried out in order; the caller keeps at most one commit under way, so nothing piles up here.
 */
export class Journal {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #nextId = 1;
  #closed = false;
  opened: OpenedJournal;

  private constructor(worker: Worker, opened: OpenedJournal) {
    this.#worker = worker;
    this.opened = opened;
    worker.on('message', (answer: Answer) => this.#settle(answer));
    worker.on('error', (error) => this.#failAll(error as Error));
    worker.on('exit', () => this.#failAll(new FettleError('FETTLE_JOURNAL_FAILED', 'the writer thread has stopped')));
  }

  /** Throws FETTLE_DATA_LOCKED, FETTLE_DATA_TOO_NEW, FETTLE_UPGRADE_FAILED, FETTLE_JOURNAL_FAILED. `upgrading` is called before data of an older schema are copied and changed. */
  static async open(options: StoreOptions, upgrading?: (upgrade: Upgrade) => void): Promise<Journal> {
    const worker = new Worker(siblingModule(import.meta.url, 'writer-thread'), {
      workerData: options,
      name: 'journal',
      // It only passes buffers on: a small young generation keeps it from growing a heap it does not need.
      resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 512 },
    });
    const answer = await new Promise<Answer>((resolve, reject) => {
      worker.on('message', (message: Answer | Upgrading) => {
        if ('upgrading' in message) upgrading?.(message.upgrading);
        else resolve(message);
      });
      worker.once('error', reject);
    });
    worker.removeAllListeners('message');
    if (answer.error !== undefined) {
      await worker.terminate();
      throw toError(answer.error);
    }
    return new Journal(worker, answer.result as OpenedJournal);
  }

  /** Durable when it resolves. Throws FETTLE_JOURNAL_FULL, FETTLE_JOURNAL_FAILED, or DamagedJournalError: then `reopen` and commit again. */
  commit(batch: CommitBatch): Promise<CommitResult> {
    // Copied, not transferred: a commit that failed is tried again with the same bytes.
    return this.#ask<CommitResult>({ do: 'commit', batch });
  }

  /** Sets a damaged database aside and opens a fresh one. */
  async reopen(): Promise<OpenedJournal> {
    this.opened = await this.#ask<OpenedJournal>({ do: 'reopen' });
    return this.opened;
  }

  /** Segments after `afterSeq`, oldest first: about `maxBytes` of them, at least one if there is one. */
  segments(afterSeq: number, maxBytes: number): Promise<{ seq: number; data: Uint8Array }[]> {
    return this.#ask({ do: 'segments', afterSeq, maxBytes });
  }

  /** Segments after `afterSeq`, oldest first. */
  async *replay(afterSeq: number): AsyncGenerator<{ seq: number; data: Uint8Array }> {
    let after = afterSeq;
    for (;;) {
      const segments = await this.segments(after, 4_000_000);
      if (segments.length === 0) return;
      yield* segments;
      after = (segments.at(-1) as { seq: number }).seq;
    }
  }

  existing(source: number, tag: Uint32Array, timeMs: Float64Array): Promise<Uint8Array> {
    return this.#ask({ do: 'existing', source, tag, timeMs });
  }

  readOutbox(query: {
    sink: string;
    lane: Lane;
    afterId: number;
    uptoId?: number;
    maxPoints: number;
    maxBytes: number;
  }): Promise<OutboxRow[]> {
    return this.#ask({ do: 'readOutbox', query });
  }

  removeOutbox(ids: readonly number[]): Promise<void> {
    return this.#ask({ do: 'removeOutbox', ids });
  }

  quarantine(sink: string, entries: readonly RejectedPoints[], wallMs: number): Promise<void> {
    return this.#ask({ do: 'quarantine', sink, entries, wallMs });
  }

  depth(sink: string): Promise<Record<Lane, LaneDepth>> {
    return this.#ask({ do: 'depth', sink });
  }

  query<Row>(sql: string, ...parameters: (string | number)[]): Promise<Row[]> {
    return this.#ask({ do: 'query', sql, parameters });
  }

  /** Copies the whole database to a file, while commits go on. Throws FETTLE_JOURNAL_FAILED. */
  backup(file: string): Promise<void> {
    return this.#ask({ do: 'backup', file });
  }

  retention(): Promise<RetentionCounters> {
    return this.#ask({ do: 'retention' });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#ask({ do: 'close' });
    await this.#worker.terminate();
  }

  #ask<T>(request: Request): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, request });
    });
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.id);
    if (answer.error === undefined) waiting.resolve(answer.result as never);
    else waiting.reject(toError(answer.error));
  }

  #failAll(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function toError(error: NonNullable<Answer['error']>): FettleError {
  if (error.damaged) return new DamagedJournalError(error.message);
  return new FettleError(error.code ?? 'FETTLE_JOURNAL_FAILED', error.message, error.hint === undefined ? {} : { hint: error.hint });
}
