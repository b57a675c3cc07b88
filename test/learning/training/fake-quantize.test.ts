import { describe, expect, it } from 'vitest';
import { gaussian, seededRandom } from '../../../src/core/seeded-random.ts';
import { floatsOf } from '../../../src/learning/run-graph.ts';
import { createSession, floatTensor } from '../../../src/learning/runtime.ts';
import { gradientsOf } from '../../../src/learning/training/differentiate.ts';
import { fakeQuantize, type WeightRounding } from '../../../src/learning/training/fake-quantize.ts';
import { mean, multiply } from '../../../src/learning/training/operators.ts';
import { elementsOf, type Sizes, Tape } from '../../../src/learning/training/tape.ts';
import { GraphBuilder } from '../../../src/onnx/graph-builder.ts';

const normal = gaussian(seededRandom(4));
const draw = (sizes: Sizes): Float32Array => Float32Array.from({ length: elementsOf(sizes) }, normal);

/** Rounded weights, and the gradient by the weights of the mean of the rounded times `upstream`. */
async function rounded(weights: Float32Array, sizes: Sizes, rounding: WeightRounding) {
  const graph = new GraphBuilder('rounding');
  const tape = new Tape(graph);
  const parameter = tape.parameter(graph.input('weights', 'float', sizes), sizes);
  const upstream = draw(sizes);
  const result = fakeQuantize(tape, parameter, rounding);
  const loss = mean(tape, multiply(tape, result, tape.constant(upstream, sizes)));
  const [gradient] = gradientsOf(tape, loss, [parameter]);
  graph.output(result.value, 'rounded', 'float', sizes);
  graph.output(gradient as string, 'gradient', 'float', sizes);
  const session = await createSession(graph.model());
  const results = await session.run({ weights: await floatTensor(weights, sizes) });
  await session.release();
  expect(result.sizes).toEqual(sizes);
  return { values: floatsOf(results, 'rounded'), gradient: floatsOf(results, 'gradient'), upstream };
}

/** The definition: groups of places that share a scale, each rounded to whole multiples of largest / levels. */
function expected(weights: Float32Array, groupOf: (at: number) => string, levels: number): Float32Array {
  const largest = new Map<string, number>();
  weights.forEach((weight, at) => {
    largest.set(groupOf(at), Math.max(largest.get(groupOf(at)) ?? 0, Math.abs(weight)));
  });
  return weights.map((weight, at) => {
    const scale = Math.fround((largest.get(groupOf(at)) as number) / levels);
    return Math.round(weight / scale) * scale;
  });
}

const cases = [
  { name: 'INT8, a scale a column', sizes: [6, 4], rounding: { bits: 8, outputAxis: 1 }, levels: 127, group: (at: number) => `${at % 4}` },
  {
    name: 'INT4, blocks of 4 of 10 inputs',
    sizes: [10, 3],
    rounding: { bits: 4, outputAxis: 1, block: 4 },
    levels: 7,
    group: (at: number) => `${at % 3} ${Math.floor(at / 12)}`,
  },
  {
    name: 'INT2, blocks of 4',
    sizes: [8, 3],
    rounding: { bits: 2, outputAxis: 1, block: 4 },
    levels: 1,
    group: (at: number) => `${at % 3} ${Math.floor(at / 12)}`,
  },
  {
    name: 'a convolution, a scale an output channel',
    sizes: [4, 2, 3],
    rounding: { bits: 4, outputAxis: 0 },
    levels: 7,
    group: (at: number) => `${Math.floor(at / 6)}`,
  },
  {
    name: 'a transposed convolution, a scale an output channel',
    sizes: [4, 2, 3],
    rounding: { bits: 4, outputAxis: 1 },
    levels: 7,
    group: (at: number) => `${Math.floor(at / 3) % 2}`,
  },
] as const;

describe('fakeQuantize', () => {
  it.each(cases)('rounds to the levels and passes the gradient through: $name', async ({ sizes, rounding, levels, group }) => {
    const weights = draw(sizes);
    const { values, gradient, upstream } = await rounded(weights, sizes, rounding);
    const wanted = expected(weights, group, levels);
    values.forEach((value, at) => {
      expect(value).toBeCloseTo(wanted[at] as number, 5);
    });
    expect(values).not.toEqual(weights);
    gradient.forEach((value, at) => {
      expect(value).toBeCloseTo((upstream[at] as number) / elementsOf(sizes), 6);
    });
  });

  it('leaves a column of zeros alone', async () => {
    const { values } = await rounded(new Float32Array(6), [3, 2], { bits: 4, outputAxis: 1 });
    expect([...values]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});
