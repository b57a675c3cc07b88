import { weightOf } from '../../detector/half-life.ts';
import { type Matrix, matrix } from '../matrix.ts';
import type { PreparedHistory } from './history.ts';
import { trackingGain } from './tracking-gain.ts';

/** Rows of the history, standardized and without their slow part: what the networks learn from. */
export interface TrackedRows {
  readonly channels: number;
  /** Rows before this one teach, the rest judges. */
  readonly border: number;
  readonly rows: number;
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
  /** `[rows, channels]`, in deviations: standardized, and what the baseline leaves of that. */
  readonly standardized: Float64Array<ArrayBuffer>;
  readonly residual: Float64Array;
  readonly residualMean: Float64Array;
  readonly residualDeviation: Float64Array;
  readonly drifts: readonly boolean[];
  /** `trackingGain`. */
  readonly gain: number[] | null;
  /** Baseline behind the last row. */
  readonly baseline: Float64Array;
  /** First row of each run. */
  readonly starts: readonly number[];
}

/** Rows whose mean a baseline begins on. */
export const settleRows = 20;
const blockRows = 10;
/** Von Neumann ratio of block means below which a channel wanders. */
const driftRatio = 0.1;

/** DETECTOR 3.2, first half. `fit`: share of the rows that teach. */
export function trackRows({ runs, rows, columns }: PreparedHistory, fit: number, baselineHalfLife: number): TrackedRows {
  const channels = columns.length;
  const border = Math.floor(fit * rows);
  const values = new Float64Array(rows * channels);
  const starts: number[] = [];
  let first = 0;
  for (const run of runs) {
    starts.push(first);
    values.set(run.values, first * channels);
    first += run.rows;
  }
  const { mean, deviation } = moments(values, border, channels);
  const standardized = values.map((value, at) => (value - (mean[at % channels] as number)) / (deviation[at % channels] as number));
  const residual = new Float64Array(rows * channels);
  const weight = weightOf(baselineHalfLife);
  const baseline = new Float64Array(channels);
  const gain = trackingGain(standardized, starts, rows, channels);
  starts.forEach((start, run) => {
    const end = starts[run + 1] ?? rows;
    const settled = Math.min(settleRows, end - start);
    baseline.fill(0);
    for (let at = start * channels; at < (start + settled) * channels; at++)
      baseline[at % channels] = (baseline[at % channels] as number) + (standardized[at] as number) / settled;
    for (let i = start; i < end; i++) {
      const left = residual.subarray(i * channels, (i + 1) * channels);
      for (let c = 0; c < channels; c++) left[c] = (standardized[i * channels + c] as number) - (baseline[c] as number);
      for (let c = 0; c < channels; c++) {
        const departure =
          gain === null ? (left[c] as number) : left.reduce((sum, value, j) => sum + (gain[c * channels + j] as number) * value, 0);
        baseline[c] = (baseline[c] as number) + weight * departure;
      }
    }
  });
  const residuals = moments(residual, border, channels);
  return {
    channels,
    border,
    rows,
    mean,
    deviation,
    standardized,
    residual,
    residualMean: residuals.mean,
    residualDeviation: residuals.deviation,
    drifts: Array.from({ length: channels }, (_, c) => drifts(standardized, rows, channels, c)),
    gain,
    baseline,
    starts,
  };
}

/** Offsets of the windows that lie wholly in rows `from` … `to` and in one run, in order of time; `ending`: it is enough that they end there. */
export function windowStarts({ starts, rows }: TrackedRows, length: number, from: number, to: number, ending = false): number[] {
  const found: number[] = [];
  starts.forEach((start, run) => {
    const end = Math.min(to, starts[run + 1] ?? rows);
    for (let i = ending ? Math.max(start, from - length + 1) : Math.max(start, from); i + length <= end; i++) found.push(i);
  });
  return found;
}

/** Windows of standardized residuals, `[windows, length · channels]`, step after step. */
export function windowMatrix(tracked: TrackedRows, windows: readonly number[], length: number): Matrix {
  const { channels, residual, residualMean, residualDeviation } = tracked;
  const width = length * channels;
  const result = matrix(windows.length, width);
  windows.forEach((start, w) => {
    for (let at = 0; at < width; at++) {
      const c = at % channels;
      result.values[w * width + at] =
        ((residual[start * channels + at] as number) - (residualMean[c] as number)) / (residualDeviation[c] as number);
    }
  });
  return result;
}

/** A standard deviation of rounding only is none; a channel that first moves behind the border is judged by how it moves there. */
function moments(values: Float64Array, border: number, channels: number): { mean: Float64Array; deviation: Float64Array } {
  const over = (rows: number): { mean: Float64Array; deviation: Float64Array } => {
    const mean = new Float64Array(channels);
    const square = new Float64Array(channels);
    for (let at = 0; at < rows * channels; at++) mean[at % channels] = (mean[at % channels] as number) + (values[at] as number) / rows;
    for (let at = 0; at < rows * channels; at++)
      square[at % channels] = (square[at % channels] as number) + ((values[at] as number) - (mean[at % channels] as number)) ** 2;
    return { mean, deviation: square.map((sum) => Math.sqrt(sum / rows)) };
  };
  const taught = over(border);
  const all = over(values.length / channels);
  return {
    mean: taught.mean,
    deviation: taught.deviation.map((value, c) => (value > 1e-9 ? value : Math.max(1e-9, all.deviation[c] as number))),
  };
}

/** Differences of neighbouring block means are small beside the spread of the means, and the means spread more than noise alone explains. */
function drifts(values: Float64Array, rows: number, channels: number, c: number): boolean {
  const blocks = Math.floor(rows / blockRows);
  if (blocks < 4) return false;
  const means: number[] = [];
  let within = 0;
  for (let block = 0; block < blocks; block++) {
    let sum = 0;
    let squares = 0;
    for (let i = block * blockRows; i < (block + 1) * blockRows; i++) {
      const value = values[i * channels + c] as number;
      sum += value;
      squares += value * value;
    }
    const mean = sum / blockRows;
    means.push(mean);
    within += (squares / blockRows - mean * mean) / blocks;
  }
  const overall = means.reduce((sum, mean) => sum + mean, 0) / blocks;
  const variance = means.reduce((sum, mean) => sum + (mean - overall) ** 2, 0) / blocks;
  const steps = means.slice(1).reduce((sum, mean, i) => sum + (mean - (means[i] as number)) ** 2, 0) / (blocks - 1);
  return steps / 2 / Math.max(variance, 1e-12) < driftRatio && variance > (2 * within) / blockRows;
}
