import { describe, expect, it } from 'vitest';
import { conv1dFamily } from '../../../src/learning/training/conv1d-family.ts';
import { denseFamily } from '../../../src/learning/training/dense-family.ts';
import { runNetwork } from '../../../src/learning/training/run-network.ts';
import { threadsFor } from '../../../src/learning/training/training-session.ts';

const rows = (channels: number, length: number, count = 6) => ({
  channels,
  length,
  rows: count,
  width: channels * length,
  values: Float32Array.from({ length: count * channels * length }, (_, i) => Math.sin(i * 1.7)),
});
const deviation = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

describe('denseFamily', () => {
  it('begins with deviations after He before a ReLU and after Xavier before the code and the output, and no bias', () => {
    const { network, initial } = denseFamily({ hidden: [64, 16, 64], bias: true }).build(rows(8, 16), 1);
    expect(network.parameters.map(({ shape }) => shape.join('×'))).toEqual(['128×64', '64', '64×16', '16', '16×64', '64', '64×128', '128']);
    const weights = [0, 2, 4, 6].map((p) => deviation(initial[p] as Float32Array));
    const wanted = [Math.sqrt(2 / 128), Math.sqrt(2 / (64 + 16)), Math.sqrt(2 / 16), Math.sqrt(2 / (64 + 128))];
    weights.forEach((value, i) => {
      expect(value / (wanted[i] as number)).toBeGreaterThan(0.93);
      expect(value / (wanted[i] as number)).toBeLessThan(1.07);
    });
    for (const p of [1, 3, 5, 7]) expect(initial[p]?.every((value) => value === 0)).toBe(true);
  });

  it('begins elsewhere with another seed', () => {
    const family = denseFamily({ hidden: [4], bias: false });
    expect(family.build(rows(2, 4), 1).initial).not.toEqual(family.build(rows(2, 4), 2).initial);
  });

  it('gets a second thread when it is large', () => {
    const threads = (hidden: readonly number[]) => threadsFor(denseFamily({ hidden, bias: true }).build(rows(4, 128, 1), 1).network);
    expect(threads([16])).toBe(1);
    expect(threads([256, 64, 256])).toBeGreaterThanOrEqual(threads([16]));
  });
});

describe('conv1dFamily', () => {
  it.each([
    [1, 8],
    [3, 10],
    [2, 7],
    [2, 5],
  ])('gives back what came, for %i channels of %i values', async (channels, length) => {
    const learning = rows(channels, length);
    const { network, initial } = conv1dFamily({ filters: [4, 8], kernel: 3, code: 2, bias: true }).build(learning, 1);
    const output = await runNetwork(network, initial, learning);
    expect(output).toHaveLength(learning.values.length);
    expect(output.every(Number.isFinite)).toBe(true);
    expect(deviation(output)).toBeGreaterThan(0.01);
  });
});
