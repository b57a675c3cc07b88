import { reshape, transpose } from './operators.ts';
import { elementsOf, type Tape, type Tensor } from './tape.ts';

export interface WeightRounding {
  /** Symmetric levels −(2^(bits−1) − 1) … 2^(bits−1) − 1: 63 for 7 bits, 7 for 4, 1 for 2. */
  readonly bits: number;
  /** Which axis of the weights is the output: 1 for `[in, out]` and `[in, out, kernel]`, 0 for `[out, in, kernel]`. */
  readonly outputAxis: 0 | 1;
  /** A scale for every so many inputs of an output (the last block may be shorter); left out: one for all. */
  readonly block?: number;
}

/**
 * Weights rounded as the deployed model will hold them, with the gradient of no rounding at all (straight-through, Bengio et al. 2013): the largest
 * weight of each scale maps to the largest level, so nothing is clipped and the estimate needs no mask.
 */
export function fakeQuantize(tape: Tape, weights: Tensor, { bits, outputAxis, block }: WeightRounding): Tensor {
  const { sizes } = weights;
  const outputs = sizes[outputAxis] as number;
  const inputs = elementsOf(sizes) / outputs;
  const size = Math.min(block ?? inputs, inputs);
  if (outputAxis === 0) {
    const byOutput = transpose(tape, reshape(tape, weights, [outputs, inputs]), [1, 0]);
    return reshape(tape, transpose(tape, roundColumns(tape, byOutput, bits, size), [1, 0]), sizes);
  }
  if (sizes.length === 2) return roundColumns(tape, weights, bits, size);
  const [into = 0, out = 0, kernel = 0] = sizes;
  const columns = reshape(tape, transpose(tape, weights, [0, 2, 1]), [into * kernel, out]);
  return transpose(tape, reshape(tape, roundColumns(tape, columns, bits, size), [into, kernel, out]), [0, 2, 1]);
}

/** `[inputs, outputs]`, a scale for every `size` inputs of a column. */
function roundColumns(tape: Tape, weights: Tensor, bits: number, size: number): Tensor {
  const { graph } = tape;
  const [inputs = 0, outputs = 0] = weights.sizes;
  const blocks = Math.ceil(inputs / size);
  const padding = blocks * size - inputs;
  // Zeros at the end change no largest value.
  const padded = padding === 0 ? weights.value : graph.op('Pad', [weights.value, graph.int64s([0, 0, padding, 0])]);
  const grouped = graph.reshape(padded, [blocks, size, outputs]);
  const largest = graph.reduce('ReduceMax', graph.op('Abs', [grouped]), [1], true);
  const scale = graph.op('Max', [graph.divide(largest, graph.scalar(2 ** (bits - 1) - 1)), graph.scalar(1e-12)]);
  const rounded = graph.reshape(graph.multiply(graph.op('Round', [graph.divide(grouped, scale)]), scale), [blocks * size, outputs]);
  const cut = padding === 0 ? rounded : graph.op('Slice', [rounded, graph.int64s([0]), graph.int64s([inputs]), graph.int64s([0])]);
  return tape.record(cut, weights.sizes, [[weights, (gradient) => gradient]]);
}
