import { describe, expect, it } from 'vitest';
import { floatsOf } from '../../../src/learning/run-graph.ts';
import { createSession, floatTensor } from '../../../src/learning/runtime.ts';
import { adamFactors, adamStep } from '../../../src/learning/training/adam.ts';
import { GraphBuilder } from '../../../src/onnx/graph-builder.ts';

const alpha = 0.01;
const gradients = [
  [1, -2, 1e-3, 0],
  [0.5, 3, -1e-3, 0],
  [-1, 0.1, 2e-3, 1e-6],
  [2, 0.1, 1e-3, -1e-6],
];

/** Kingma and Ba 2015, algorithm 1, word for word, in double precision. */
function algorithm1(start: readonly number[]): number[] {
  const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];
  const theta = [...start];
  const m = theta.map(() => 0);
  const v = theta.map(() => 0);
  gradients.forEach((g, i) => {
    const t = i + 1;
    theta.forEach((value, at) => {
      m[at] = beta1 * (m[at] as number) + (1 - beta1) * (g[at] as number);
      v[at] = beta2 * (v[at] as number) + (1 - beta2) * (g[at] as number) ** 2;
      const mHat = (m[at] as number) / (1 - beta1 ** t);
      const vHat = (v[at] as number) / (1 - beta2 ** t);
      theta[at] = value - (alpha * mHat) / (Math.sqrt(vHat) + epsilon);
    });
  });
  return theta;
}

describe('adamStep', () => {
  it('takes the steps of algorithm 1', async () => {
    const names = ['values', 'sum', 'squares'] as const;
    const graph = new GraphBuilder('adam');
    const [values = '', sum = '', squares = '', gradient = ''] = [...names, 'gradient'].map((name) => graph.input(name, 'float', [4]));
    const factors = { rate: graph.input('rate', 'float', []), floor: graph.input('floor', 'float', []) };
    const next = adamStep(graph, { values, sum, squares }, gradient, factors);
    for (const name of names) graph.output(next[name], `next_${name}`, 'float', [4]);
    const session = await createSession(graph.model());
    const start = [1, -1, 0.5, 0];
    const state = { values: Float32Array.from(start), sum: new Float32Array(4), squares: new Float32Array(4) };
    for (const [i, g] of gradients.entries()) {
      const { rate, floor } = adamFactors(i + 1, alpha);
      const results = await session.run({
        values: await floatTensor(state.values, [4]),
        sum: await floatTensor(state.sum, [4]),
        squares: await floatTensor(state.squares, [4]),
        gradient: await floatTensor(Float32Array.from(g), [4]),
        rate: await floatTensor(Float32Array.of(rate), []),
        floor: await floatTensor(Float32Array.of(floor), []),
      });
      for (const name of names) state[name] = floatsOf(results, `next_${name}`);
    }
    await session.release();
    algorithm1(start).forEach((value, at) => {
      expect(state.values[at]).toBeCloseTo(value, 6);
    });
  });
});
