/** How a limit was found (DETECTOR 3.3). */
export interface Calibration {
  readonly limit: number;
  /** In words. */
  readonly method: string;
  readonly windows: number;
  readonly blocks: number;
  readonly quantile: number;
  readonly margin: number;
  readonly medianRatio: number;
  readonly maxRatio: number;
}

const quantile = 0.98;
/**
 * Margin over the quantile of block maxima. The recipe's 0.5 stands beside a tracking baseline; a static model meets every slow change with full
 * weight, so it gets a third more room and twice the small-sample margin.
 */
const margin = 1;
const staticRoom = 1.3;

/**
 * The limit from scores of unseen, healthy windows in order of time: the 98 % quantile of the maxima of blocks one window long, times
 * (1 + margin / √blocks): few blocks, a wider limit.
 */
export function calibrateLimit(scores: ArrayLike<number>, windowsPerBlock: number): Calibration {
  const windows = scores.length;
  const blocks = Math.max(2, Math.floor(windows / windowsPerBlock));
  const size = windows / blocks;
  const maxima = Array.from({ length: blocks }, (_, b) => {
    let largest = 0;
    for (let i = Math.floor(b * size); i < Math.floor((b + 1) * size); i++) largest = Math.max(largest, scores[i] as number);
    return largest;
  }).sort((a, b) => a - b);
  const limit = quantileOf(maxima, quantile) * (1 + margin / Math.sqrt(blocks)) * staticRoom;
  const sorted = Array.from(scores).sort((a, b) => a - b);
  return {
    limit,
    method: '98 % quantile of block maxima of unseen windows × (1 + margin / √blocks) × 1.3',
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
