import type { DetectorParameters } from '../../core/detector.ts';
import { weightOf } from '../../detector/half-life.ts';
import { blockMaxima, quantileOf } from '../../detector/limit.ts';
import { columnMeans, covariance, type Matrix, matrix, solveSymmetric } from '../matrix.ts';
import type { TrackedRows } from './tracked-rows.ts';

/** Fewer rows cannot tell drift from a slow fault, whatever the limit (detector study 2, section 1). */
const fewestRows = 1_800;
const halfLifeShares = [1 / 90, 1 / 22] as const;
const shortestHalfLife = 8;
const shrinkage = 0.1;
const floor = 0.01;
const quantile = 0.98;
const margin = 0.5;
/** The learning rows judge themselves here, which flatters: half as much room again. */
const room = 1.5;

/** The slow-change companion from the learning rows, at two time scales; null where they are too few. */
export function slowReference({ rows, channels, standardized }: TrackedRows): DetectorParameters['slow'] {
  if (rows < fewestRows) return null;
  return {
    learningRows: rows,
    scales: halfLifeShares.map((share) => scaleOf(standardized, rows, channels, Math.max(shortestHalfLife, rows * share))),
  };
}

function scaleOf(
  z: Float64Array<ArrayBuffer>,
  rows: number,
  channels: number,
  halfLife: number,
): NonNullable<DetectorParameters['slow']>['scales'][number] {
  const means = slowMeans(z, rows, channels, halfLife);
  const dropped = Math.floor(Math.min(2 * halfLife, rows / 4));
  const left = matrix(rows - dropped, channels, means.subarray(dropped * channels));
  const reference = columnMeans(left);
  const contrast = contrastOf(left, reference);
  const E = errorsOf(left, reference, contrast);
  const lag = Math.floor(rows / 6);
  const variance: number[] = [];
  const diffusion: number[] = [];
  const slope: number[] = [];
  for (let c = 0; c < channels; c++) {
    const column = Float64Array.from({ length: left.rows }, (_, i) => E.values[i * channels + c] as number);
    let weights = 0;
    for (let j = 0; j < channels; j++) weights += (contrast.values[c * channels + j] as number) ** 2;
    variance.push(column.reduce((sum, value) => sum + value * value, 0) / left.rows + floor * weights);
    let steps = 0;
    for (let i = lag; i < left.rows; i++) steps += ((column[i] as number) - (column[i - lag] as number)) ** 2;
    diffusion.push(steps / Math.max(1, left.rows - lag) / lag);
    slope.push(slopeOf(column) ** 2);
  }
  const largest = Float64Array.from({ length: left.rows }, (_, i) => {
    let most = 0;
    for (let c = 0; c < channels; c++)
      most = Math.max(most, Math.abs(E.values[i * channels + c] as number) / Math.sqrt(variance[c] as number));
    return most;
  });
  const blocks = Math.max(2, Math.floor(left.rows / (5 * halfLife)));
  const limit = quantileOf(blockMaxima(largest, blocks), quantile) * (1 + margin / Math.sqrt(blocks)) * room;
  return {
    halfLifeRows: halfLife,
    reference: [...reference],
    mean: [...means.subarray((rows - 1) * channels)],
    contrast: [...contrast.values],
    variance,
    diffusion,
    slope,
    limit,
  };
}

function slowMeans(z: Float64Array<ArrayBuffer>, rows: number, channels: number, halfLife: number): Float64Array<ArrayBuffer> {
  const weight = weightOf(halfLife);
  const means = new Float64Array(rows * channels);
  const first = Math.min(rows, Math.max(1, Math.floor(halfLife)));
  const mean = columnMeans(matrix(first, channels, z.subarray(0, first * channels)));
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < channels; c++) {
      mean[c] = (mean[c] as number) + weight * ((z[i * channels + c] as number) - (mean[c] as number));
      means[i * channels + c] = mean[c] as number;
    }
  }
  return means;
}

/** Rows of the shrunk inverse covariance over its diagonal: a channel minus its ridge prediction from the others. */
function contrastOf(means: Matrix, reference: Float64Array): Matrix {
  const n = means.columns;
  const shrunk = covariance(means, reference);
  for (let c = 0; c < n; c++) shrunk.values[c * n + c] = (shrunk.values[c * n + c] as number) * (1 + shrinkage) + floor;
  const identity = matrix(n, n);
  for (let c = 0; c < n; c++) identity.values[c * n + c] = 1;
  const inverse = solveSymmetric(shrunk, identity);
  return matrix(
    n,
    n,
    inverse.values.map((value, at) => value / (inverse.values[Math.floor(at / n) * n + Math.floor(at / n)] as number)),
  );
}

function errorsOf(means: Matrix, reference: Float64Array, contrast: Matrix): Matrix {
  const n = means.columns;
  const errors = matrix(means.rows, n);
  for (let i = 0; i < means.rows; i++) {
    for (let c = 0; c < n; c++) {
      let error = 0;
      for (let j = 0; j < n; j++)
        error += (contrast.values[c * n + j] as number) * ((means.values[i * n + j] as number) - (reference[j] as number));
      errors.values[i * n + c] = error;
    }
  }
  return errors;
}

/** Least squares over the row number. */
function slopeOf(values: Float64Array): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let covariance = 0;
  let variance = 0;
  values.forEach((value, i) => {
    covariance += (i - middle) * (value - mean);
    variance += (i - middle) ** 2;
  });
  return variance === 0 ? 0 : covariance / variance;
}
