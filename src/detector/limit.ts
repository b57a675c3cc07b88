import { weightOf } from './half-life.ts';

/** Of a sorted list, interpolated (Hyndman and Fan 1996, type 7). */
export function quantileOf(sorted: ArrayLike<number>, p: number): number {
  const at = (sorted.length - 1) * p;
  const low = sorted[Math.floor(at)] ?? 0;
  const high = sorted[Math.ceil(at)] ?? low;
  return low + (high - low) * (at - Math.floor(at));
}

/** The largest of each of `blocks` equal stretches, in rising order. */
export function blockMaxima(values: ArrayLike<number>, blocks: number): Float64Array {
  const size = values.length / blocks;
  return Float64Array.from({ length: blocks }, (_, block) => {
    let largest = 0;
    for (let i = Math.floor(block * size); i < Math.floor((block + 1) * size); i++) largest = Math.max(largest, values[i] as number);
    return largest;
  }).sort();
}

/** The last `size` values; their median is what is judged: one odd row is not an event. */
export class RunningMedian {
  readonly #size: number;
  #values: number[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  add(value: number): number {
    this.#values.push(value);
    if (this.#values.length > this.#size) this.#values.shift();
    const sorted = [...this.#values].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
  }

  clear(): void {
    this.#values = [];
  }

  save(): number[] {
    return [...this.#values];
  }

  restore(values: readonly number[]): void {
    this.#values = [...values];
  }
}

const smallest = 1e-12;

/** Shares of the networks' score and of the window's mean in the score. */
export interface LevelShares {
  readonly networks: number;
  readonly mean: number;
}

export interface PartsShape {
  /** Blocks: networks and, with `levels`, the lane of levels as the last. */
  readonly members: number;
  readonly channels: number;
  /** Elements of the window a channel has. */
  readonly length: number;
  readonly levels: LevelShares | null;
}

/**
 * Score of a window from its parts `[members, channels]`: the geometric mean over the networks of the mean squared weighted residual (DETECTOR 3.2), over the
 * channels that `masked` (0: in) leaves; with a lane of levels, the weighted sum of that and of its mean square.
 */
export function scoreOf(
  parts: ArrayLike<number>,
  from: number,
  { members, channels, length, levels }: PartsShape,
  masked?: Uint8Array,
): number {
  const networks = levels === null ? members : members - 1;
  let sum = 0;
  let kept = 0;
  for (let c = 0; c < channels; c++) if (masked === undefined || masked[c] === 0) kept++;
  const meanOf = (m: number): number => {
    let squares = 0;
    for (let c = 0; c < channels; c++) if (masked === undefined || masked[c] === 0) squares += parts[from + m * channels + c] as number;
    return squares / (kept * length);
  };
  for (let m = 0; m < networks; m++) sum += Math.log(meanOf(m) + smallest);
  const score = Math.exp(sum / networks);
  return levels === null ? score : levels.networks * score + levels.mean * meanOf(networks);
}

export interface Limit {
  readonly limit: number;
  /** Mean of ln(score) on the same windows. */
  readonly level: number;
  readonly blocks: number;
  /** Running medians of the score, in order. */
  readonly scores: Float64Array;
}

export interface LimitRule {
  readonly quantile: number;
  readonly margin: number;
  readonly room: number;
}

/**
 * The limit from unseen healthy windows in order of time: a quantile of the maxima of blocks one window long, times (1 + margin / √blocks) (DETECTOR 3.3): few
 * blocks, a wider limit.
 */
export function limitOf(raw: ArrayLike<number>, windowRows: number, median: number, rule: LimitRule): Limit {
  const running = new RunningMedian(median);
  const scores = Float64Array.from(raw, (value) => running.add(value));
  const blocks = Math.max(2, Math.floor(scores.length / windowRows));
  const maxima = blockMaxima(scores, blocks);
  const limit = quantileOf(maxima, rule.quantile) * (1 + rule.margin / Math.sqrt(blocks)) * rule.room;
  const level = scores.reduce((sum, value) => sum + Math.log(value), 0) / scores.length;
  return { limit, level, blocks, scores };
}

/** Of the mean's own deviation, and how much more where few blocks say little of how far it strays. */
const sustainedDeviations = 4;
const sustainedMargin = 8;
/** A tenth more than ever is no fault, however still the score stood. */
const leastRise = 0.1;

/** How far a mean of ln(score) over `halfLifeRows` may stand above its level when an alarm ends: 4 of its deviations behind the limit × (1 + 8 / √blocks). */
export function sustainedLimit({ scores, level, blocks }: Limit, halfLifeRows: number): number {
  const weight = weightOf(halfLifeRows);
  let mean = 0;
  let squares = 0;
  for (const score of scores) {
    mean += weight * (Math.log(score) - level - mean);
    squares += (mean * mean) / scores.length;
  }
  return Math.max(leastRise, sustainedDeviations * Math.sqrt(squares) * (1 + sustainedMargin / Math.sqrt(blocks)));
}
