import { columnMeans, covariance, type Matrix, matrix, symmetricEigen } from '../matrix.ts';
import type { ModelFamily, TrainableNetwork } from './network.ts';
import { matmul } from './operators.ts';
import { type TrainingData, type TrainingOptions, trainNetwork } from './train-network.ts';

/** A bias-free linear autoencoder y = (f E) D on centred representations: encoder `[width, rank]`, decoder `[rank, width]`. */
export interface LinearWeights {
  readonly centre: Float64Array;
  readonly encoder: Float32Array;
  readonly decoder: Float32Array;
  readonly width: number;
  readonly rank: number;
}

export interface TrainedLinear {
  readonly weights: LinearWeights;
  /** Mean square error of the closed form and of what gradient steps made of it, on rows neither has seen. */
  readonly closedFormLoss: number;
  readonly unseenLoss: number;
}

const energyKept = 0.9;
/**
 * The components are the optimum of the learning rows already. What is left to gain is float rounding and the split of scale between encoder and decoder:
 * a twentieth of the recipe's step (2e-3, DETECTOR 3.2) stays there, the full one wanders off and needs its 2,500 steps to come back.
 */
const learningRate = 1e-4;

/** y = (f E) D, of the rank that holds 90 % of the variance and one more; begins at the principal components, so the seed changes nothing. */
export const linearFamily: ModelFamily = {
  name: 'linear',
  build({ channels, length, rows, values }) {
    const learning = matrix(rows, channels * length, Float64Array.from(values));
    const { rank, encoder, decoder } = principalComponents(learning, columnMeans(learning));
    return { network: linearNetwork(channels * length, rank), initial: [encoder, decoder] };
  },
};

export function linearNetwork(width: number, rank: number): TrainableNetwork {
  return {
    family: 'linear',
    width,
    parameters: [
      { name: 'encoder', shape: [width, rank], outputAxis: 1 },
      { name: 'decoder', shape: [rank, width], outputAxis: 1 },
    ],
    forward(tape, batch, [encoder, decoder]) {
      if (encoder === undefined || decoder === undefined) throw new RangeError('a linear network has an encoder and a decoder');
      return matmul(tape, matmul(tape, batch, encoder), decoder);
    },
  };
}

/**
 * Trains a linear autoencoder (DETECTOR 3.2). The rank is the smallest whose components hold 90 % of the variance of the learning rows, plus one; gradient
 * steps begin at those components. The unseen rows choose nothing: they only say how well it went, and calibrate the limit later.
 */
export async function trainLinear(
  learning: Matrix,
  unseen: Matrix,
  options: Pick<TrainingOptions, 'seed' | 'epochs' | 'signal' | 'onProgress'>,
): Promise<TrainedLinear> {
  const { columns: width, rows } = learning;
  const centre = columnMeans(learning);
  const { rank, encoder, decoder } = principalComponents(learning, centre);
  const data: TrainingData = { rows, width, values: centredRows(learning, centre) };
  const { parameters } = await trainNetwork(linearNetwork(width, rank), data, [encoder, decoder], { ...options, learningRate });
  const closedForm: LinearWeights = { centre, encoder, decoder, width, rank };
  const refined: LinearWeights = { ...closedForm, encoder: parameters[0] ?? encoder, decoder: parameters[1] ?? decoder };
  // Judged on the learning rows, so that the unseen ones stay unseen.
  const better = reconstructionError(data.values, refined) <= reconstructionError(data.values, closedForm) * 1.001;
  const weights = better ? refined : closedForm;
  const validation = centredRows(unseen, centre);
  return { weights, closedFormLoss: reconstructionError(validation, closedForm), unseenLoss: reconstructionError(validation, weights) };
}
/** The closed form: the first right singular vectors, by the covariance's eigenvectors. */
export function principalComponents(
  learning: Matrix,
  centre: Float64Array,
): { rank: number; encoder: Float32Array; decoder: Float32Array } {
  const width = learning.columns;
  const { values, vectors } = symmetricEigen(covariance(learning, centre));
  const rank = rankOf(values);
  const encoder = new Float32Array(width * rank);
  const decoder = new Float32Array(rank * width);
  for (let i = 0; i < width; i++) {
    for (let k = 0; k < rank; k++) {
      const component = vectors.values[i * width + k] as number;
      encoder[i * rank + k] = component;
      decoder[k * width + i] = component;
    }
  }
  return { rank, encoder, decoder };
}

function rankOf(eigenvalues: Float64Array): number {
  const total = eigenvalues.reduce((sum, value) => sum + value, 0);
  let kept = 0;
  let rank = 0;
  while (rank < eigenvalues.length && kept < energyKept * total) kept += eigenvalues[rank++] as number;
  return Math.max(1, Math.min(rank + 1, eigenvalues.length - 1));
}

export const centredRows = ({ values, columns }: Matrix, centre: Float64Array): Float32Array =>
  Float32Array.from(values, (value, at) => value - (centre[at % columns] as number));

/** Mean square of f − (f E) D over all elements of `[rows, width]`. */
export function reconstructionError(rows: Float32Array, { encoder, decoder, width, rank }: LinearWeights): number {
  const code = new Float64Array(rank);
  let sum = 0;
  for (let from = 0; from < rows.length; from += width) {
    code.fill(0);
    for (let j = 0; j < width; j++) {
      const value = rows[from + j] as number;
      for (let k = 0; k < rank; k++) code[k] = (code[k] as number) + value * (encoder[j * rank + k] as number);
    }
    for (let j = 0; j < width; j++) {
      let y = 0;
      for (let k = 0; k < rank; k++) y += (code[k] as number) * (decoder[k * width + j] as number);
      sum += ((rows[from + j] as number) - y) ** 2;
    }
  }
  return sum / rows.length;
}
