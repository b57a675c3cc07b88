import { columnMeans, covariance, type Matrix, symmetricEigen } from './matrix.ts';
import type { TrainableNetwork, TrainingOptions } from './model-family.ts';
import { type TrainingData, trainNetwork } from './train-network.ts';

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

/** y = (f E) D. With Y − F the error, G = 2 (Y − F) / elements: dD = (F E)ᵀ G, dE = Fᵀ (G Dᵀ). */
export function linearNetwork(width: number, rank: number): TrainableNetwork {
  return {
    family: 'linear',
    parameters: [
      { name: 'encoder', shape: [width, rank] },
      { name: 'decoder', shape: [rank, width] },
    ],
    forward: (graph, batch, [encoder = '', decoder = '']) => graph.matmul(graph.matmul(batch, encoder), decoder),
    lossAndGradients(graph, batch, [encoder = '', decoder = '']) {
      const code = graph.matmul(batch, encoder);
      const error = graph.subtract(graph.matmul(code, decoder), batch);
      const squared = graph.multiply(error, error);
      const elements = graph.op('Cast', [graph.op('Size', [squared])], { to: 1 });
      const G = graph.divide(graph.multiply(error, graph.scalar(2)), elements);
      const byDecoder = graph.matmul(graph.transpose(code, [1, 0]), G);
      const byEncoder = graph.matmul(graph.transpose(batch, [1, 0]), graph.matmul(G, graph.transpose(decoder, [1, 0])));
      return { loss: graph.op('ReduceMean', [squared], { keepdims: 0 }), gradients: [byEncoder, byDecoder] };
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
  options: Omit<TrainingOptions, 'learningRate'>,
): Promise<TrainedLinear> {
  const { columns: width, rows } = learning;
  const centre = columnMeans(learning);
  const { rank, encoder, decoder } = principalComponents(learning, centre);
  const data: TrainingData = { rows, width, values: centredRows(learning, centre) };
  const trained = await trainNetwork(linearNetwork(width, rank), data, [encoder, decoder], { ...options, learningRate });
  const closedForm: LinearWeights = { centre, encoder, decoder, width, rank };
  const refined: LinearWeights = { ...closedForm, encoder: trained[0] ?? encoder, decoder: trained[1] ?? decoder };
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
