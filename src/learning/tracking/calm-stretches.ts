import { type HistoryRun, widened } from './history.ts';
import { replay, type Subject } from './replay.ts';

/** Rows of a run of the history that raised an alarm once, and were nothing. */
export interface CalmStretch {
  readonly run: number;
  readonly from: number;
  readonly to: number;
}

/** Rows of the detector before a stretch in which the detector finds its feet. */
const leadRows = 600;
/** Further than this the limit is not raised for anybody: what would still alarm then cannot be kept quiet without going blind. */
export const mostRoom = 2;
const clearance = 1.02;

/**
 * By how much the limit has to be raised so that stretches people called false alarms stay below it, 1 to `mostRoom`. `columns`: which columns of the runs are the model's channels; the subject's step is that of the runs. Rejects with the signal's reason.
 */
export async function roomForCalm(
  subject: Subject,
  runs: readonly HistoryRun[],
  columns: readonly number[],
  calm: readonly CalmStretch[],
  signal?: AbortSignal,
): Promise<number> {
  if (calm.length === 0) return 1;
  const { detector, stepMs } = subject;
  const { rowsPerStep } = detector;
  const held = detector.channels.map((channel) => channel.held);
  const spans = calm.map(({ run, from, to }) => ({
    rows: rowsOf(runs[run] as HistoryRun, Math.max(0, from - leadRows * rowsPerStep), to),
    lead: Math.floor(Math.min(from, leadRows * rowsPerStep) / rowsPerStep),
  }));
  const verdicts = await replay(
    { ...subject, stepMs: rowsPerStep * stepMs },
    spans.map(({ rows }) => widened(rows, stepMs, { columns, held, rowsPerStep }).values),
    signal,
  );
  const alarming = verdicts.flatMap((stretch, i) =>
    stretch.some(({ alarm }, row) => alarm && row >= (spans[i]?.lead ?? 0))
      ? stretch.slice(spans[i]?.lead).map(({ ratio }) => (Number.isFinite(ratio) ? ratio : 1))
      : [],
  );
  return Math.min(mostRoom, Math.max(1, clearance * alarming.reduce((most, ratio) => Math.max(most, ratio), 0)));
}

function rowsOf({ rows, values }: HistoryRun, from: number, to: number): HistoryRun {
  const width = values.length / rows;
  return { rows: to - from, values: values.subarray(from * width, to * width) };
}
