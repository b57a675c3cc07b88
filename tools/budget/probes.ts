import type { LoadedBundle } from '../../src/core/manifest.ts';
import type { JudgedRow, RecordedRows } from '../../src/gateway/recording-run.ts';
import { changed, deviationsOf, judge, type Subject } from './subject.ts';

export interface Probes {
  readonly steps: number;
  /** Rows from the step to its alarm, of those found. */
  readonly delays: readonly number[];
}

/** In deviations of the channel over the learning rows. */
export const stepSizes = [4, 8] as const;
export type StepSize = (typeof stepSizes)[number];

const stepRows = 120;
/** From one step to the next: between them tracking has to forget. */
const everyRows = 900;
const firstRows = 600;

/** Steps in one channel after the other behind the learning rows, as many beside each other as fit: a detector that is blind keeps every budget. `calm`: the same rows without. */
export async function probe(subject: Subject, bundle: LoadedBundle, calm: readonly JudgedRow[], size: StepSize): Promise<Probes> {
  const { recorded, learningRows, stepMs } = subject;
  const room = Math.floor((recorded.timeMs.length - learningRows - firstRows) / everyRows);
  const channels = recorded.columns.flatMap((column, c) => (bundle.manifest.channels.some(({ tag }) => tag === column) ? [c] : []));
  const alarmed = new Set(calm.filter(({ alarm }) => alarm).map(({ endMs }) => endMs));
  const deviations = deviationsOf(subject);
  const delays: number[] = [];
  for (let first = 0; first < channels.length; first += room) {
    const stepped = channels.slice(first, first + room);
    const beginOf = (c: number): number => learningRows + firstRows + stepped.indexOf(c) * everyRows;
    const rows = changed(recorded, (c, row) =>
      stepped.includes(c) && row >= beginOf(c) && row < beginOf(c) + stepRows ? size * (deviations[c] as number) : 0,
    );
    const judged = await judge(upTo(rows, learningRows + firstRows + stepped.length * everyRows), learningRows, stepMs, bundle);
    for (const c of stepped) {
      const fromMs = (Math.floor((recorded.timeMs[beginOf(c)] as number) / stepMs) + 1) * stepMs;
      const found = judged.find(
        ({ endMs, alarm }) => alarm && endMs >= fromMs && endMs < fromMs + stepRows * stepMs && !alarmed.has(endMs),
      );
      if (found !== undefined) delays.push((found.endMs - fromMs) / stepMs);
    }
  }
  return { steps: channels.length, delays };
}

export const pooledProbes = (all: readonly Probes[]): Probes => ({
  steps: all.reduce((sum, { steps }) => sum + steps, 0),
  delays: all.flatMap(({ delays }) => delays),
});

const upTo = ({ columns, timeMs, values }: RecordedRows, rows: number): RecordedRows => ({
  columns,
  timeMs: timeMs.subarray(0, rows),
  values: values.map((column) => column.subarray(0, rows)),
});
