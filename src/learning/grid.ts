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

/** A value stands in for a missing one this many steps, as in the gateway. */
const carrySteps = 3;

/**
 * A recording → stretches without a hole: the mean of what falls into a step, the last value for up to three empty ones. Without a time column the
 * rows themselves are the steps.
 */
export function toGrid(recording: Recording, stepMs: number): GridRun[] {
  const { columns, values, file } = recording;
  const count = (values[0] as Float64Array).length;
  const times = recording.timeMs ?? Float64Array.from({ length: count }, (_, i) => i * stepMs);
  const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => (times[a] as number) - (times[b] as number));
  const channels = columns.length;
  const runs: GridRun[] = [];
  let rows: number[] = [];
  let firstStep = 0;
  const sum = new Float64Array(channels);
  const seen = new Uint32Array(channels);
  const last = new Float64Array(channels).fill(Number.NaN);
  const age = new Float64Array(channels).fill(Number.POSITIVE_INFINITY);
  const end = () => {
    if (rows.length > 0) runs.push({ file, firstStep, rows: rows.length / channels, values: Float64Array.from(rows) });
    rows = [];
  };
  const finish = (step: number): void => {
    let complete = true;
    for (let c = 0; c < channels; c++) {
      if ((seen[c] as number) > 0) {
        last[c] = (sum[c] as number) / (seen[c] as number);
        age[c] = 0;
      } else age[c] = (age[c] as number) + 1;
      if ((age[c] as number) > carrySteps || Number.isNaN(last[c])) complete = false;
      sum[c] = 0;
      seen[c] = 0;
    }
    if (!complete) {
      end();
      return;
    }
    if (rows.length === 0) firstStep = step;
    rows.push(...last);
  };
  let open = Math.floor((times[order[0] as number] as number) / stepMs);
  for (const i of order) {
    const step = Math.floor((times[i] as number) / stepMs);
    if (step - open > carrySteps + 1) {
      finish(open);
      end();
      age.fill(Number.POSITIVE_INFINITY);
      open = step;
    }
    while (open < step) finish(open++);
    for (let c = 0; c < channels; c++) {
      const value = (values[c] as Float64Array)[i] as number;
      if (!Number.isFinite(value)) continue;
      sum[c] = (sum[c] as number) + value;
      seen[c] = (seen[c] as number) + 1;
    }
  }
  finish(open);
  end();
  return runs;
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
