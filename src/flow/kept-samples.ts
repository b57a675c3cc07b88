import { FettleError } from '../core/errors.ts';
import { SampleBlockBuilder } from '../core/sample-block.ts';
import { rowOfSample } from '../core/sent-sample.ts';
import { historyRows } from '../gateway/history-rows.ts';
import { Names } from '../gateway/names.ts';
import { DamagedJournalError, Journal } from '../journal/journal.ts';
import { SegmentWriter } from '../journal/segment.ts';
import type { GridRun } from '../learning/grid.ts';
import type { AssetPlan } from '../windows/plan.ts';
import type { FlowSample } from './message-samples.ts';
import { planFlow, tagOf } from './plan-flow.ts';

export interface KeptSamplesOptions {
  /** A directory of its own. */
  readonly directory: string;
  /** Name of the machine, as in `line1/pump3`. */
  readonly asset: string;
  readonly keepMs: number;
  /** Largest size on the disk; beyond it the oldest goes, counted. */
  readonly maxBytes?: number;
}

/** What is kept, event time. */
export interface KeptSpan {
  readonly samples: number;
  readonly fromMs: number;
  readonly toMs: number;
}

const defaultBytes = 500_000_000;
const mostWaiting = 100_000;
const mostNames = 1_000;
const maxSkewMs = 5 * 60_000;
/** Nobody waits for an answer: what comes within a second goes to the disk together. */
const togetherMs = 1_000;
/** Of values that come one by one, out of order. */
const allowedLateness = '2s';
const source = 0;
/** There is no fold behind this log: nothing needs old segments but who reads them. */
const nothingToSave = new Uint8Array();

/** The newest samples of a machine, in a journal of their own: a restart of the flow loses at most the last second. */
export class KeptSamples {
  readonly #asset: string;
  readonly #keepMs: number;
  readonly #journal: Journal;
  readonly #names: Names;
  readonly #block = new SampleBlockBuilder();
  #committing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failed: unknown;
  #isClosed = false;

  private constructor(journal: Journal, { asset, keepMs }: KeptSamplesOptions) {
    this.#asset = asset;
    this.#keepMs = keepMs;
    this.#journal = journal;
    this.#names = new Names(journal.opened.names, { tags: mostNames, texts: 1 });
  }

  /** Throws FETTLE_DATA_LOCKED, FETTLE_DATA_TOO_NEW, FETTLE_JOURNAL_FAILED. */
  static async open(options: KeptSamplesOptions): Promise<KeptSamples> {
    const { directory, keepMs, maxBytes = defaultBytes } = options;
    return new KeptSamples(await Journal.open({ directory, maxBytes, maxAgeMs: keepMs }), options);
  }

  /** Names of the values that have come. */
  get values(): string[] {
    return this.#names.tag.since(0).map((tag) => tag.slice(this.#asset.length + 1));
  }

  /** Throws FETTLE_SOURCE_BUSY where the disk does not follow, and once what went wrong when the last were written: FETTLE_JOURNAL_FULL, FETTLE_JOURNAL_FAILED. */
  put(samples: readonly FlowSample[], arrivalMs = Date.now()): void {
    const failed = this.#failed;
    this.#failed = undefined;
    if (failed !== undefined) throw failed;
    if (this.#isClosed || this.#block.length + samples.length > mostWaiting)
      throw new FettleError('FETTLE_SOURCE_BUSY', `${this.#asset}: ${this.#block.length} samples wait for the disk`, {
        retryAfterMs: togetherMs,
      });
    const own = `${this.#asset}/`;
    for (const sample of samples) {
      const tag = sample.tag.startsWith(own) ? sample.tag : tagOf(this.#asset, sample.tag);
      const index = this.#names.tag.intern(tag);
      const [timeMs, value, quality] = rowOfSample(sample, arrivalMs, maxSkewMs);
      if (index >= 0 && !Number.isNaN(timeMs)) this.#block.append(index, timeMs, value, quality);
    }
    this.#timer ??= setTimeout(() => void this.#commit(), togetherMs);
  }

  /** What there is to learn from: at most `keepMs` of it. */
  async span(): Promise<KeptSpan | undefined> {
    await this.#commit();
    const [found] = await this.#journal.query<{ samples: number | null; fromMs: number; toMs: number }>(
      'SELECT sum(samples) AS samples, min(first_ms) AS fromMs, max(last_ms) AS toMs FROM segments',
    );
    if (found === undefined || found.samples === null) return undefined;
    const { samples, fromMs, toMs } = found;
    return { samples, fromMs: Math.max(fromMs, toMs - this.#keepMs), toMs };
  }

  /** Stretches without a hole on a grid, as the gateway's windows would see them. `values` are the columns. */
  async runs(
    values: readonly string[],
    { stepMs, length, slide }: { readonly stepMs: number; readonly length: number; readonly slide: number },
    { fromMs, toMs }: Pick<KeptSpan, 'fromMs' | 'toMs'>,
  ): Promise<GridRun[]> {
    await this.#commit();
    const planned = planFlow({ asset: this.#asset, values, window: { step: `${stepMs}ms`, length, slide, allowedLateness } });
    const own = planned.plan.windows[0] as AssetPlan;
    const columns = own.columns.map((column, c) => ({ ...column, source, tag: this.#indexOf(planned.tags[c] as string) }));
    const wish = { plan: { ...own, columns }, tags: planned.tags, sinceMs: fromMs, untilMs: toMs, episodes: [], healthy: false };
    const { history } = await historyRows(this.#journal, wish);
    return history.runs.flatMap(({ values: rows, startMs = 0 }) => whole(rows, columns.length, Math.round(startMs / stepMs)));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#commit();
    await this.#journal.close();
  }

  #indexOf(tag: string): number {
    const index = this.#names.tag.indexOf(tag);
    if (index !== undefined) return index;
    const came = this.values.length === 0 ? 'nothing' : this.values.join(', ');
    throw new FettleError('FETTLE_TRAINING_FAILED', `no samples of ${tag} have come; what came: ${came}`);
  }

  /** What came until now is on the disk when it resolves. */
  async #commit(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#committing;
    if (this.#block.length === 0) return;
    this.#committing ??= this.#write().finally(() => {
      this.#committing = undefined;
    });
    await this.#committing;
  }

  async #write(): Promise<void> {
    const segment = new SegmentWriter();
    segment.appendBlock(source, this.#block);
    this.#block.clear();
    const { samples, firstMs, lastMs } = segment;
    try {
      await this.#journal.commit({
        wallMs: Date.now(),
        segment: { samples, firstMs, lastMs, data: segment.take() },
        names: this.#names.takeNew(),
        scores: null,
        invalid: [],
        transitions: [],
        outbox: [],
        snapshot: nothingToSave,
      });
    } catch (error) {
      this.#failed = error;
      if (!(error instanceof DamagedJournalError)) return;
      await this.#journal.reopen();
      this.#names.forget();
    }
  }
}

/** Rows in which every column has a value. */
function whole(rows: Float64Array, columns: number, firstStep: number): GridRun[] {
  const runs: GridRun[] = [];
  const count = rows.length / columns;
  let begun = 0;
  for (let row = 0; row <= count; row++) {
    const ends = row === count || rows.subarray(row * columns, (row + 1) * columns).some(Number.isNaN);
    if (!ends) continue;
    if (row > begun)
      runs.push({ file: '', firstStep: firstStep + begun, rows: row - begun, values: rows.slice(begun * columns, row * columns) });
    begun = row + 1;
  }
  return runs;
}
