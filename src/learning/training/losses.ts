import { meanSquare, subtract } from './operators.ts';
import type { Tape, Tensor } from './tape.ts';

/** What is made smaller: a scalar from what a network gives and what it should give, both `[batch, width]`. */
export type Loss = (tape: Tape, output: Tensor, target: Tensor) => Tensor;

/**
 * Mean over all elements of (output − target)². With the batch itself as target it is the reconstruction error of an autoencoder; with a teacher's output
 * it is distillation (Hinton et al. 2015, in the form for regression).
 */
export const meanSquareError: Loss = (tape, output, target) => meanSquare(tape, subtract(tape, output, target));
