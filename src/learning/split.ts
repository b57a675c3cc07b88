import { FettleError } from '../core/errors.ts';
import type { GridRun } from './grid.ts';

/** Share of each run the weights see; the rest calibrates the limit (DETECTOR 3.1). */
const learningShare = 0.8;

export interface Split {
  readonly channels: number;
  /** All runs, one after the other, `[rows, channels]`. */
  readonly rows: Float64Array;
  /** Offsets of windows wholly in the learning part, and of windows wholly in the unseen part, in order of time. */
  readonly learning: readonly number[];
  readonly unseen: readonly number[];
  /** By channel, over the learning part. */
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

/** Runs → windows to learn from and windows to calibrate on; none crosses a run or the border. Throws FETTLE_TRAINING_FAILED. */
export function splitRuns(runs: readonly GridRun[], channels: number, length: number): Split {
  const rows = new Float64Array(runs.reduce((sum, run) => sum + run.rows, 0) * channels);
  const learning: number[] = [];
  const unseen: number[] = [];
  let first = 0;
  for (const run of runs) {
    rows.set(run.values, first * channels);
    const border = seenRows(run);
    for (let i = 0; i + length <= run.rows; i++) {
      if (i + length <= border) learning.push((first + i) * channels);
      else if (i >= border) unseen.push((first + i) * channels);
    }
    first += run.rows;
  }
  if (unseen.length === 0) {
    throw new FettleError(
      'FETTLE_TRAINING_FAILED',
      'no window lies wholly in the last fifth of a recording: it is too short for this length',
      {
        hint: `a shorter --length, or recordings of more than ${Math.ceil(length / (1 - learningShare))} steps`,
      },
    );
  }
  return { channels, rows, learning, unseen, ...moments(runs, channels) };
}

/** Channels that never change while learning: nothing can be said of them. */
export const flatChannels = ({ mean, deviation }: Split): number[] =>
  Array.from(deviation.keys()).filter((c) => !((deviation[c] as number) > 1e-9 * Math.max(1, Math.abs(mean[c] as number))));

/** At most `most` of a list, evenly spread. */
export const thinned = (list: readonly number[], most: number): readonly number[] =>
  list.length <= most ? list : Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)] as number);

const seenRows = (run: GridRun): number => Math.floor(run.rows * learningShare);

function moments(runs: readonly GridRun[], channels: number): { mean: Float64Array; deviation: Float64Array } {
  const rows = runs.reduce((sum, run) => sum + seenRows(run), 0);
  const sumOf = (term: (value: number, channel: number) => number): Float64Array => {
    const sums = new Float64Array(channels);
    for (const run of runs) {
      const values = seenRows(run) * channels;
      for (let i = 0; i < values; i++) sums[i % channels] = (sums[i % channels] as number) + term(run.values[i] as number, i % channels);
    }
    return sums;
  };
  const mean = sumOf((value) => value).map((sum) => sum / rows);
  const deviation = sumOf((value, c) => (value - (mean[c] as number)) ** 2).map((sum) => Math.sqrt(sum / Math.max(1, rows - 1)));
  return { mean, deviation };
}
