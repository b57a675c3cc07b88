/** How a limit was found (DETECTOR 3.3). */
export interface Calibration {
  readonly limit: number;
  /** In words. */
  readonly method: string;
  readonly windows: number;
  readonly blocks: number;
  readonly quantile: number;
  readonly margin: number;
  /** Median and largest score of the unseen windows over the limit. */
  readonly medianRatio: number;
  readonly maxRatio: number;
}

const quantile = 0.98;
/**
 * The recipe's margin of 0.5 stands beside a tracking baseline. A static model meets every slow change with full weight, and on a fast grid 2 % of the blocks
 * are many in an hour, so it gets twice the small-sample margin and half as much room again. Measured on eight healthy unseen plants of 15 minutes (100 ms,
 * 32 steps): three windows in a row over the limit 0 to 6.5 times an hour with the recipe's margin alone, 0 to 1 with room 1.3, never with 1.5, and sudden faults
 * were seen at most 1.6 s later for it. On SKAB (length 10) false alarms fall from 19.0 to 6.3 % and F1 from 0.81 to 0.76.
 */
const margin = 1;
const staticRoom = 1.5;

/**
 * The limit from scores of unseen, healthy windows in order of time: the 98 % quantile of the maxima of blocks one window long, times
 * (1 + margin / √blocks): few blocks, a wider limit.
 */
export function calibrateLimit(scores: ArrayLike<number>, windowsPerBlock: number): Calibration {
  const windows = scores.length;
  const blocks = Math.max(2, Math.floor(windows / windowsPerBlock));
  const size = windows / blocks;
  const maxima = Array.from({ length: blocks }, (_, block) => {
    let largest = 0;
    for (let i = Math.floor(block * size); i < Math.floor((block + 1) * size); i++) largest = Math.max(largest, scores[i] as number);
    return largest;
  }).sort((a, b) => a - b);
  const limit = quantileOf(maxima, quantile) * (1 + margin / Math.sqrt(blocks)) * staticRoom;
  const sorted = Array.from(scores).sort((a, b) => a - b);
  return {
    limit,
    method: `98 % quantile of block maxima of unseen windows × (1 + ${margin} / √blocks) × ${staticRoom}`,
    windows,
    blocks,
    quantile,
    margin,
    medianRatio: quantileOf(sorted, 0.5) / limit,
    maxRatio: (sorted.at(-1) ?? 0) / limit,
  };
}

/** Of a sorted list, interpolated (Hyndman and Fan 1996, type 7). */
export function quantileOf(sorted: readonly number[], p: number): number {
  const at = (sorted.length - 1) * p;
  const low = sorted[Math.floor(at)] ?? 0;
  const high = sorted[Math.ceil(at)] ?? low;
  return low + (high - low) * (at - Math.floor(at));
}
