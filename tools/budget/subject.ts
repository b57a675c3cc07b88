import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadBundle } from '../../src/bundles/index.ts';
import { driftDefaults } from '../../src/config/schema.ts';
import type { LoadedBundle } from '../../src/core/manifest.ts';
import { gridRows, type JudgedRow, judgeRecording, type RecordedRows } from '../../src/gateway/recording-run.ts';
import { learnInBackground } from '../../src/learning/learn-in-background.ts';

export const dayMs = 86_400_000;
export const budgets = { '1/day': 1, '1/week': 1 / 7 } as const;
export type Budget = keyof typeof budgets;

/** A recording of a machine and how much of its beginning it learns from. */
export interface Subject {
  readonly recorded: RecordedRows;
  readonly stepMs: number;
  readonly learningRows: number;
}

/** Learns as the gateway does for an asset that learns from itself. */
export async function learnSubject({ recorded, stepMs, learningRows }: Subject, budget: Budget): Promise<LoadedBundle> {
  const scratch = mkdtempSync(join(tmpdir(), 'fettle-budget-'));
  try {
    const directory = join(scratch, 'machine/1.0.0');
    const task = {
      history: { channels: recorded.columns, stepMs, runs: gridRows(recorded, { from: 0, to: learningRows }, stepMs) },
      directory,
      budgetPerDay: budgets[budget],
      precision: 'int8',
      loss: 0,
      facts: { id: 'machine', version: '1.0.0', stage: 'established', stepMs, fromMs: null, toMs: null },
    } as const;
    await learnInBackground(task, new AbortController().signal);
    return await loadBundle(directory);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Rows `from` to the end, watched for wear too, as such an asset is. */
export const judge = (recorded: RecordedRows, from: number, stepMs: number, bundle: LoadedBundle): Promise<JudgedRow[]> =>
  judgeRecording(recorded, { from, to: recorded.timeMs.length }, bundle, undefined, {
    deviations: driftDefaults.warn,
    overRows: driftDefaults.over / stepMs,
  });

/** Runs of rows in which `holds`: begin and end (exclusive), by index. */
export function runsWhere(judged: readonly JudgedRow[], holds: (row: JudgedRow) => boolean): { first: number; end: number }[] {
  const runs: { first: number; end: number }[] = [];
  judged.forEach((row, i) => {
    if (!holds(row)) return;
    const last = runs.at(-1);
    if (last?.end === i) last.end = i + 1;
    else runs.push({ first: i, end: i + 1 });
  });
  return runs;
}

/** By column over the learning rows. */
export const deviationsOf = ({ recorded, learningRows }: Subject): number[] =>
  recorded.values.map((column) => {
    const learnt = column.subarray(0, learningRows).filter(Number.isFinite);
    const mean = learnt.reduce((sum, value) => sum + value, 0) / learnt.length;
    return Math.sqrt(learnt.reduce((sum, value) => sum + (value - mean) ** 2, 0) / learnt.length);
  });

/** The same rows with `added` on top: by column and row, engineering units. */
export const changed = (recorded: RecordedRows, added: (column: number, row: number) => number): RecordedRows => ({
  ...recorded,
  values: recorded.values.map((values, c) => values.map((value, row) => value + added(c, row))),
});

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? Number.NaN : (sorted[sorted.length >> 1] as number);
}
