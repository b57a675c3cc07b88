import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import type { Tape, Tensor } from './tape.ts';

export interface ConvolutionOptions {
  readonly stride?: 1 | 2;
  /** Zeros on both sides. */
  readonly padding?: number;
}

export interface TransposedOptions extends ConvolutionOptions {
  /** Further elements at the end, 0 or 1: a stride of 2 gives two input lengths the same output length, and this says which one to go back to. */
  readonly outputPadding?: 0 | 1;
}

/** `[batch, in, length]` with `weights` `[out, in, kernel]` → `[batch, out, ⌊(length + 2 padding − kernel) / stride⌋ + 1]`; `bias` `[out]`. */
export function convolve(tape: Tape, input: Tensor, weights: Tensor, bias?: Tensor, options: ConvolutionOptions = {}): Tensor {
  const { graph } = tape;
  const { stride = 1, padding = 0 } = options;
  const [batch = 0, channels, length = 0] = input.sizes;
  const [out = 0, channelsToo, kernel = 0] = weights.sizes;
  if (channels !== channelsToo) throw mismatch('convolve', input, weights);
  const outLength = Math.floor((length + 2 * padding - kernel) / stride) + 1;
  const outputPadding = (length + 2 * padding - kernel) % stride;
  const value = conv(graph, [input, weights, bias], stride, padding);
  return tape.record(
    value,
    [batch, out, outLength],
    [
      [input, (gradient) => graph.op('ConvTranspose', [gradient, weights.value], transposedAttributes(stride, padding, outputPadding))],
      [weights, (gradient) => weightGradient(graph, input.value, gradient, { stride, padding, outputPadding, kernel })],
      ...biasGradient(graph, bias),
    ],
  );
}

/** The way back: `[batch, in, length]` with `weights` `[in, out, kernel]` → `[batch, out, (length − 1) stride + kernel − 2 padding + outputPadding]`. */
export function convolveTransposed(tape: Tape, input: Tensor, weights: Tensor, bias?: Tensor, options: TransposedOptions = {}): Tensor {
  const { graph } = tape;
  const { stride = 1, padding = 0, outputPadding = 0 } = options;
  const [batch = 0, channels, length = 0] = input.sizes;
  const [channelsToo, out = 0, kernel = 0] = weights.sizes;
  if (channels !== channelsToo) throw mismatch('convolveTransposed', input, weights);
  const outLength = (length - 1) * stride + kernel - 2 * padding + outputPadding;
  const value = graph.op('ConvTranspose', values([input, weights, bias]), transposedAttributes(stride, padding, outputPadding));
  // A transposed convolution is the gradient of a convolution by its input, so its own gradients are that convolution with the parts exchanged.
  return tape.record(
    value,
    [batch, out, outLength],
    [
      [input, (gradient) => graph.op('Conv', [gradient, weights.value], { strides: [stride], pads: [padding, padding] })],
      [weights, (gradient) => weightGradient(graph, gradient, input.value, { stride, padding, outputPadding, kernel })],
      ...biasGradient(graph, bias),
    ],
  );
}

interface Geometry {
  readonly stride: number;
  readonly padding: number;
  readonly outputPadding: number;
  readonly kernel: number;
}

/**
 * ∂/∂w[o, i, k] = Σ over b, t of gradient[b, o, t] · input[b, i, t · stride + k − padding]: a convolution again, in which batch and channels change places and
 * the gradient is the kernel, spread by the stride.
 */
function weightGradient(graph: GraphBuilder, input: Value, gradient: Value, { stride, padding, outputPadding, kernel }: Geometry): Value {
  const product = graph.op('Conv', [graph.transpose(input, [1, 0, 2]), graph.transpose(gradient, [1, 0, 2])], {
    dilations: [stride],
    pads: [padding, padding],
  });
  const cut = outputPadding === 0 ? product : graph.op('Slice', [product, graph.int64s([0]), graph.int64s([kernel]), graph.int64s([2])]);
  return graph.transpose(cut, [1, 0, 2]);
}

const conv = (graph: GraphBuilder, inputs: readonly (Tensor | undefined)[], stride: number, padding: number): Value =>
  graph.op('Conv', values(inputs), { strides: [stride], pads: [padding, padding] });

const transposedAttributes = (stride: number, padding: number, outputPadding: number): Record<string, readonly number[]> => ({
  strides: [stride],
  pads: [padding, padding],
  output_padding: [outputPadding],
});

const biasGradient = (graph: GraphBuilder, bias: Tensor | undefined): readonly (readonly [Tensor, (gradient: Value) => Value])[] =>
  bias === undefined ? [] : [[bias, (gradient) => graph.reduce('ReduceSum', gradient, [0, 2])]];

const values = (inputs: readonly (Tensor | undefined)[]): Value[] => inputs.flatMap((input) => (input === undefined ? [] : [input.value]));

const mismatch = (operator: string, input: Tensor, weights: Tensor): RangeError =>
  new RangeError(`${operator}: input [${input.sizes.join(', ')}] and weights [${weights.sizes.join(', ')}] do not fit together`);
