import { formatDuration } from '../../core/duration.ts';
import type { PreparedHistory } from './history.ts';

/** A channel that says something new only every so many rows, and is held or drawn as a straight line in between: its sensor, or the device before it, speaks no more often. */
export interface HeldChannel {
  readonly channel: string;
  /** Rows from one new value to the next. */
  readonly everyRows: number;
  /** It stands still in between, rather than being drawn. */
  readonly stands: boolean;
}

/** The grid on which a history says something new (detector study 2, section 3). */
export interface InformativeGrid {
  /** Rows of the history that make one of the detector's. */
  readonly rowsPerStep: number;
  /** Channels that repeat themselves on it all the same: a wider one would leave too few rows. */
  readonly repeating: readonly HeldChannel[];
  /** Channels so much slower than the others that all would have to wait for them: not in the model. */
  readonly leftOut: readonly HeldChannel[];
}

/** Fewer rows than this, or some few less, teach less than what repeats itself costs. */
const fewestRows = 400;
const someFew = 0.95;
/** How much wider than the middle channel needs it the grid may become for the sake of slower ones: alarms come that much later. */
const mostWaiting = 10;
/** Of a refresh, in rows. */
const jitter = 0.2;

const fewestChanges = 20;
/** A refresh has a beat: nearly no change comes sooner, and most come when they are due. A value that rounding holds changes at any time. */
const mostEarly = 0.05;
const leastDue = 0.6;
/** Of the changes, alike in size: a slow ramp in steps of the last digit has a beat too. */
const mostAlike = 0.8;
/** A programme that goes through a few set points has a beat too. */
const fewestValues = 12;
/** As near to the straight line between its neighbours, in root mean squares of its changes, a value is drawn and not measured. */
const onTheLine = 0.02;

/** Channels that are held between refreshes. `history`: one row each time anything changed. */
export function heldChannels({ runs, channels }: Pick<PreparedHistory, 'runs' | 'channels'>): HeldChannel[] {
  return channels.flatMap((channel, c) => {
    const columns = runs.map(({ rows, values }) =>
      Float64Array.from({ length: rows }, (_, row) => values[row * channels.length + c] as number),
    );
    const standsFor = heldFor(columns);
    const everyRows = standsFor ?? drawnFor(columns);
    return everyRows === undefined ? [] : [{ channel, everyRows, stands: standsFor !== undefined }];
  });
}

/** Rows a value stands until the next comes. */
function heldFor(columns: readonly Float64Array[]): number | undefined {
  const everyRows = beatOf(columns, (values, row) => values[row] !== values[row - 1]);
  if (everyRows === undefined) return undefined;
  const distinct = new Set<number>();
  const sizes = new Map<string, number>();
  let changes = 0;
  for (const values of columns) {
    for (let row = 1; row < values.length; row++) {
      const by = Math.abs((values[row] as number) - (values[row - 1] as number));
      if (by === 0) continue;
      changes++;
      distinct.add(values[row] as number);
      const size = by.toPrecision(6);
      sizes.set(size, (sizes.get(size) ?? 0) + 1);
    }
  }
  return distinct.size < fewestValues || Math.max(...sizes.values()) > mostAlike * changes ? undefined : everyRows;
}

/** Rows from one corner to the next of a line between measured values. */
function drawnFor(columns: readonly Float64Array[]): number | undefined {
  let squares = 0;
  let count = 0;
  for (const values of columns) {
    for (let row = 1; row < values.length; row++) squares += ((values[row] as number) - (values[row - 1] as number)) ** 2;
    count += values.length - 1;
  }
  const near = onTheLine * Math.sqrt(squares / count);
  return beatOf(columns, (values, row) => {
    const [before, at, after] = [values[row - 1] as number, values[row] as number, values[row + 1] as number];
    return Math.abs(at - (before + after) / 2) > near;
  });
}

/** Rows between those that say something new, if they come regularly and less often than every row. */
function beatOf(columns: readonly Float64Array[], isNew: (values: Float64Array, row: number) => boolean): number | undefined {
  const intervals: number[] = [];
  for (const values of columns) {
    let last = -1;
    for (let row = 1; row < values.length - 1; row++) {
      if (!isNew(values, row)) continue;
      if (last >= 0) intervals.push(row - last);
      last = row;
    }
  }
  if (intervals.length < fewestChanges) return undefined;
  const middle = intervals.toSorted((a, b) => a - b)[intervals.length >> 1] as number;
  if (middle < 2) return undefined;
  const early = intervals.filter((interval) => interval < Math.max(2, middle - 1)).length;
  const due = intervals.filter((interval) => Math.abs(interval - middle) <= 1);
  if (early > mostEarly * intervals.length || due.length < leastDue * intervals.length) return undefined;
  return due.reduce((sum, interval) => sum + interval, 0) / due.length;
}

const rowsNeeded = ({ everyRows }: HeldChannel): number => Math.ceil(everyRows - jitter);

/** The grid for channels of which some are held. `channels`: how many there are; `rows`: of the history, repeats and all. */
export function informativeGrid(held: readonly HeldChannel[], channels: number, rows: number): InformativeGrid {
  const needed = [...held.map(rowsNeeded), ...Array.from({ length: channels - held.length }, () => 1)].sort((a, b) => a - b);
  const widest = mostWaiting * (needed[(needed.length - 1) >> 1] as number);
  const kept = held.filter((channel) => rowsNeeded(channel) <= widest);
  const wanted = Math.max(1, ...kept.map(rowsNeeded));
  const rowsPerStep = Math.max(1, Math.min(wanted, Math.floor(rows / (someFew * fewestRows))));
  return {
    rowsPerStep,
    repeating: kept.filter((channel) => rowsNeeded(channel) > rowsPerStep),
    leftOut: held.filter((channel) => !kept.includes(channel)),
  };
}

const refreshed = (channels: readonly HeldChannel[], stepMs: number): string =>
  channels.map(({ channel, everyRows }) => `${channel} (every ${formatDuration(Math.round(everyRows * stepMs))})`).join(', ');

/** What a person should know of the grid, `stepMs` that of the history; empty where every row says something new. */
export function gridRemarks({ rowsPerStep, repeating, leftOut }: InformativeGrid, stepMs: number): string[] {
  const wanted = Math.max(0, ...repeating.map(rowsNeeded));
  return [
    ...(rowsPerStep === 1
      ? []
      : [
          `${rowsPerStep} rows of ${formatDuration(stepMs)} are averaged into one of ${formatDuration(rowsPerStep * stepMs)}: on the finer grid channels only repeat themselves`,
        ]),
    ...(repeating.length === 0
      ? []
      : [
          `warning: the history is too short to wait for ${refreshed(repeating, stepMs)}, which repeat themselves in between: other faults are seen less, theirs late or not at all; ${wanted * fewestRows} rows would do`,
        ]),
    ...(leftOut.length === 0
      ? []
      : [
          `warning: left out, because all others would have to wait for them: ${refreshed(leftOut, stepMs)}; an asset of their own with such a step can watch them`,
        ]),
  ];
}
