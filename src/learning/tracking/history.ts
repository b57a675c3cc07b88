import { FettleError } from '../../core/errors.ts';
import { RowGrid } from '../../detector/row-grid.ts';
import { type HeldChannel, heldChannels, type InformativeGrid, informativeGrid } from './informative-grid.ts';

/** A stretch without a hole, `[rows, channels]`, engineering units; NaN where a channel has nothing. */
export interface HistoryRun {
  readonly rows: number;
  readonly values: Float64Array;
  /** When the first row begins, so that wider rows begin where they will when the detector runs; 0 when absent. */
  readonly startMs?: number;
}

/** What a detector is learnt from: rows of one machine on one grid, oldest first. */
export interface History {
  readonly channels: readonly string[];
  readonly stepMs: number;
  readonly runs: readonly HistoryRun[];
}

/** Rows that differ from the one before them, without gaps, on the grid the detector will have: what is left is a row each time the machine said something new. */
export interface PreparedHistory {
  readonly channels: readonly string[];
  /** Of its rows. */
  readonly stepMs: number;
  readonly grid: InformativeGrid;
  /** By channel: its values stand until the next comes, less often than rows of the history do. */
  readonly held: readonly boolean[];
  /** Which of the history's columns these are. */
  readonly columns: readonly number[];
  readonly runs: readonly HistoryRun[];
  readonly rows: number;
  /** Rows alike in every channel, one after the other. */
  readonly longestRepeat: number;
  /** By channel: rows it stood on one value, at most. */
  readonly longestStill: readonly number[];
  /** Channels that never changed: nothing can be said of them. */
  readonly constant: readonly string[];
}

const largestGapRows = 10;
/** Share of the rows the weights see; the rest calibrates the limit (DETECTOR 3.1). */
export const teachingShare = 0.8;

/**
 * Throws FETTLE_TRAINING_FAILED where nothing changes at all. `rowsPerStep`: rows of the history that make one of the detector's; found in the history when absent.
 */
export function prepareHistory(history: History, rowsPerStep?: number): PreparedHistory {
  const columns = changingColumns(history);
  const found = preparedOn(history, columns, 1);
  const rows = history.runs.reduce((sum, run) => sum + run.rows, 0);
  const held = heldChannels(found).map((channel) => ({ ...channel, everyRows: (channel.everyRows * rows) / found.rows }));
  const grid = rowsPerStep === undefined ? informativeGrid(held, columns.length, rows) : { rowsPerStep, repeating: [], leftOut: [] };
  const { leftOut } = grid;
  if (grid.rowsPerStep === 1 && leftOut.length === 0) return { ...found, grid };
  const named = (column: number, among: readonly HeldChannel[]): boolean =>
    among.some(({ channel }) => channel === history.channels[column]);
  const kept = columns.filter((column) => !named(column, leftOut));
  const stands = held.filter((channel) => channel.stands);
  return {
    ...preparedOn(
      history,
      kept,
      grid.rowsPerStep,
      kept.map((column) => named(column, stands)),
    ),
    constant: found.constant,
    grid,
  };
}

/** Which columns ever change. */
function changingColumns(history: History): number[] {
  const count = history.channels.length;
  const lows = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const highs = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
  let left = Math.floor(teachingShare * history.runs.reduce((sum, { rows }) => sum + rows, 0));
  for (const { values, rows } of history.runs) {
    // Only what teaches counts: what first moves behind it has no known normal.
    const taught = Math.min(left, rows) * count;
    left -= taught / count;
    for (let at = 0; at < taught; at++) {
      const value = values[at] as number;
      const c = at % count;
      if (value < (lows[c] as number)) lows[c] = value;
      if (value > (highs[c] as number)) highs[c] = value;
    }
  }
  const varies = (c: number): boolean => {
    const span = (highs[c] as number) - (lows[c] as number);
    return span > 1e-9 * Math.max(1e-9, Math.abs(lows[c] as number), Math.abs(highs[c] as number));
  };
  const columns = history.channels.flatMap((_, c) => (varies(c) ? [c] : []));
  if (columns.length > 0) return columns;
  throw new FettleError('FETTLE_TRAINING_FAILED', 'nothing in the history ever changes', {
    hint: 'is the machine running, and do its tags arrive?',
  });
}

