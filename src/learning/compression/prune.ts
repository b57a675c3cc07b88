import { type Matrix, matrix, solveSymmetric } from '../matrix.ts';
import { codesOf, fitDecoder } from '../quantize.ts';
import type { LinearWeights } from '../training/linear-family.ts';
import { forward } from './forward.ts';
import type { FloatLayer } from './layers.ts';

/**
 * Structured, of a linear autoencoder: the components that hold the least variance leave, a share stays (one at least). Nothing is left to tune: what stays of principal components is the best
 * of its rank (Eckart and Young 1936).
 */
export function fewerComponents({ centre, encoder, decoder, width, rank }: LinearWeights, share: number): LinearWeights {
  const kept = Math.max(1, Math.round(rank * share));
  return {
    centre,
    width,
    rank: kept,
    encoder: Float32Array.from({ length: width * kept }, (_, at) => encoder[Math.floor(at / kept) * rank + (at % kept)] as number),
    decoder: decoder.slice(0, kept * width),
  };
}

/**
 * Magnitude: the smallest weights become 0, `zeros` of each matrix. The decoder is fitted to what the thinned encoder gives (`rows`: centred learning rows, `[rows, width]`), thinned, and what is left of it
 * fitted once more. The file stays as large as it was: only what packs or skips zeros gains.
 */
export function smallestToZero(weights: LinearWeights, zeros: number, rows: Float32Array): LinearWeights {
  const { width, rank } = weights;
  const encoder = thinnedOut(weights.encoder, zeros);
  const learning = matrix(rows.length / width, width, Float64Array.from(rows));
  const code = codesOf(learning, encoder, rank);
  const fitted = fitDecoder(code, learning);
  const decoder = thinnedOut(fitted === undefined ? weights.decoder : Float32Array.from(fitted), zeros);
  const [inputs, targets] = [products(code, code), products(code, learning)];
  for (let j = 0; j < width; j++) {
    const left = Array.from({ length: rank }, (_, k) => k).filter((k) => decoder[k * width + j] !== 0);
    if (left.length === 0) continue;
    const square = matrix(
      left.length,
      left.length,
      Float64Array.from(left.flatMap((k) => left.map((l) => (inputs.values[k * rank + l] as number) * (k === l ? 1 + 1e-6 : 1)))),
    );
    const column = matrix(
      left.length,
      1,
      Float64Array.from(left, (k) => targets.values[k * width + j] as number),
    );
    const { values } = solveSymmetric(square, column);
    left.forEach((k, i) => {
      decoder[k * width + j] = values[i] as number;
    });
  }
  return { ...weights, encoder, decoder };
}

/** aᵀ b */
function products(a: Matrix, b: Matrix): Matrix {
  const result = matrix(a.columns, b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.columns; k++) {
      const value = a.values[i * a.columns + k] as number;
      for (let j = 0; j < b.columns; j++)
        result.values[k * b.columns + j] = (result.values[k * b.columns + j] as number) + value * (b.values[i * b.columns + j] as number);
    }
  }
  return result;
}

function thinnedOut(values: Float32Array, zeros: number): Float32Array {
  const sizes = values.map(Math.abs).sort();
  const border = sizes[Math.min(sizes.length - 1, Math.floor(zeros * sizes.length))] as number;
  return values.map((value) => (Math.abs(value) < border ? 0 : value));
}

export const shareOfZeros = (matrices: readonly ArrayLike<number>[]): number => {
  const values = matrices.flatMap((values) => Array.from(values));
  return values.filter((value) => value === 0).length / Math.max(1, values.length);
};

/**
 * Structured, of a network of several layers: in each hidden layer the units with the least effect leave (root mean square of what they send on: activation times the length of their outgoing
 * weights), a share stays. The rest wants tuning.
 */
export function fewerUnits(layers: readonly FloatLayer[], share: number, rows: Matrix): FloatLayer[] {
  const activations = forward(layers, rows);
  const kept = layers.slice(0, -1).map(({ outputs }, l) => {
    const next = layers[l + 1] as FloatLayer;
    const effect = effectOf(activations[l] as Matrix, next);
    return Array.from(effect.keys())
      .sort((a, b) => (effect[b] as number) - (effect[a] as number))
      .slice(0, Math.max(1, Math.round(outputs * share)))
      .sort((a, b) => a - b);
  });
  return layers.map((layer, l): FloatLayer => {
    const from = kept[l - 1] ?? Array.from({ length: layer.inputs }, (_, i) => i);
    const to = kept[l] ?? Array.from({ length: layer.outputs }, (_, i) => i);
    const weights = Float32Array.from(
      { length: from.length * to.length },
      (_, at) => layer.weights[(from[Math.floor(at / to.length)] as number) * layer.outputs + (to[at % to.length] as number)] as number,
    );
    return { ...layer, inputs: from.length, outputs: to.length, weights };
  });
}

function effectOf({ rows, columns, values }: Matrix, next: FloatLayer): Float64Array {
  const effect = new Float64Array(columns);
  values.forEach((value, at) => {
    effect[at % columns] = (effect[at % columns] as number) + (value * value) / rows;
  });
  return effect.map((square, unit) => {
    const outgoing = next.weights.subarray(unit * next.outputs, (unit + 1) * next.outputs);
    return Math.sqrt(square * outgoing.reduce((sum, weight) => sum + weight * weight, 0));
  });
}
