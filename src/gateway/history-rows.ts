import type { ControlRow } from '../core/control-row.ts';
import type { Journal } from '../journal/journal.ts';
import { readSegment } from '../journal/segment.ts';
import type { CalmStretch } from '../learning/tracking/calm-stretches.ts';
import type { History, HistoryRun } from '../learning/tracking/history.ts';
import { WindowAssembler } from '../windows/assembler.ts';
import { type AssetPlan, cellState } from '../windows/plan.ts';
import { type Episode, type Stretch, stretchOf } from './verdicts.ts';

/** More than this many of the newest rows are not learnt from: about 100 MB for twenty channels. */
const mostRows = 600_000;

/** Rows of the asset's grid without a hole, with the time they end. */
interface TimedRun {
  /** End of the first row. */
  readonly startMs: number;
  readonly values: Float64Array;
}

/** What an asset was, from its own journal. */
export interface RecordedHistory {
  readonly history: History;
  /** By run of the history: the end of its first row. */
  readonly startsMs: readonly number[];
  /** In it, what alarmed and was nothing. */
  readonly calm: readonly CalmStretch[];
  /** What people said of it. */
  readonly stretches: readonly Stretch[];
}

export interface HistoryWish {
  /** Journal index of the source rows: the asset's grid and columns. */
  readonly plan: AssetPlan;
  /** The columns wanted, of those of the plan. */
  readonly tags: readonly string[];
  readonly sinceMs: number;
  readonly untilMs?: number;
  /** Alarms and warnings of the asset in that time. */
  readonly episodes: readonly Episode[];
  /** Only rows with this value in this column of the plan. */
  readonly context?: { readonly column: number; readonly value: number } | undefined;
  /** To learn from it: without faults, planned work and alarms nobody has called false, and from the last "new normal" on. Else everything that ran. */
  readonly healthy: boolean;
}

/**
 * Rows of an asset's own grid while it ran, from the journal, as its windows saw them: NaN where a tag had nothing usable. A stop, a hole or what is left out ends a run.
 */
export async function historyRows(journal: Journal, wish: HistoryWish): Promise<RecordedHistory> {
  const { plan, tags, episodes, healthy } = wish;
  const said: Stretch[] = [];
  let sinceMs = wish.sinceMs;
  const runs = await rowsOf(journal, wish, (row, lastMs) => {
    const stretch = stretchOf(row, plan.id, episodes);
    if (stretch !== undefined) said.push(stretch);
    if (healthy && row.kind === 'command' && row.command.asset === plan.id && row.command.verb === 'newNormal')
      sinceMs = Math.max(sinceMs, lastMs);
  });
  const notFalse = episodes.filter(
    ({ rule, provisional, fromMs }) =>
      // A new normal ended what stood; its transition has the time of the person's clock.
      rule === 'anomaly' &&
      !provisional &&
      fromMs > sinceMs &&
      !said.some(({ verdict, ...stretch }) => verdict === 'false' && stretch.fromMs === fromMs),
  );
  const without = [...said.filter(({ verdict }) => verdict !== 'false'), ...notFalse, { fromMs: Number.NEGATIVE_INFINITY, toMs: sinceMs }];
  const kept = healthy ? runs.flatMap((run) => cut(run, tags.length, plan.stepMs, without)) : runs;
  return {
    history: {
      channels: tags,
      stepMs: plan.stepMs,
      runs: kept.map(({ values, startMs }): HistoryRun => ({ rows: values.length / tags.length, values, startMs: startMs - plan.stepMs })),
    },
    startsMs: kept.map(({ startMs }) => startMs),
    calm: kept.flatMap((run, i) => calmIn(run, i, tags.length, plan.stepMs, said)),
    stretches: said,
  };
}

async function rowsOf(
  journal: Journal,
  { plan, tags, sinceMs, untilMs = Number.POSITIVE_INFINITY, context }: HistoryWish,
  control: (row: ControlRow, lastMs: number) => void,
): Promise<TimedRun[]> {
  const columns = tags.length;
  const runs: { startMs: number; endMs: number; values: number[] }[] = [];
  let rows = 0;
  const assembler = new WindowAssembler([{ ...plan, batch: -1, modelColumns: [] }], [], {
    row: ({ endMs, values, states, running }) => {
      if (!running || endMs <= sinceMs || endMs > untilMs) return;
      if (context !== undefined && !((states[context.column] as number) < cellState.missing && values[context.column] === context.value))
        return;
      const last = runs.at(-1);
      const run = last !== undefined && endMs - last.endMs < 1.5 * plan.stepMs ? last : { startMs: endMs, values: [], endMs };
      if (run !== last) runs.push(run);
      for (let c = 0; c < columns; c++) run.values.push((states[c] as number) < cellState.missing ? (values[c] as number) : Number.NaN);
      run.endMs = endMs;
      rows++;
      while (rows > mostRows && runs.length > 1) rows -= (runs.shift() as { values: number[] }).values.length / columns;
    },
    window: () => {},
    invalid: () => {},
  });
  const [first] = await journal.query<{ seq: number | null }>('SELECT min(seq) AS seq FROM segments WHERE last_ms >= ?', sinceMs);
  for await (const { data } of journal.replay((first?.seq ?? 1) - 1)) {
    for (const entry of readSegment(data)) {
      if (entry.kind === 'samples') assembler.block(entry.block);
      else {
        assembler.control(entry.row);
        control(entry.row, runs.at(-1)?.endMs ?? Number.NEGATIVE_INFINITY);
      }
    }
    // Other work goes first.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return runs.map(({ startMs, values }) => {
    const dropped = Math.max(0, values.length / columns - mostRows);
    return { startMs: startMs + dropped * plan.stepMs, values: Float64Array.from(values.slice(dropped * columns)) };
  });
}

interface RowSpan {
  readonly from: number;
  readonly to: number;
}

/** Rows of a run of which any part lies in the stretch. */
function rowsIn(
  { startMs, values }: TimedRun,
  columns: number,
  stepMs: number,
  { fromMs, toMs }: Pick<Stretch, 'fromMs' | 'toMs'>,
): RowSpan {
  const rows = values.length / columns;
  const clamped = (row: number): number => Math.min(rows, Math.max(0, row));
  return { from: clamped(Math.floor((fromMs - startMs) / stepMs) + 1), to: clamped(Math.ceil((toMs - startMs) / stepMs) + 1) };
}

/** What is left of a run without these stretches, in pieces. */
function cut(run: TimedRun, columns: number, stepMs: number, without: readonly Pick<Stretch, 'fromMs' | 'toMs'>[]): TimedRun[] {
  const rows = run.values.length / columns;
  const gone = without
    .map((stretch) => rowsIn(run, columns, stepMs, stretch))
    .filter(({ from, to }) => to > from)
    .sort((a, b) => a.from - b.from);
  if (gone.length === 0) return [run];
  const pieces: TimedRun[] = [];
  let begun = 0;
  for (const { from, to } of [...gone, { from: rows, to: rows }]) {
    if (from > begun) pieces.push({ startMs: run.startMs + begun * stepMs, values: run.values.slice(begun * columns, from * columns) });
    begun = Math.max(begun, to);
  }
  return pieces;
}

function calmIn(run: TimedRun, index: number, columns: number, stepMs: number, said: readonly Stretch[]): CalmStretch[] {
  return said
    .filter(({ verdict }) => verdict === 'false')
    .map((stretch) => ({ run: index, ...rowsIn(run, columns, stepMs, stretch) }))
    .filter(({ from, to }) => to > from);
}
