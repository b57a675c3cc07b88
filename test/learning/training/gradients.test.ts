import { describe, expect, it } from 'vitest';
import { convolve, convolveTransposed } from '../../../src/learning/training/convolution.ts';
import { gradientsOf } from '../../../src/learning/training/differentiate.ts';
import { meanSquareError } from '../../../src/learning/training/losses.ts';
import * as operators from '../../../src/learning/training/operators.ts';
import { type Sizes, Tape, type Tensor } from '../../../src/learning/training/tape.ts';
import { GraphBuilder } from '../../../src/onnx/graph-builder.ts';
import { compareGradients } from './finite-differences.ts';

const { add, leakyRelu, matmul, mean, meanSquare, multiply, relu, reshape, sigmoid, square, subtract, tanh, transpose } = operators;

interface Case {
  readonly name: string;
  readonly inputs: readonly Sizes[];
  readonly expression: (tape: Tape, ...inputs: readonly Tensor[]) => Tensor;
  readonly output: Sizes;
}

/** Exactly as many inputs as an operator takes. */
const of = <Count extends readonly Tensor[]>(operator: (tape: Tape, ...inputs: Count) => Tensor) =>
  operator as (tape: Tape, ...inputs: readonly Tensor[]) => Tensor;

const convolution = (stride: 1 | 2, padding: number, length: number, output: Sizes): Case => ({
  name: `convolve, stride ${stride}, padding ${padding}, length ${length}`,
  inputs: [[3, 2, length], [4, 2, 3], [4]],
  expression: of((tape, x: Tensor, w: Tensor, b: Tensor) => convolve(tape, x, w, b, { stride, padding })),
  output,
});

const transposed = (stride: 1 | 2, padding: number, outputPadding: 0 | 1, output: Sizes): Case => ({
  name: `convolveTransposed, stride ${stride}, padding ${padding}, output padding ${outputPadding}`,
  inputs: [[3, 4, 5], [4, 2, 3], [2]],
  expression: of((tape, x: Tensor, w: Tensor, b: Tensor) => convolveTransposed(tape, x, w, b, { stride, padding, outputPadding })),
  output,
});

const cases: readonly Case[] = [
  {
    name: 'matmul',
    inputs: [
      [4, 3],
      [3, 5],
    ],
    expression: of((tape, a: Tensor, b: Tensor) => matmul(tape, a, b)),
    output: [4, 5],
  },
  {
    name: 'matmul with bias',
    inputs: [[4, 3], [3, 5], [5]],
    expression: of((tape, a: Tensor, b: Tensor, c: Tensor) => matmul(tape, a, b, c)),
    output: [4, 5],
  },
  {
    name: 'add',
    inputs: [
      [4, 3],
      [4, 3],
    ],
    expression: of(add),
    output: [4, 3],
  },
  { name: 'add of a row', inputs: [[4, 3], [3]], expression: of(add), output: [4, 3] },
  {
    name: 'add of a column',
    inputs: [
      [2, 4, 3],
      [4, 1],
    ],
    expression: of(add),
    output: [2, 4, 3],
  },
  { name: 'add of a scalar', inputs: [[4, 3], []], expression: of(add), output: [4, 3] },
  {
    name: 'subtract',
    inputs: [
      [4, 3],
      [4, 3],
    ],
    expression: of(subtract),
    output: [4, 3],
  },
  { name: 'subtract a row', inputs: [[4, 3], [3]], expression: of(subtract), output: [4, 3] },
  { name: 'subtract from a row', inputs: [[3], [4, 3]], expression: of(subtract), output: [4, 3] },
  {
    name: 'multiply',
    inputs: [
      [4, 3],
      [4, 3],
    ],
    expression: of(multiply),
    output: [4, 3],
  },
  { name: 'multiply by a row', inputs: [[4, 3], [3]], expression: of(multiply), output: [4, 3] },
  { name: 'square', inputs: [[4, 3]], expression: of(square), output: [4, 3] },
  { name: 'relu', inputs: [[4, 3]], expression: of(relu), output: [4, 3] },
  { name: 'leakyRelu', inputs: [[4, 3]], expression: of((tape, a: Tensor) => leakyRelu(tape, a, 0.2)), output: [4, 3] },
  { name: 'tanh', inputs: [[4, 3]], expression: of(tanh), output: [4, 3] },
  { name: 'sigmoid', inputs: [[4, 3]], expression: of(sigmoid), output: [4, 3] },
  { name: 'reshape', inputs: [[4, 6]], expression: of((tape, a: Tensor) => reshape(tape, a, [2, 3, 4])), output: [2, 3, 4] },
  { name: 'transpose', inputs: [[2, 3, 4]], expression: of((tape, a: Tensor) => transpose(tape, a, [2, 0, 1])), output: [4, 2, 3] },
  { name: 'mean', inputs: [[4, 3]], expression: of(mean), output: [] },
  { name: 'meanSquare', inputs: [[4, 3]], expression: of(meanSquare), output: [] },
  {
    name: 'meanSquareError',
    inputs: [
      [4, 3],
      [4, 3],
    ],
    expression: of(meanSquareError),
    output: [],
  },
  convolution(1, 0, 8, [3, 4, 6]),
  convolution(1, 1, 8, [3, 4, 8]),
  convolution(2, 0, 8, [3, 4, 3]),
  convolution(2, 0, 9, [3, 4, 4]),
  convolution(2, 1, 8, [3, 4, 4]),
  convolution(2, 1, 9, [3, 4, 5]),
  transposed(1, 0, 0, [3, 2, 7]),
  transposed(1, 1, 0, [3, 2, 5]),
  transposed(2, 0, 0, [3, 2, 11]),
  transposed(2, 1, 0, [3, 2, 9]),
  transposed(2, 1, 1, [3, 2, 10]),
];

describe('an operator', () => {
  it.each(cases)('$name has the gradients that finite differences find', async ({ inputs, expression, output }) => {
    const { relativeErrors, outputSizes } = await compareGradients(inputs, expression);
    expect(outputSizes).toEqual(output);
    expect(relativeErrors).toHaveLength(inputs.length);
    for (const error of relativeErrors) expect(error).toBeLessThan(2e-3);
  });

  it('used twice passes both shares on', async () => {
    const { relativeErrors } = await compareGradients([[3, 3]], (tape, a) => {
      const input = a as Tensor;
      return add(tape, multiply(tape, tanh(tape, input), input), matmul(tape, input, input));
    });
    expect(relativeErrors[0]).toBeLessThan(2e-3);
  });

  it('refuses what does not fit together', () => {
    const tape = new Tape(new GraphBuilder('misfits'));
    const [a, b] = [tape.parameter('a', [4, 3]), tape.parameter('b', [4, 5])];
    expect(() => matmul(tape, a, b)).toThrow('matmul: [4, 3] and [4, 5] do not fit together');
    expect(() => add(tape, a, b)).toThrow('do not fit together');
    expect(() => reshape(tape, a, [5, 2])).toThrow('does not reshape');
    expect(() => convolve(tape, tape.data('x', [1, 2, 8]), tape.parameter('w', [4, 3, 3]))).toThrow('do not fit together');
    expect(() => gradientsOf(tape, a, [a])).toThrow('a loss is a scalar');
  });
});
