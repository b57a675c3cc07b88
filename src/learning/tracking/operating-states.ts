import type { History, HistoryRun } from './history.ts';

/** A value a channel stays above while the machine runs, and below while it stands still. */
export interface RunningThreshold {
  readonly channel: string;
  readonly above: number;
}

/** Ways of running that a history shows without anybody having named them. */
export interface OperatingStates {
  /** `off`: the lower one is near nothing; `idle`: it is a second way of running. */
  readonly lower: 'off' | 'idle';
  /** Any one of them above its threshold means running (off) or load (idle). */
  readonly thresholds: readonly RunningThreshold[];
  /** Of the rows, in the lower state. */
  readonly share: number;
  /** Times it went from one to the other. */
  readonly changes: number;
}

const mostValues = 20_000;
/** Distance of the two means over their pooled deviation (Ashman, Bird and Zepf 1994): 2 tells two humps apart; states of a machine lie further apart than drift and noise take it. */
const fewestDeviations = 6;
const leastShare = 0.02;
/** A state lasts: this many rows on average at least, and it is seen to come and to go. */
const fewestRowsAState = 30;
const fewestChanges = 2;
/** The level of "off" over that of running. */
const nearNothing = 0.1;
/** Channels are of one mind in this share of the rows, or they do not tell the same. */
const agreement = 0.95;

/** Names that an expression can hold. */
const sayable = /^(?!(?:true|false|null|in)$)(?:[\p{L}_][\p{L}\p{N}_]*|[\p{L}_][\p{L}\p{N}_.-]*(?:\/[\p{L}\p{N}_.-]+)+)$/u;

interface Split {
  readonly column: number;
  readonly above: number;
  readonly lowMean: number;
  readonly highMean: number;
  readonly apart: number;
}

/**
 * Whether a machine that nobody gave a run signal shows two distinct ways of running: in channels whose values lie in two heaps far from each other (threshold by Otsu 1979), visited in turns and for a while. Undefined where it does not.
 */
export function operatingStates({ channels, runs }: History): OperatingStates | undefined {
  const width = channels.length;
  const splits = channels
    .map((channel, column) => (sayable.test(channel) ? splitOf(valuesOf(runs, width, column), column) : undefined))
    .filter((split): split is Split => split !== undefined)
    .filter((split) => lasts(runs, width, split))
    .sort((a, b) => b.apart - a.apart);
  const falls = splits.filter(({ lowMean, highMean }) => highMean > 0 && Math.abs(lowMean) < nearNothing * highMean);
  const [best] = falls.length > 0 ? falls : splits;
  if (best === undefined) return undefined;
  const together = falls.length > 0 ? falls.filter((split) => split === best || agree(runs, width, best, split)) : [best];
  const { share, changes } = visits(runs, width, best);
  return {
    lower: falls.length > 0 ? 'off' : 'idle',
    thresholds: together.map(({ column, above }) => ({ channel: channels[column] as string, above })),
    share,
    changes,
  };
}

/** The rows in which it ran and had settled. */
export function runningOnly(history: History, { thresholds }: Pick<OperatingStates, 'thresholds'>, settleRows: number): History {
  const width = history.channels.length;
  const columns = thresholds.map(({ channel, above }) => ({ column: history.channels.indexOf(channel), above }));
  const runs: HistoryRun[] = [];
  for (const { rows, values, startMs = 0 } of history.runs) {
    let begun = -1;
    for (let row = 0; row <= rows; row++) {
      const moving = row < rows && columns.some(({ column, above }) => (values[row * width + column] as number) > above);
      if (moving && begun < 0) begun = row;
      if (moving || begun < 0) continue;
      // A history may begin while the machine runs; only a start needs to settle.
      const from = begun === 0 ? 0 : begun + settleRows;
      if (row > from)
        runs.push({ rows: row - from, values: values.slice(from * width, row * width), startMs: startMs + from * history.stepMs });
      begun = -1;
    }
  }
  return { ...history, runs };
}

/** As `running.when` takes it. */
export const runningExpression = ({ thresholds }: Pick<OperatingStates, 'thresholds'>): string =>
  thresholds.map(({ channel, above }) => `${channel} > ${Number(above.toPrecision(4))}`).join(' || ');

function valuesOf(runs: readonly HistoryRun[], width: number, column: number): Float64Array {
  const rows = runs.reduce((sum, run) => sum + run.rows, 0);
  const every = Math.max(1, Math.ceil(rows / mostValues));
  const values: number[] = [];
  let at = 0;
  for (const run of runs) {
    for (let row = 0; row < run.rows; row++) {
      if (at++ % every !== 0) continue;
      const value = run.values[row * width + column] as number;
      if (Number.isFinite(value)) values.push(value);
    }
  }
  return Float64Array.from(values).sort();
}

/** Sorted values → the cut with the largest variance between the two sides, if they are two heaps. */
function splitOf(sorted: Float64Array, column: number): Split | undefined {
  const count = sorted.length;
  const least = Math.ceil(leastShare * count);
  if (least < 2) return undefined;
  const total = sorted.reduce((sum, value) => sum + value, 0);
  let below = 0;
  let best = -1;
  let cut = 0;
  for (let i = 0; i < count - 1; i++) {
    below += sorted[i] as number;
    const n = i + 1;
    if (n < least || count - n < least || sorted[i] === sorted[i + 1]) continue;
    const between = n * (count - n) * (below / n - (total - below) / (count - n)) ** 2;
    if (between > best) {
      best = between;
      cut = n;
    }
  }
  if (cut === 0) return undefined;
  const low = moments(sorted.subarray(0, cut));
  const high = moments(sorted.subarray(cut));
  const apart = (Math.SQRT2 * (high.mean - low.mean)) / (Math.hypot(low.deviation, high.deviation) || 1e-12);
  if (apart < fewestDeviations) return undefined;
  // In the middle of what lies between nearly all of the one and nearly all of the other: a start passes through it.
  const lowEnd = sorted[Math.floor(0.98 * (cut - 1))] as number;
  const highEnd = sorted[cut + Math.ceil(0.02 * (count - cut - 1))] as number;
  return { column, above: (lowEnd + highEnd) / 2, lowMean: low.mean, highMean: high.mean, apart };
}

function moments(values: Float64Array): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
}

function visits(runs: readonly HistoryRun[], width: number, { column, above }: Split): { share: number; changes: number; rows: number } {
  let low = 0;
  let rows = 0;
  let changes = 0;
  let was: boolean | undefined;
  for (const run of runs) {
    for (let row = 0; row < run.rows; row++) {
      const value = run.values[row * width + column] as number;
      if (!Number.isFinite(value)) continue;
      const is = value > above;
      rows++;
      if (!is) low++;
      if (was !== undefined && was !== is) changes++;
      was = is;
    }
  }
  return { share: low / rows, changes, rows };
}

function lasts(runs: readonly HistoryRun[], width: number, split: Split): boolean {
  const { changes, rows } = visits(runs, width, split);
  return changes >= fewestChanges && rows >= fewestRowsAState * (changes + 1);
}

function agree(runs: readonly HistoryRun[], width: number, a: Split, b: Split): boolean {
  let same = 0;
  let rows = 0;
  for (const run of runs) {
    for (let row = 0; row < run.rows; row++) {
      const [x, y] = [run.values[row * width + a.column] as number, run.values[row * width + b.column] as number];
      if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
      rows++;
      if (x > a.above === y > b.above) same++;
    }
  }
  return same >= agreement * rows;
}
