import { quantileOf } from '../../detector/limit.ts';
import { covariance, type Matrix, matrix, symmetricEigen } from '../matrix.ts';
import type { LevelLane } from './tracking-graph.ts';

/** Of the joined score, where both stand as high as they seldom do. */
const share = 0.3;
const seldom = 0.9;
const shrinkage = 0.1;
const floor = 1e-4;

/**
 * The lane of levels from learning windows `[windows, length · channels]` (standardized residuals, step after step, `centre` their mean) and the networks' score of
 * each: a shrunk Mahalanobis distance of the window's mean (detector study 2, section 5).
 */
export function levelLane(windows: Matrix, centre: Float64Array, channels: number, scores: Float32Array): LevelLane {
  const length = windows.columns / channels;
  const means = matrix(windows.rows, channels);
  for (let w = 0; w < windows.rows; w++) {
    for (let at = 0; at < windows.columns; at++) {
      const to = w * channels + (at % channels);
      means.values[to] =
        (means.values[to] as number) + ((windows.values[w * windows.columns + at] as number) - (centre[at] as number)) / length;
    }
  }
  const middle = Float64Array.from({ length: channels }, (_, c) => quantileOf(columnOf(means, c).sort(), 0.5));
  const whitening = whiteningOf(means, middle);
  const distances = Float64Array.from({ length: means.rows }, (_, w) => {
    let squares = 0;
    for (let k = 0; k < channels; k++) {
      let white = 0;
      for (let c = 0; c < channels; c++)
        white += ((means.values[w * channels + c] as number) - (middle[c] as number)) * (whitening[c * channels + k] as number);
      squares += white * white;
    }
    return squares / channels;
  });
  return {
    centre: middle,
    whitening,
    networks: (1 - share) / quantileOf(Float64Array.from(scores).sort(), seldom),
    mean: share / quantileOf(distances.sort(), seldom),
  };
}

const columnOf = ({ rows, columns, values }: Matrix, c: number): Float64Array =>
  Float64Array.from({ length: rows }, (_, row) => values[row * columns + c] as number);

/** The symmetric inverse square root: each of its outputs belongs to a channel. */
function whiteningOf(means: Matrix, middle: Float64Array): Float64Array {
  const n = means.columns;
  const shrunk = covariance(means, middle);
  for (let a = 0; a < n; a++) {
    for (let b = 0; b < n; b++) if (a !== b) shrunk.values[a * n + b] = (shrunk.values[a * n + b] as number) * (1 - shrinkage);
    shrunk.values[a * n + a] = (shrunk.values[a * n + a] as number) + floor;
  }
  const { values, vectors } = symmetricEigen(shrunk);
  const whitening = new Float64Array(n * n);
  for (let a = 0; a < n; a++) {
    for (let b = 0; b < n; b++) {
      let sum = 0;
      for (let k = 0; k < n; k++)
        sum +=
          ((vectors.values[a * n + k] as number) * (vectors.values[b * n + k] as number)) /
          Math.sqrt(Math.max(floor / 2, values[k] as number));
      whitening[a * n + b] = sum;
    }
  }
  return whitening;
}
