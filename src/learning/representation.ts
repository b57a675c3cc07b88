import { type Matrix, matrix } from './matrix.ts';

/**
 * How a window enters the linear model: each standardised channel as the means of at most ten equal stretches (`blocks`), channel-major, `[channels · blocks]`.
 * Short windows are taken as they are. Ten values a channel carry what the recipe's windows carry (DETECTOR 3.2: W ≤ 10), and the means take the
 * sensor noise of long windows out, while level, trend and slow change stay.
 */
export interface Representation {
  readonly length: number;
  readonly channels: number;
  readonly blocks: number;
  /** `[length, blocks]`: column b has 1 / (length / blocks) over the steps of block b. */
  readonly pooling: Matrix;
  /** Blocks at the end of the window that people are shown: about its last quarter. */
  readonly explainBlocks: number;
  readonly explainSteps: number;
}

const mostBlocks = 10;

export function representationOf(length: number, channels: number): Representation {
  const blocks = Math.min(length, mostBlocks);
  const pooling = matrix(length, blocks);
  const width = length / blocks;
  for (let b = 0; b < blocks; b++) {
    const from = b * width;
    const to = from + width;
    // A step that lies across the border of two blocks counts for each by its share.
    for (let s = Math.floor(from); s < Math.ceil(to); s++) {
      pooling.values[s * blocks + b] = (Math.min(s + 1, to) - Math.max(s, from)) / width;
    }
  }
  const explainBlocks = Math.max(1, Math.round(blocks / 4));
  return { length, channels, blocks, pooling, explainBlocks, explainSteps: Math.max(1, Math.round(explainBlocks * width)) };
}

/** Windows (as given by `offsets`, the first value of each in `rows`) → `[windows, channels · blocks]`, standardised, not centred. */
export function represent(
  rows: Float64Array,
  offsets: readonly number[],
  of: Representation,
  mean: Float64Array,
  deviation: Float64Array,
): Matrix {
  const { length, channels, blocks, pooling } = of;
  const result = matrix(offsets.length, channels * blocks);
  offsets.forEach((offset, w) => {
    for (let s = 0; s < length; s++) {
      for (let c = 0; c < channels; c++) {
        const z = ((rows[offset + s * channels + c] as number) - (mean[c] as number)) / (deviation[c] as number);
        for (let b = 0; b < blocks; b++) {
          const share = pooling.values[s * blocks + b] as number;
          if (share === 0) continue;
          const at = w * channels * blocks + c * blocks + b;
          result.values[at] = (result.values[at] as number) + share * z;
        }
      }
    }
  });
  return result;
}
