import { type Matrix, matrix } from './matrix.ts';

/**
 * How a window enters the linear model: each standardised channel as the means of at most ten stretches of whole steps (`blocks`, as equal as they
 * can be), channel-major, `[channels · blocks]`. Short windows are taken as they are. Ten values a channel carry what the recipe's windows carry
 * (DETECTOR 3.2: W ≤ 10), and the means take the sensor noise of long windows out, while level, trend and slow change stay.
 */
export interface Representation {
  readonly length: number;
  readonly channels: number;
  readonly blocks: number;
  /** `[length, blocks]`: column b has 1 / (steps of b) over the steps of block b. */
  readonly pooling: Matrix;
  /** Blocks at the end of the window that people are shown: about its last quarter. */
  readonly explainBlocks: number;
  /** The steps of those blocks, and each block's share of them. */
  readonly explainSteps: number;
  readonly explainShares: readonly number[];
}

const mostBlocks = 10;

export function representationOf(length: number, channels: number): Representation {
  const blocks = Math.min(length, mostBlocks);
  const pooling = matrix(length, blocks);
  const border = (block: number): number => Math.round((block * length) / blocks);
  const steps = (block: number): number => border(block + 1) - border(block);
  for (let b = 0; b < blocks; b++) for (let s = border(b); s < border(b + 1); s++) pooling.values[s * blocks + b] = 1 / steps(b);
  const explainBlocks = Math.max(1, Math.round(blocks / 4));
  const explainSteps = length - border(blocks - explainBlocks);
  const explainShares = Array.from({ length: explainBlocks }, (_, i) => steps(blocks - explainBlocks + i) / explainSteps);
  return { length, channels, blocks, pooling, explainBlocks, explainSteps, explainShares };
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
  const width = channels * blocks;
  const result = matrix(offsets.length, width);
  const blockOf = Int32Array.from({ length }, (_, s) =>
    pooling.values.subarray(s * blocks, (s + 1) * blocks).findIndex((share) => share > 0),
  );
  offsets.forEach((offset, w) => {
    for (let s = 0; s < length; s++) {
      const block = blockOf[s] as number;
      const share = pooling.values[s * blocks + block] as number;
      for (let c = 0; c < channels; c++) {
        const z = ((rows[offset + s * channels + c] as number) - (mean[c] as number)) / (deviation[c] as number);
        const at = w * width + c * blocks + block;
        result.values[at] = (result.values[at] as number) + share * z;
      }
    }
  });
  return result;
}