function preparedOn(
  history: History,
  columns: readonly number[],
  rowsPerStep: number,
  held: readonly boolean[] = columns.map(() => false),
): Omit<PreparedHistory, 'grid'> {
  const prepared = { longestRepeat: 0, longestStill: columns.map(() => 0), runs: [] as HistoryRun[] };
  for (const run of history.runs) addRun(prepared, widened(run, history.stepMs, { columns, held, rowsPerStep }), columns.length);
  for (const run of prepared.runs) mend(run, columns.length);
  return {
    channels: columns.map((c) => history.channels[c] as string),
    stepMs: rowsPerStep * history.stepMs,
    held,
    columns,
    runs: prepared.runs,
    rows: prepared.runs.reduce((sum, { rows }) => sum + rows, 0),
    longestRepeat: prepared.longestRepeat,
    longestStill: prepared.longestStill,
    constant: history.channels.filter((_, c) => !columns.includes(c)),
  };
}

/** Which columns of a run, and how many of its rows make one. */
export interface WiderGrid {
  readonly columns: readonly number[];
  readonly held: readonly boolean[];
  readonly rowsPerStep: number;
}

/** A run as the detector will have its rows. */
export function widened({ rows, values, startMs = 0 }: HistoryRun, stepMs: number, { columns, held, rowsPerStep }: WiderGrid): HistoryRun {
  const width = values.length / rows;
  const grid = new RowGrid(held, rowsPerStep, stepMs);
  const wide: number[] = [];
  const bad = new Uint8Array(columns.length);
  for (let row = 0; row < rows; row++) {
    const own = Float64Array.from(columns, (column) => values[row * width + column] as number);
    const whole = grid.add({ endMs: startMs + (row + 1) * stepMs, values: own, bad, running: true });
    if (whole?.running) for (const value of whole.values) wide.push(value);
  }
  return { rows: wide.length / columns.length, values: Float64Array.from(wide) };
}

interface Prepared {
  longestRepeat: number;
  readonly longestStill: number[];
  readonly runs: HistoryRun[];
}

/** A channel that repeats its value in fewer of its rows than this does so because a value was lost on the way. */
const rareRepeats = 0.2;

/**
 * A lost value is its predecessor once more by the time it comes here. What lies between its neighbours is nearer to what it was: a model learnt with copies sees less (F1 on SKAB with
 * 5 % of the values lost 0.77, mended 0.82).
 */
function mend({ rows, values }: HistoryRun, channels: number): void {
  for (let c = 0; c < channels; c++) {
    const at = (row: number): number => values[row * channels + c] as number;
    let repeats = 0;
    for (let row = 1; row < rows; row++) if (at(row) === at(row - 1)) repeats++;
    if (repeats === 0 || repeats >= rareRepeats * rows) continue;
    for (let row = 1; row < rows; row++) {
      let next = row;
      while (next < rows && at(next) === at(row - 1)) next++;
      if (next === row || next === rows) continue;
      const [from, to] = [at(row - 1), at(next)];
      for (let i = row; i < next; i++) values[i * channels + c] = from + ((to - from) * (i - row + 1)) / (next - row + 1);
      row = next;
    }
  }
}

/** Short gaps are bridged by the last value, as they will be when the detector runs; longer ones end the run. */
function addRun(prepared: Prepared, { rows, values }: HistoryRun, width: number): void {
  const last = new Float64Array(width).fill(Number.NaN);
  const gap = new Uint32Array(width).fill(largestGapRows);
  const still = new Uint32Array(width);
  let kept = new Float64Array(rows * width);
  let keptRows = 0;
  let repeated = 0;
  const end = (): void => {
    if (keptRows > 0) prepared.runs.push({ rows: keptRows, values: kept.slice(0, keptRows * width) });
    keptRows = 0;
    kept = new Float64Array(rows * width);
    last.fill(Number.NaN);
    gap.fill(largestGapRows);
    still.fill(0);
  };
  for (let row = 0; row < rows; row++) {
    const valueAt = (i: number): number => values[row * width + i] as number;
    if (last.every((value, i) => valueAt(i) === value)) {
      repeated++;
      prepared.longestRepeat = Math.max(prepared.longestRepeat, repeated);
      continue;
    }
    repeated = 0;
    for (let i = 0; i < width; i++) {
      const value = valueAt(i);
      if (Number.isFinite(value)) {
        still[i] = value === last[i] ? (still[i] as number) + 1 : 0;
        prepared.longestStill[i] = Math.max(prepared.longestStill[i] as number, still[i] as number);
        last[i] = value;
        gap[i] = 0;
      } else gap[i] = (gap[i] as number) + 1;
    }
    if (gap.some((missing) => missing >= largestGapRows)) {
      if (keptRows > 0) end();
      continue;
    }
    kept.set(last, keptRows * width);
    keptRows++;
  }
  end();
}
