import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { elementsOf, type Sizes, type Tape, type Tensor } from './tape.ts';

/** `[rows, inner] · [inner, columns]`, or with a row vector `bias` `[columns]` added: one Gemm. */
export function matmul(tape: Tape, a: Tensor, b: Tensor, bias?: Tensor): Tensor {
  const { graph } = tape;
  const [rows = 0, inner] = a.sizes;
  const [innerToo, columns = 0] = b.sizes;
  if (a.sizes.length !== 2 || b.sizes.length !== 2 || inner !== innerToo) throw mismatch('matmul', a, b);
  if (bias !== undefined && (bias.sizes.length !== 1 || bias.sizes[0] !== columns)) throw mismatch('matmul with bias', b, bias);
  const value = bias === undefined ? graph.matmul(a.value, b.value) : graph.op('Gemm', [a.value, b.value, bias.value]);
  return tape.record(
    value,
    [rows, columns],
    [
      [a, (gradient) => graph.op('Gemm', [gradient, b.value], { transB: 1 })],
      [b, (gradient) => graph.op('Gemm', [a.value, gradient], { transA: 1 })],
      ...(bias === undefined ? [] : [[bias, (gradient: Value) => columnSums(graph, gradient, rows, columns)] as const]),
    ],
  );
}

/** Sizes are broadcast from the right, as NumPy does. */
export function add(tape: Tape, a: Tensor, b: Tensor): Tensor {
  const { graph } = tape;
  const sizes = broadcast('add', a, b);
  return tape.record(graph.add(a.value, b.value), sizes, [
    [a, (gradient) => summedTo(graph, gradient, sizes, a.sizes)],
    [b, (gradient) => summedTo(graph, gradient, sizes, b.sizes)],
  ]);
}

export function subtract(tape: Tape, a: Tensor, b: Tensor): Tensor {
  const { graph } = tape;
  const sizes = broadcast('subtract', a, b);
  return tape.record(graph.subtract(a.value, b.value), sizes, [
    [a, (gradient) => summedTo(graph, gradient, sizes, a.sizes)],
    [b, (gradient) => graph.op('Neg', [summedTo(graph, gradient, sizes, b.sizes)])],
  ]);
}

export function multiply(tape: Tape, a: Tensor, b: Tensor): Tensor {
  const { graph } = tape;
  const sizes = broadcast('multiply', a, b);
  return tape.record(graph.multiply(a.value, b.value), sizes, [
    [a, (gradient) => summedTo(graph, graph.multiply(gradient, b.value), sizes, a.sizes)],
    [b, (gradient) => summedTo(graph, graph.multiply(gradient, a.value), sizes, b.sizes)],
  ]);
}

export function square(tape: Tape, a: Tensor): Tensor {
  const { graph } = tape;
  return tape.record(graph.multiply(a.value, a.value), a.sizes, [
    [a, (gradient) => graph.multiply(a.value, graph.multiply(gradient, graph.scalar(2)))],
  ]);
}

/** At 0 the gradient is 0. */
export function relu(tape: Tape, a: Tensor): Tensor {
  const { graph } = tape;
  const value = graph.op('Relu', [a.value]);
  // A sigmoid of straight lines, as steep as it can be, is 0 or 1: one fast node where a comparison and a cast would be two (and Sign is slow).
  return tape.record(value, a.sizes, [
    [a, (gradient) => graph.multiply(gradient, graph.op('HardSigmoid', [value], { alpha: { float: 1e38 }, beta: { float: 0 } }))],
  ]);
}

export function leakyRelu(tape: Tape, a: Tensor, slope = 0.01): Tensor {
  const { graph } = tape;
  return tape.record(graph.op('LeakyRelu', [a.value], { alpha: { float: slope } }), a.sizes, [
    [
      a,
      (gradient) => {
        const positive = graph.op('Greater', [a.value, graph.scalar(0)]);
        return graph.op('Where', [positive, gradient, graph.multiply(gradient, graph.scalar(slope))]);
      },
    ],
  ]);
}

