import { gaussian, seededRandom } from '../../src/core/seeded-random.ts';
import { type Split, splitRuns } from '../../src/learning/split.ts';

export interface SyntheticOptions {
  readonly rows: number;
  readonly channels: number;
  readonly seed: number;
}

/**
 * A machine of three slow movements (load, heat, flow) that every channel follows in its own way, with sensor noise on top: `[rows, channels]`. The machine is
 * the same for every seed; what it goes through is not.
 */
export function syntheticRows({ rows, channels, seed }: SyntheticOptions): Float64Array {
  const follow = gaussian(seededRandom(4711));
  const ways = Float64Array.from({ length: channels * 3 }, follow);
  const normal = gaussian(seededRandom(seed));
  const movements = [0, 0, 0];
  const values = new Float64Array(rows * channels);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < 3; k++) movements[k] = 0.98 * (movements[k] as number) + 0.2 * normal();
    for (let c = 0; c < channels; c++) {
      const moved = movements.reduce((sum, movement, k) => sum + movement * (ways[c * 3 + k] as number), 0);
      values[i * channels + c] = 50 + 10 * c + (1 + c) * (moved + 0.3 * normal());
    }
  }
  return values;
}

export function syntheticSplit(options: SyntheticOptions, length: number): Split {
  const run = { file: 'synthetic', firstStep: 0, rows: options.rows, values: syntheticRows(options) };
  return splitRuns([run], options.channels, length);
}
