import { columnMeans, covariance, type Matrix, matrix, solveSymmetric } from '../matrix.ts';

const blockRows = 30;
const fewestBlocks = 4;
/** Of the noise that a mean of so many rows keeps. */
const noiseShare = 0.5;
const floor = 1e-6;

/**
 * How far a baseline follows what departs from it, `[channels, channels]`, from standardized rows `[rows, channels]` and where their runs begin: S (S + N)⁻¹ with S the covariance
 * of block means and N, diagonal, the noise in them (a Wiener gain; detector study 2, section 2). Channels that never moved slowly hold still, and those that move together
 * are followed together. N is diagonal so that any part of the gain is as stable as the whole: its eigenvalues lie in 0 … 1 whichever channels are held.
 * Null where the rows are too few to say.
 */
export function trackingGain(standardized: Float64Array, starts: readonly number[], rows: number, channels: number): number[] | null {
  const means: number[] = [];
  const noise = new Float64Array(channels);
  starts.forEach((start, run) => {
    const end = starts[run + 1] ?? rows;
    for (let from = start; from + blockRows <= end; from += blockRows) {
      const block = matrix(blockRows, channels, standardized.slice(from * channels, (from + blockRows) * channels));
      const mean = columnMeans(block);
      means.push(...mean);
      for (let at = 0; at < block.values.length; at++) {
        const c = at % channels;
        noise[c] = (noise[c] as number) + ((block.values[at] as number) - (mean[c] as number)) ** 2 / (blockRows - 1) / blockRows;
      }
    }
  });
  const blocks = means.length / channels;
  if (blocks < fewestBlocks) return null;
  const all: Matrix = matrix(blocks, channels, Float64Array.from(means));
  const slow = covariance(all, columnMeans(all));
  const sum = matrix(channels, channels, slow.values.slice());
  for (let c = 0; c < channels; c++) {
    const at = c * (channels + 1);
    sum.values[at] = (sum.values[at] as number) + noiseShare * ((noise[c] as number) / blocks + floor);
  }
  // S (S + N)⁻¹ is the transpose of (S + N)⁻¹ S.
  const transposed = solveSymmetric(sum, slow).values;
  return Array.from(transposed, (_, at) => transposed[(at % channels) * channels + Math.floor(at / channels)] as number);
}