/** tanh' = 1 − tanh². */
export function tanh(tape: Tape, a: Tensor): Tensor {
  const { graph } = tape;
  const value = graph.op('Tanh', [a.value]);
  return tape.record(value, a.sizes, [
    [a, (gradient) => graph.multiply(gradient, graph.subtract(graph.scalar(1), graph.multiply(value, value)))],
  ]);
}

/** σ' = σ (1 − σ). */
export function sigmoid(tape: Tape, a: Tensor): Tensor {
  const { graph } = tape;
  const value = graph.op('Sigmoid', [a.value]);
  return tape.record(value, a.sizes, [
    [a, (gradient) => graph.multiply(gradient, graph.multiply(value, graph.subtract(graph.scalar(1), value)))],
  ]);
}

export function reshape(tape: Tape, a: Tensor, sizes: Sizes): Tensor {
  const { graph } = tape;
  if (elementsOf(a.sizes) !== elementsOf(sizes)) throw new RangeError(`[${a.sizes.join(', ')}] does not reshape to [${sizes.join(', ')}]`);
  return tape.record(graph.reshape(a.value, sizes), sizes, [[a, (gradient) => graph.reshape(gradient, a.sizes)]]);
}

export function transpose(tape: Tape, a: Tensor, permutation: readonly number[]): Tensor {
  const { graph } = tape;
  const sizes = permutation.map((axis) => a.sizes[axis] as number);
  const inverse = permutation.map((_, axis) => permutation.indexOf(axis));
  return tape.record(graph.transpose(a.value, permutation), sizes, [[a, (gradient) => graph.transpose(gradient, inverse)]]);
}

/** Mean of all elements, a scalar. */
export function mean(tape: Tape, a: Tensor): Tensor {
  const { graph } = tape;
  return tape.record(
    graph.op('ReduceMean', [a.value], { keepdims: 0 }),
    [],
    [[a, (gradient) => graph.op('Expand', [graph.multiply(gradient, graph.scalar(1 / elementsOf(a.sizes))), graph.int64s(a.sizes)])]],
  );
}

/** Mean of all squares, a scalar: `mean` of `square` in fewer passes. */
export function meanSquare(tape: Tape, a: Tensor): Tensor {
  const { graph } = tape;
  return tape.record(
    graph.op('ReduceMean', [graph.multiply(a.value, a.value)], { keepdims: 0 }),
    [],
    [[a, (gradient) => graph.multiply(a.value, graph.multiply(gradient, graph.scalar(2 / elementsOf(a.sizes))))]],
  );
}

/** Sums a gradient over what broadcasting had repeated. */
function summedTo(graph: GraphBuilder, gradient: Value, from: Sizes, to: Sizes): Value {
  const missing = from.length - to.length;
  const repeated = from.flatMap((size, axis) => (axis < missing || (to[axis - missing] === 1 && size !== 1) ? [axis] : []));
  if (repeated.length === 0) return gradient;
  const leading = repeated.every((axis, i) => axis === i) && to.length > 0;
  if (leading) {
    const [count, rest] = [elementsOf(from.slice(0, repeated.length)), elementsOf(from.slice(repeated.length))];
    return graph.reshape(columnSums(graph, graph.reshape(gradient, [count, rest]), count, rest), to);
  }
  const summed = graph.reduce('ReduceSum', gradient, repeated, missing === 0);
  return missing === 0 || repeated.length === missing ? summed : graph.reshape(summed, to);
}

/** `[rows, columns]` → `[columns]`, as a product with ones: ReduceSum over rows takes ten times as long. */
const columnSums = (graph: GraphBuilder, values: Value, rows: number, columns: number): Value =>
  graph.reshape(graph.matmul(graph.floats(new Float32Array(rows).fill(1), [1, rows]), values), [columns]);

function broadcast(operator: string, a: Tensor, b: Tensor): Sizes {
  const rank = Math.max(a.sizes.length, b.sizes.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [one = 1, other = 1] = [a, b].map(({ sizes }) => sizes[axis - rank + sizes.length]);
    if (one !== other && one !== 1 && other !== 1) throw mismatch(operator, a, b);
    return one === 1 ? other : one;
  });
}

const mismatch = (operator: string, a: Tensor, b: Tensor): RangeError =>
  new RangeError(`${operator}: [${a.sizes.join(', ')}] and [${b.sizes.join(', ')}] do not fit together`);
