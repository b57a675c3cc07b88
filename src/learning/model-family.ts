import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';

/** What training may change: name and shape, in a fixed order. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * An autoencoder as training sees it. A family (linear today) makes one of these for a width; the optimizer, the minibatches and the loop are the same
 * for all. `batch` is a value `[rows, width]`: standardised, centred representations.
 */
export interface TrainableNetwork {
  readonly family: 'linear' | 'dense' | 'conv1d';
  readonly parameters: readonly Parameter[];
  /** Writes the reconstruction `[rows, width]`. */
  forward(graph: GraphBuilder, batch: Value, parameters: readonly Value[]): Value;
  /** Writes the mean square error (a scalar) and its gradient by each parameter, in their order. */
  lossAndGradients(
    graph: GraphBuilder,
    batch: Value,
    parameters: readonly Value[],
  ): { readonly loss: Value; readonly gradients: readonly Value[] };
}

export interface TrainingProgress {
  readonly epoch: number;
  readonly epochs: number;
  /** Mean square error, the mean over the epoch's minibatches. */
  readonly loss: number;
}

export interface TrainingOptions {
  readonly seed: number;
  readonly epochs: number;
  /** Adam's step at the beginning; it falls to nothing along a cosine. */
  readonly learningRate: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
}
