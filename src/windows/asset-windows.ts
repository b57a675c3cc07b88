import { invalidReasons, type WindowBatchBuilder } from '../core/window.ts';
import { OpenCells } from './open-cells.ts';
import { type AssetPlan, cellState, type RowListener } from './plan.ts';
import { Watermark } from './watermark.ts';

const invalid = (reason: (typeof invalidReasons)[number]): number => invalidReasons.indexOf(reason);
const reasonOfState = [0, 0, invalid('missing'), invalid('stale'), invalid('bad')];
const never = Number.NEGATIVE_INFINITY;

/** At most this many cells (steps × columns) wait for a slow source: about 30 MB an asset. */
const maxOpenCells = 1_000_000;
/** A hole longer than this many windows is recorded as one. */
const wholeHole = 2;

/**
 * Samples of one asset → rows of its grid → windows, on event time.
 *
 * Step s covers [s·step, (s+1)·step). A window ends (exclusive) at a multiple of slide·step since the epoch and covers `length` whole
 * steps before that. A row is final once the watermark has passed its end; a sample older than the watermark is late and changes nothing.
 */
export class AssetWindows {
  readonly plan: AssetPlan;
  readonly watermark: Watermark;
  readonly #listener: RowListener;
  readonly #batch: WindowBatchBuilder | undefined;
  readonly #cells: OpenCells;
  readonly #slots: Int32Array;

  /** First step that is not final yet; -Infinity before the first sample. */
  #openStep = never;
  /** Newest step that holds a sample. */
  #newestStep = never;
  #anyFinal = false;
  /** No step between these two (exclusive) holds a sample: a jump of the newest event time. */
  #emptyAfter = never;
  #emptyBefore = never;

  /** The newest usable sample before #openStep, by column. */
  readonly #carriedMs: Float64Array;
  readonly #carriedValue: Float64Array;
  /** Quality code of a bad sample newer than that, else 0. */
  readonly #carriedBad: Uint8Array;

  /** Rows of the model's channels, `[length, channels]`, a ring by step. */
  readonly #rows: Float32Array;
  readonly #row: { plan: AssetPlan; endMs: number; values: Float64Array; states: Uint8Array; qualities: Uint8Array; running: boolean };
  /** The newest row that spoils a window, and why. */
  #spoiltStep = never;
  #spoiltReason = 0;
  #spoiltTag = -1;
  #runningSinceMs = never;
  #wasRunning = true;
  /** People work on the machine until then. */
  #maintenanceUntilMs = never;
  /** Final rows since the beginning or the last hole: no window before it holds real rows only. */
  #filled = 0;

  late = 0;
  duplicates = 0;
  forced = 0;

  constructor(plan: AssetPlan, listener: RowListener, batch: WindowBatchBuilder | undefined) {
    this.plan = plan;
    this.#listener = listener;
    this.#batch = batch;
    const columns = plan.columns.length;
    const sources = [...new Set(plan.columns.map((column) => column.source))];
    this.watermark = new Watermark(sources, plan.allowedLatenessMs);
    this.#slots = Int32Array.from(plan.columns, (column) => this.watermark.slotOf(column.source));
    this.#cells = new OpenCells(columns, Math.max(64, Math.floor(maxOpenCells / columns)));
    this.#carriedMs = new Float64Array(columns).fill(never);
    this.#carriedValue = new Float64Array(columns);
    this.#carriedBad = new Uint8Array(columns);
    this.#rows = new Float32Array(plan.length * plan.modelColumns.length);
    const row = {
      plan,
      endMs: 0,
      values: new Float64Array(columns),
      states: new Uint8Array(columns),
      qualities: new Uint8Array(columns),
      running: true,
    };
    this.#row = row;
  }

