import { FettleError } from '../core/errors.ts';
import type { Recording } from './csv.ts';

/** Rows on the gateway's grid: step s covers [s·step, (s+1)·step) since the epoch. */
export interface GridRun {
  readonly file: string;
  /** First step of the run. */
  readonly firstStep: number;
  readonly rows: number;
  /** `[rows, channels]`, engineering units, no NaN. */
  readonly values: Float64Array;
}

/** How long the last sample stands in for missing ones, in steps from its time to the end of the step it fills: the gateway's default `maxAge`. */
const maxAgeSteps = 3;

/**
 * A recording → stretches without a hole, as the gateway's windows would see them: the mean of what falls into a step, else the last sample while it is
 * young enough; of samples with one time the first counts. A run ends with a step that holds a sample: what is carried into a hole teaches nothing.
 * Without a time column the rows themselves are the steps.
 */
export function toGrid(recording: Recording, stepMs: number): GridRun[] {
  const { columns, values, file } = recording;
  const count = values[0]?.length ?? 0;
  const times = recording.timeMs ?? Float64Array.from({ length: count }, (_, i) => i * stepMs);
  const grid = new GridBuilder(file, columns.length, stepMs);
  for (const i of inOrder(times)) grid.add(times[i] as number, (channel) => (values[channel] as Float64Array)[i] as number);
  return grid.end();
}

/** The same columns in every file, or FETTLE_CSV_INVALID. */
export function sameColumns(recordings: readonly Recording[]): readonly string[] {
  const [first] = recordings;
  if (first === undefined) throw new FettleError('FETTLE_CSV_INVALID', 'no file was given', { hint: 'fettle train --csv FILE...' });
  for (const { file, columns } of recordings) {
    if (columns.join('\n') !== first.columns.join('\n')) {
      throw new FettleError(
        'FETTLE_CSV_INVALID',
        `${file}:1: its columns (${columns.join(', ')}) are not those of ${first.file} (${first.columns.join(', ')})`,
      );
    }
  }
  return first.columns;
}

/** Row numbers by time; rows of one time stay in their order. */
function inOrder(times: Float64Array): Iterable<number> {
  const order = Uint32Array.from(times.keys());
  return times.every((time, i) => i === 0 || time >= (times[i - 1] as number))
    ? order
    : order.sort((a, b) => (times[a] as number) - (times[b] as number) || a - b);
}

class GridBuilder {
  readonly #file: string;
  readonly #channels: number;
  readonly #stepMs: number;
  readonly #runs: GridRun[] = [];
  #rows: number[] = [];
  #firstStep = 0;
  /** Values up to the last row with a sample of its own. */
  #heard = 0;
  /** The step being filled. */
  #step = Number.NaN;
  readonly #sum: Float64Array;
  readonly #count: Uint32Array;
  readonly #lastMs: Float64Array;
  readonly #lastValue: Float64Array;

  constructor(file: string, channels: number, stepMs: number) {
    this.#file = file;
    this.#channels = channels;
    this.#stepMs = stepMs;
    this.#sum = new Float64Array(channels);
    this.#count = new Uint32Array(channels);
    this.#lastMs = new Float64Array(channels).fill(Number.NEGATIVE_INFINITY);
    this.#lastValue = new Float64Array(channels);
  }

  /** Rows come in order of time; a value that is no number is missing. */
  add(timeMs: number, valueAt: (channel: number) => number): void {
    const step = Math.floor(timeMs / this.#stepMs);
    if (Number.isNaN(this.#step)) this.#step = step;
    while (this.#step < step) {
      this.#finish();
      // Nothing is young enough any more: no need to walk through the rest of a hole.
      this.#step = this.#rows.length === 0 ? step : this.#step + 1;
    }
    for (let c = 0; c < this.#channels; c++) {
      const value = valueAt(c);
      if (!Number.isFinite(value) || this.#lastMs[c] === timeMs) continue;
      this.#sum[c] = (this.#sum[c] as number) + value;
      this.#count[c] = (this.#count[c] as number) + 1;
      this.#lastMs[c] = timeMs;
      this.#lastValue[c] = value;
    }
  }

  end(): GridRun[] {
    if (!Number.isNaN(this.#step)) this.#finish();
    this.#close();
    return this.#runs;
  }

  #finish(): void {
    const endMs = (this.#step + 1) * this.#stepMs;
    const row: number[] = [];
    const heard = this.#count.some((count) => count > 0);
    for (let c = 0; c < this.#channels; c++) {
      const count = this.#count[c] as number;
      if (count > 0) row.push((this.#sum[c] as number) / count);
      else if (endMs - (this.#lastMs[c] as number) <= maxAgeSteps * this.#stepMs) row.push(this.#lastValue[c] as number);
    }
    this.#sum.fill(0);
    this.#count.fill(0);
    if (row.length < this.#channels) {
      this.#close();
      return;
    }
    if (this.#rows.length === 0) this.#firstStep = this.#step;
    for (const value of row) this.#rows.push(value);
    if (heard) this.#heard = this.#rows.length;
  }

  #close(): void {
    const rows = this.#heard / this.#channels;
    const values = Float64Array.from(this.#rows.slice(0, this.#heard));
    if (rows > 0) this.#runs.push({ file: this.#file, firstStep: this.#firstStep, rows, values });
    this.#rows = [];
    this.#heard = 0;
  }
}
