import type { Journal } from '../journal/journal.ts';
import { readSegment } from '../journal/segment.ts';
import type { History, HistoryRun } from '../learning/tracking/history.ts';
import { WindowAssembler } from '../windows/assembler.ts';
import { type AssetPlan, cellState } from '../windows/plan.ts';

/** More than this many of the newest rows are not learnt from: about 100 MB for twenty channels. */
const mostRows = 600_000;

/**
 * Rows of an asset's own grid while it ran, from the journal, as its windows saw them: NaN where a tag had nothing usable. A stop or a hole ends a stretch. `tags`: the columns wanted,
 * of those of the plan.
 */
export async function historyRows(journal: Journal, plan: AssetPlan, tags: readonly string[], sinceMs: number): Promise<History> {
  const columns = tags.length;
  const runs: { values: number[]; endMs: number }[] = [];
  let rows = 0;
  const assembler = new WindowAssembler([{ ...plan, batch: -1, modelColumns: [] }], [], {
    row: ({ endMs, values, states, running }) => {
      if (!running || endMs <= sinceMs) return;
      const last = runs.at(-1);
      const run = last !== undefined && endMs - last.endMs < 1.5 * plan.stepMs ? last : { values: [], endMs };
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
      else assembler.control(entry.row);
    }
    // Other work goes first.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return {
    channels: tags,
    stepMs: plan.stepMs,
    runs: runs.map(
      ({ values }): HistoryRun => ({ rows: values.length / columns, values: Float64Array.from(values.slice(-mostRows * columns)) }),
    ),
  };
}
