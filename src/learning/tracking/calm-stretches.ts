import type { HistoryRun } from './history.ts';
import { replay, type Subject } from './replay.ts';

/** Rows of a run of the history that raised an alarm once, and were nothing. */
export interface CalmStretch {
  readonly run: number;
  readonly from: number;
  readonly to: number;
}

/** Rows before a stretch in which the detector finds its feet. */
const leadRows = 600;
/** Further than this the limit is not raised for anybody: what would still alarm then cannot be kept quiet without going blind. */
export const mostRoom = 2;
const clearance = 1.02;

/**
 * By how much the limit has to be raised so that stretches people called false alarms stay below it, 1 to `mostRoom`. `columns`: which columns of the runs are the model's channels. Rejects with the signal's reason.
 */
export async function roomForCalm(
  subject: Subject,
  runs: readonly HistoryRun[],
  columns: readonly number[],
  calm: readonly CalmStretch[],
  signal?: AbortSignal,
): Promise<number> {
  if (calm.length === 0) return 1;
  const spans = calm.map(({ run, from, to }) => ({
    run: runs[run] as HistoryRun,
    from: Math.max(0, from - leadRows),
    lead: Math.min(from, leadRows),
    to,
  }));
  const verdicts = await replay(
    subject,
    spans.map(({ run, from, to }) => rowsOf(run, from, to, columns)),
    signal,
  );
  const alarming = verdicts.flatMap((stretch, i) =>
    stretch.some(({ alarm }, row) => alarm && row >= (spans[i]?.lead ?? 0))
      ? stretch.slice(spans[i]?.lead).map(({ ratio }) => (Number.isFinite(ratio) ? ratio : 1))
      : [],
  );
  return Math.min(mostRoom, Math.max(1, clearance * alarming.reduce((most, ratio) => Math.max(most, ratio), 0)));
}

function rowsOf({ rows, values }: HistoryRun, from: number, to: number, columns: readonly number[]): Float64Array {
  const width = values.length / rows;
  return Float64Array.from({ length: (to - from) * columns.length }, (_, at) => {
    const row = from + Math.floor(at / columns.length);
    return values[row * width + (columns[at % columns.length] as number)] as number;
  });
}
