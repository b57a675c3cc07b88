import type { Matrix } from './matrix.ts';

export interface TrainingProgress {
  readonly epoch: number;
  readonly epochs: number;
  /** Of the last minibatch. */
  readonly loss: number;
  readonly unseenLoss: number;
}

export interface TrainingOptions {
  readonly seed: number;
  readonly epochs: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

export interface Trained<Weights> {
  readonly weights: Weights;
  /** Mean square error on rows the weights have not seen. */
  readonly unseenLoss: number;
  /** The same before the first gradient step. */
  readonly initialLoss: number;
}

/** A kind of autoencoder. `learning` and `unseen` are `[windows, width]`: standardised representations. */
export interface ModelFamily<Weights> {
  readonly name: 'linear' | 'dense' | 'conv1d';
  /** Seeded and reproducible: same data, same seed, same weights. Rejects with the signal's reason. */
  train(learning: Matrix, unseen: Matrix, options: TrainingOptions): Promise<Trained<Weights>>;
}
