import type { LabelledRecording } from './recording.ts';

/** A stretch without rows longer than this many median distances is a hole: what comes before is not carried over it. */
const holeSteps = 3;

/** What a person should know of how a recording was read; empty where there is nothing to say. `stepMs`: with holes longer than three of these. */
export function recordingRemarks(recording: LabelledRecording, stepMs?: number): string[] {
  const { columns, missing, unreadable, words, unordered, duplicates, timed, timeMs } = recording;
  const rows = timeMs.length + duplicates;
  const holes =
    stepMs === undefined || !timed
      ? 0
      : timeMs.reduce((sum, time, i) => sum + Number(i > 0 && time - (timeMs[i - 1] as number) > holeSteps * stepMs), 0);
  const gone = columns.flatMap((column, c) => (missing[c] === 0 ? [] : [`${column} ${missing[c]}`]));
  return [
    ...(unordered === 0 ? [] : [`${counted(unordered, 'row')} earlier than one before: put in order of time`]),
    ...(duplicates === 0 ? [] : [`${counted(duplicates, 'row')} with the time of another: averaged into it`]),
    ...(holes === 0 ? [] : [`${counted(holes, 'hole')} longer than ${holeSteps} steps`]),
    ...(gone.length === 0 ? [] : [`empty cells, of ${rows}: ${gone.join(', ')}`]),
    ...columns.flatMap((column, c) =>
      unreadable[c] === 0
        ? []
        : [
            `${counted(unreadable[c] as number, 'cell')} of ${column} taken for empty: no number (line ${words[c]?.line}: ${JSON.stringify(words[c]?.cell)})`,
          ],
    ),
    ...(timed
      ? []
      : rising(recording).map(
          (column) =>
            `warning: ${column} rises from row to row as time does, and is taken for a channel: --time ${column} if it is the time, else --ignore ${column}`,
        )),
  ];
}

const counted = (count: number, what: string): string => `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

/** Columns that grow in every row, nearly always by the same. */
function rising({ columns, values }: LabelledRecording): string[] {
  return columns.filter((_, c) => {
    const column = values[c] as Float64Array;
    const steps = column.subarray(1).map((value, i) => value - (column[i] as number));
    const middle = steps.toSorted()[steps.length >> 1] ?? 0;
    return (
      middle > 0 &&
      steps.every((step) => step >= 0) &&
      steps.filter((step) => Math.abs(step - middle) <= 0.01 * middle).length > 0.9 * steps.length
    );
  });
}