  /** One sample of `column`. Usable values enter the grid; `quality` ≥ 0x80 marks the column bad from then on. */
  add(column: number, timeMs: number, value: number, quality: number): void {
    if (timeMs < this.watermark.timeMs) {
      this.late++;
      return;
    }
    const step = Math.floor(timeMs / this.plan.stepMs);
    if (!this.#anyFinal && step < this.#openStep) this.#openBefore(step);
    else if (this.#openStep === never) this.#openStep = step;
    if (step < this.#openStep) {
      this.late++;
      return;
    }
    if (step > this.#newestStep) {
      if (!this.#cells.reserve(this.#openStep, step - this.#openStep + 1)) this.#force(step);
      if (step - this.#newestStep > wholeHole * this.plan.length) {
        this.#emptyAfter = this.#newestStep;
        this.#emptyBefore = step;
      }
      this.#newestStep = step;
    } else if (step > this.#emptyAfter && step < this.#emptyBefore) {
      this.#emptyBefore = never;
    }
    const cells = this.#cells;
    const at = cells.offset(step) + column;
    const newer = timeMs > (cells.lastMs[at] as number);
    if (quality >= 0x80) {
      if (newer) cells.bad[at] = quality;
    } else if (timeMs === cells.lastMs[at]) {
      this.duplicates++;
    } else {
      cells.sum[at] = (cells.sum[at] as number) + value;
      cells.count[at] = (cells.count[at] as number) + 1;
      if (newer) {
        cells.lastMs[at] = timeMs;
        cells.lastValue[at] = value;
        cells.bad[at] = 0;
      }
    }
    if (this.watermark.advance(this.#slots[column] as number, timeMs)) this.close();
  }

  idle(source: number): void {
    if (this.watermark.idle(source)) this.close();
  }

  clock(timeMs: number, lags: ReadonlyMap<number, number>): void {
    if (this.watermark.clock(timeMs, lags)) this.close();
  }

  /** Makes final what the watermark has passed. */
  close(): void {
    if (this.#openStep === never) return;
    const end = Math.floor(this.watermark.timeMs / this.plan.stepMs);
    while (this.#openStep < end) {
      const emptyUpTo = this.#emptyUpTo(end);
      if (emptyUpTo - this.#openStep > wholeHole * this.plan.length) this.#skipHole(emptyUpTo);
      else this.#finish(this.#openStep);
    }
  }

  /** The step before which nothing is, seen from the open one; at most `end`. */
  #emptyUpTo(end: number): number {
    if (this.#openStep > this.#newestStep) return end;
    return this.#openStep > this.#emptyAfter ? Math.min(end, this.#emptyBefore) : never;
  }

  save(): object {
    const plain = (column: Float64Array): (number | null)[] => Array.from(column, (value) => (Number.isFinite(value) ? value : null));
    const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
    const open: unknown[] = [];
    if (this.#openStep !== never) {
      const cells = this.#cells;
      for (let step = this.#openStep; step <= this.#newestStep; step++) {
        const from = cells.offset(step);
        for (let c = 0; c < this.plan.columns.length; c++) {
          const at = from + c;
          if (cells.count[at] === 0 && cells.bad[at] === 0) continue;
          open.push([step, c, cells.sum[at], cells.count[at], finite(cells.lastMs[at] as number), cells.lastValue[at], cells.bad[at]]);
        }
      }
    }
    return {
      columns: this.plan.columns.map((column) => column.tag),
      grid: [this.plan.stepMs, this.plan.length, this.plan.slide],
      watermark: this.watermark.save(),
      openStep: finite(this.#openStep),
      newestStep: finite(this.#newestStep),
      anyFinal: this.#anyFinal,
      empty: [finite(this.#emptyAfter), finite(this.#emptyBefore)],
      carriedMs: plain(this.#carriedMs),
      carriedValue: plain(this.#carriedValue),
      carriedBad: [...this.#carriedBad],
      rows: Buffer.from(this.#rows.buffer, this.#rows.byteOffset, this.#rows.byteLength).toString('base64'),
      spoilt: [finite(this.#spoiltStep), this.#spoiltReason, this.#spoiltTag],
      runningSinceMs: finite(this.#runningSinceMs),
      wasRunning: this.#wasRunning,
      maintenanceUntilMs: finite(this.#maintenanceUntilMs),
      filled: this.#filled,
      open,
    };
  }

  /** Returns false, and stays as new, when the saved state belongs to another grid or other columns. */
  restore(saved: SavedWindows): boolean {
    const same = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((value, i) => value === b[i]);
    const tags = this.plan.columns.map((column) => column.tag);
    if (!same(saved.columns, tags) || !same(saved.grid, [this.plan.stepMs, this.plan.length, this.plan.slide])) return false;
    const rows = Buffer.from(saved.rows, 'base64');
    if (rows.byteLength !== this.#rows.byteLength) return false;
    new Uint8Array(this.#rows.buffer).set(rows);
    this.watermark.restore(saved.watermark);
    this.#openStep = saved.openStep ?? never;
    this.#newestStep = saved.newestStep ?? never;
    this.#anyFinal = saved.anyFinal;
    this.#emptyAfter = saved.empty[0] ?? never;
    this.#emptyBefore = saved.empty[1] ?? never;
    saved.carriedMs.forEach((ms, c) => {
      this.#carriedMs[c] = ms ?? never;
    });
    this.#carriedValue.set(saved.carriedValue.map((value) => value ?? 0));
    this.#carriedBad.set(saved.carriedBad);
    this.#spoiltStep = saved.spoilt[0] ?? never;
    this.#spoiltReason = saved.spoilt[1];
    this.#spoiltTag = saved.spoilt[2];
    this.#runningSinceMs = saved.runningSinceMs ?? never;
    this.#wasRunning = saved.wasRunning;
    this.#maintenanceUntilMs = saved.maintenanceUntilMs ?? never;
    this.#filled = saved.filled;
    if (saved.openStep !== null && saved.newestStep !== null) this.#cells.reserve(saved.openStep, saved.newestStep - saved.openStep + 1);
    for (const [step, c, sum, count, lastMs, lastValue, bad] of saved.open) {
      const at = this.#cells.offset(step) + c;
      this.#cells.sum[at] = sum;
      this.#cells.count[at] = count;
      this.#cells.lastMs[at] = lastMs ?? never;
      this.#cells.lastValue[at] = lastValue;
      this.#cells.bad[at] = bad;
    }
    return true;
  }

  #finish(step: number): void {
    const { plan } = this;
    const { values, states, qualities } = this.#row;
    const cells = this.#cells;
    const from = cells.offset(step);
    const endMs = (step + 1) * plan.stepMs;
    for (let c = 0; c < plan.columns.length; c++) {
      const { hold, maxAgeMs } = plan.columns[c] as AssetPlan['columns'][number];
      const at = from + c;
      const count = cells.count[at] as number;
      if (count > 0) {
        values[c] = hold ? (cells.lastValue[at] as number) : (cells.sum[at] as number) / count;
        states[c] = cellState.own;
        this.#carriedMs[c] = cells.lastMs[at] as number;
        this.#carriedValue[c] = cells.lastValue[at] as number;
        this.#carriedBad[c] = cells.bad[at] as number;
      } else {
        if (cells.bad[at] !== 0) this.#carriedBad[c] = cells.bad[at] as number;
        const age = endMs - (this.#carriedMs[c] as number);
        const bad = this.#carriedBad[c] !== 0;
        if (age <= maxAgeMs) {
          values[c] = this.#carriedValue[c] as number;
          states[c] = cellState.carried;
        } else {
          values[c] = Number.NaN;
          states[c] = bad ? cellState.bad : this.#carriedMs[c] === never ? cellState.missing : cellState.stale;
        }
      }
      qualities[c] = this.#carriedBad[c] as number;
    }
    cells.clear(step);
    this.#openStep = step + 1;
    this.#anyFinal = true;
    this.#filled++;
    this.#row.endMs = endMs;
    this.#judgeRunning(step, endMs);
    const channels = plan.modelColumns.length;
    const ring = (step % plan.length) * channels;
    for (let channel = 0; channel < channels; channel++) {
      const column = plan.modelColumns[channel] as number;
      this.#rows[ring + channel] = values[column] as number;
      if ((states[column] as number) >= cellState.missing)
        this.#spoil(step, reasonOfState[states[column] as number] as number, plan.columns[column]?.tag ?? -1);
    }
    this.#listener.row(this.#row);
    if ((step + 1) % plan.slide === 0) this.#window(step + 1, endMs);
  }

  /** People work on the machine until then (null: no longer): its rows say nothing of it. */
  maintenance(untilMs: number | null): void {
    this.#maintenanceUntilMs = untilMs ?? never;
  }

  #judgeRunning(step: number, endMs: number): void {
    const { running } = this.plan;
    this.#row.running = true;
    if (endMs <= this.#maintenanceUntilMs) {
      this.#wasRunning = false;
      this.#row.running = false;
      this.#spoil(step, invalid('maintenance'), -1);
      return;
    }
    if (running === undefined) return;
    const now = running.when(this.#row.values) ?? this.#wasRunning;
    if (now && !this.#wasRunning) this.#runningSinceMs = endMs;
    this.#wasRunning = now;
    const settled = now && endMs - this.#runningSinceMs >= running.settleMs;
    this.#row.running = settled;
    if (!settled) this.#spoil(step, invalid(now ? 'settling' : 'stopped'), -1);
  }

  #spoil(step: number, reason: number, tag: number): void {
    // The first reason of a row names the cause; a later row is the one that leaves the window last.
    if (step === this.#spoiltStep) return;
    this.#spoiltStep = step;
    this.#spoiltReason = reason;
    this.#spoiltTag = tag;
  }

  #window(endStep: number, endMs: number): void {
    const { plan } = this;
    if (plan.batch < 0 || this.#filled < plan.length) return;
    if (this.#spoiltStep >= endStep - plan.length) {
      this.#listener.invalid(plan, endMs, this.#spoiltReason, this.#spoiltTag < 0 ? undefined : this.#spoiltTag, 1);
      return;
    }
    const batch = this.#batch as WindowBatchBuilder;
    const to = batch.open(plan.asset, endMs);
    const channels = plan.modelColumns.length;
    const oldest = (endStep % plan.length) * channels;
    batch.values.set(oldest === 0 ? this.#rows : this.#rows.subarray(oldest), to);
    if (oldest > 0) batch.values.set(this.#rows.subarray(0, oldest), to + this.#rows.length - oldest);
    this.#listener.window(plan, endMs);
  }

  /** Nothing was heard for longer than any window: one record says so, instead of one a window. */
  #skipHole(endStep: number): void {
    const { plan } = this;
    const lastEnd = Math.floor(endStep / plan.slide) * plan.slide;
    const windows = Math.floor(endStep / plan.slide) - Math.floor(this.#openStep / plan.slide);
    // The last rows of the hole are made as usual, so that limits, carried values and their ages are those of any other row.
    this.#openStep = endStep - plan.length;
    this.#filled = 0;
    if (plan.batch >= 0 && windows > 0) {
      this.#listener.invalid(plan, (lastEnd - plan.slide) * plan.stepMs, invalid('gap'), undefined, windows);
    }
  }

  /** The first samples of several sources come in any order: the grid may still begin earlier. */
  #openBefore(step: number): void {
    const span = this.#newestStep - step + 1;
    if (!this.#cells.reserve(step, span)) {
      this.late++;
      return;
    }
    this.#openStep = step;
  }

  /** A source lags so far behind the others that the room is used up: the oldest steps close without it. */
  #force(step: number): void {
    const keep = Math.floor(this.#cells.steps / 2);
    while (step - this.#openStep + 1 > this.#cells.steps) {
      if (this.#openStep > this.#newestStep) {
        this.#openStep = step - keep;
        this.#filled = 0;
        return;
      }
      this.#finish(this.#openStep);
      this.forced++;
    }
    this.watermark.timeMs = Math.max(this.watermark.timeMs, this.#openStep * this.plan.stepMs);
  }
}

export interface SavedWindows {
  readonly columns: readonly number[];
  readonly grid: readonly number[];
  readonly watermark: ReturnType<Watermark['save']>;
  readonly openStep: number | null;
  readonly newestStep: number | null;
  readonly anyFinal: boolean;
  readonly empty: readonly [number | null, number | null];
  readonly carriedMs: readonly (number | null)[];
  readonly carriedValue: readonly (number | null)[];
  readonly carriedBad: readonly number[];
  readonly rows: string;
  readonly spoilt: readonly [number | null, number, number];
  readonly runningSinceMs: number | null;
  readonly wasRunning: boolean;
  readonly maintenanceUntilMs?: number | null;
  readonly filled: number;
  readonly open: readonly (readonly [number, number, number, number, number | null, number, number])[];
}
