import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { sleep } from '../core/clock.ts';
import { errorText, FettleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { siblingModule } from '../core/sibling-module.ts';
import type { Journal } from '../journal/journal.ts';
import type { ScoreRow } from './buckets.ts';
import type { ChartAnswer, ChartRequest, SeriesAnswer, SeriesQuery } from './protocol.ts';
import { levels, type Progress } from './summary-store.ts';

/** A span with more samples (of all tags) than this is shown from sums. */
const rawSamplesBound = 2_000_000;
const rawScoresBound = 20_000;
/** Of the journal at a time: its thread has commits to do. */
const chunkBytes = 1_000_000;
const scoresAtOnce = 5_000;
const restMs = 1_000;
/** Nobody has looked for so long: the sums rest. */
const idleMs = 600_000;
const forgetEveryMs = 3_600_000;
const requestsBound = 50;

/** What is asked for. */
export interface ChartSpan {
  readonly asset: number;
  readonly tags: readonly number[];
  /** Event time. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Most places on the time axis. */
  readonly points: number;
  /** Grid of the asset: nothing is known between its rows. */
  readonly gridMs: number;
}

/** With the step that was chosen. */
export interface ChartSeries extends SeriesAnswer {
  readonly fromMs: number;
  readonly stepMs: number;
  readonly points: number;
  /** Up to where long spans are summed up so far; null: all of it is here. */
  readonly summedToMs: number | null;
}

/** Charts of what the journal holds. The thread and the sums begin with the first chart that is asked for, and go on as long as somebody looks. */
export class ChartKeeper {
  readonly #journal: Journal;
  readonly #path: string;
  readonly #log: Logger;
  readonly #stopped = new AbortController();
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #worker: Worker | undefined;
  #following: Promise<void> | undefined;
  #askedMs = 0;
  #nextId = 1;
  #progress: Progress | undefined;
  /** Event time up to which there are sums; null: they are up to date. */
  #summedToMs: number | null = 0;

  constructor(journal: Journal, directory: string, log: Logger) {
    this.#journal = journal;
    this.#path = join(directory, 'charts.db');
    this.#log = log;
  }

  /** Indices are the journal's. Throws FETTLE_API_REQUEST where too many ask at once. */
  async series({ asset, tags, gridMs, points, ...span }: ChartSpan, assets: readonly number[]): Promise<ChartSeries> {
    if (this.#waiting.size > requestsBound) throw new FettleError('FETTLE_API_REQUEST', 'too many charts are asked for at once');
    this.#askedMs = performance.now();
    this.#following ??= this.#follow(assets).finally(() => {
      this.#following = undefined;
    });
    const leastMs = Math.max(gridMs, (span.toMs - span.fromMs) / points);
    const [fine, coarse] = levels;
    const level = leastMs >= coarse ? coarse : (await this.#isLarge(asset, span)) ? fine : undefined;
    const stepMs = Math.ceil(leastMs / (level ?? gridMs)) * (level ?? gridMs);
    const fromMs = Math.floor(span.fromMs / stepMs) * stepMs;
    const query = { asset, tags, fromMs, stepMs, points: Math.ceil((span.toMs - fromMs) / stepMs) };
    const from = level === undefined ? await this.#raw(asset, fromMs, fromMs + query.points * stepMs) : { level };
    const answer = await this.#ask<SeriesAnswer>({ do: 'series', query: { ...query, from } });
    return { ...answer, fromMs, stepMs, points: query.points, summedToMs: level === undefined ? null : this.#summedToMs };
  }

  /** Too much to be read sample by sample. */
  async #isLarge(asset: number, { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): Promise<boolean> {
    const [size] = await this.#journal.query<{ samples: number | null; scores: number }>(
      'SELECT (SELECT sum(samples) FROM segments WHERE last_ms >= ? AND first_ms < ?) AS samples, (SELECT count(*) FROM scores WHERE asset = ? AND end_ms > ? AND end_ms <= ?) AS scores',
      fromMs,
      toMs,
      asset,
      fromMs,
      toMs,
    );
    return (size?.samples ?? 0) > rawSamplesBound || (size?.scores ?? 0) > rawScoresBound;
  }

  async #raw(asset: number, fromMs: number, toMs: number): Promise<SeriesQuery['from']> {
    const segments = await this.#journal.query<{ data: Uint8Array }>(
      'SELECT data FROM segments WHERE last_ms >= ? AND first_ms < ?',
      fromMs,
      toMs,
    );
    const scores = await this.#journal.query<ScoreRow>(
      'SELECT end_ms, value, threshold, detail FROM scores WHERE asset = ? AND end_ms > ? AND end_ms <= ?',
      asset,
      fromMs,
      toMs,
    );
    return { segments: segments.map(({ data }) => data), scores };
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#following;
    const worker = this.#worker;
    if (worker === undefined) return;
    await this.#ask({ do: 'close' }).catch(() => {});
    await worker.terminate();
  }

  /** Sums up what has come, until nobody looks any more. */
  async #follow(assets: readonly number[]): Promise<void> {
    const { signal } = this.#stopped;
    let forgetMs = 0;
    try {
      this.#progress ??= await this.#checked();
      while (!signal.aborted && performance.now() - this.#askedMs < idleMs) {
        if (await this.#step(assets)) await sleep(5, signal);
        else {
          this.#summedToMs = null;
          if (performance.now() > forgetMs) {
            forgetMs = performance.now() + forgetEveryMs;
            const [row] = await this.#journal.query<{ oldest: number | null }>('SELECT min(first_ms) AS oldest FROM segments');
            if (row?.oldest != null) await this.#ask({ do: 'forget', beforeMs: row.oldest });
          }
          await sleep(restMs, signal);
        }
      }
    } catch (error) {
      if (!signal.aborted) this.#log.warn({}, `history is not summed up for charts: ${errorText(error)}`);
    }
  }

  /** How far the sums go, if they are of this journal; otherwise they begin anew. */
  async #checked(): Promise<Progress> {
    const progress = await this.#ask<Progress>({ do: 'progress' });
    const [row] = await this.#journal.query<{ first: number | null; last: number | null; oldest: number | null; made: number | null }>(
      'SELECT (SELECT first_ms FROM segments WHERE seq = ?) AS first, max(seq) AS last, min(seq) AS oldest, (SELECT opened_ms FROM versions ORDER BY id LIMIT 1) AS made FROM segments',
      progress.seq,
    );
    const made = row?.made ?? 0;
    const isGone = row?.oldest != null && progress.seq < row.oldest;
    const isOurs = progress.seq === 0 || (progress.made === made && (row?.first === progress.firstMs || isGone));
    if (isOurs && progress.seq <= (row?.last ?? 0)) return { ...progress, made };
    await this.#ask({ do: 'reset' });
    return { made, seq: 0, firstMs: 0, scores: {} };
  }

  /** Returns whether there was anything. */
  async #step(assets: readonly number[]): Promise<boolean> {
    const before = this.#progress as Progress;
    const segments = await this.#journal.segments(before.seq, chunkBytes);
    const scores: [number, ScoreRow[]][] = [];
    for (const asset of assets) {
      const rows = await this.#journal.query<ScoreRow>(
        `SELECT end_ms, value, threshold, detail FROM scores WHERE asset = ? AND end_ms > ? ORDER BY end_ms LIMIT ${scoresAtOnce}`,
        asset,
        before.scores[asset] ?? 0,
      );
      if (rows.length > 0) scores.push([asset, rows]);
    }
    const last = segments.at(-1);
    if (last === undefined && scores.length === 0) return false;
    const [row] =
      last === undefined
        ? []
        : await this.#journal.query<{ first: number; to: number }>(
            'SELECT first_ms AS first, last_ms AS "to" FROM segments WHERE seq = ?',
            last.seq,
          );
    const progress: Progress = {
      made: before.made,
      seq: last?.seq ?? before.seq,
      firstMs: row?.first ?? before.firstMs,
      scores: { ...before.scores, ...Object.fromEntries(scores.map(([asset, rows]) => [asset, (rows.at(-1) as ScoreRow).end_ms])) },
    };
    await this.#ask({ do: 'add', segments: segments.map(({ data }) => data), scores, progress });
    this.#progress = progress;
    if (this.#summedToMs !== null) this.#summedToMs = row?.to ?? this.#summedToMs;
    // A little is there all the time.
    return segments.length > 20 || scores.some(([, rows]) => rows.length === scoresAtOnce);
  }

  #ask<Result>(request: ChartRequest): Promise<Result> {
    const worker = this.#worker ?? this.#start();
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ id, request });
    });
  }

  #start(): Worker {
    const worker = new Worker(siblingModule(import.meta.url, 'charts-thread'), { workerData: this.#path, name: 'charts' });
    this.#worker = worker;
    worker.on('message', ({ id, result, error }: ChartAnswer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result as never);
      else waiting?.reject(new FettleError('FETTLE_API_REQUEST', `a chart could not be made: ${error}`));
    });
    const fail = (error: Error): void => {
      this.#worker = undefined;
      this.#progress = undefined;
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    worker.on('error', (error) => fail(error as Error));
    worker.on('exit', () => fail(new FettleError('FETTLE_API_REQUEST', 'the thread that makes charts has ended')));
    worker.unref();
    return worker;
  }
}
