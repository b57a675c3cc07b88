import { describe, expect, it } from 'vitest';
import { gaussian, seededRandom } from '../../../src/core/seeded-random.ts';
import { conv1dFamily } from '../../../src/learning/training/conv1d-family.ts';
import { denseFamily } from '../../../src/learning/training/dense-family.ts';
import { linearFamily, linearNetwork } from '../../../src/learning/training/linear-family.ts';
import { type LearningRows, type ModelFamily, withRoundedWeights } from '../../../src/learning/training/network.ts';
import { runNetwork } from '../../../src/learning/training/run-network.ts';
import { type TrainingData, type TrainingProgress, trainNetwork } from '../../../src/learning/training/train-network.ts';

/** Points of a closed curve in eight dimensions that no plane holds, with a little noise: one number (the angle) says where each is. */
function curve(rows: number, seed: number, [channels, length]: readonly [number, number] = [2, 4]): LearningRows & TrainingData {
  const random = seededRandom(seed);
  const normal = gaussian(random);
  const width = channels * length;
  const values = new Float32Array(rows * width);
  for (let i = 0; i < rows; i++) {
    const angle = 2 * Math.PI * random();
    for (let j = 0; j < width; j++) values[i * width + j] = Math.SQRT2 * Math.sin((1 + (j % 4)) * angle + j) + 0.02 * normal();
  }
  return { rows, width, channels, length, values };
}

const learning = curve(2000, 1);
const unseen = curve(500, 2);
const dense = denseFamily({ hidden: [64, 2, 64], bias: true });
const families: readonly ModelFamily[] = [
  linearFamily,
  dense,
  denseFamily({ hidden: [16, 4, 16], bias: false }),
  conv1dFamily({ filters: [8, 16], kernel: 3, code: 4, bias: true }),
  conv1dFamily({ filters: [8], kernel: 5, code: 4, bias: false }),
];
const named = families.map((family, i) => ({ name: `${family.name} (${i})`, family }));
const squared = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0) / values.length;
const error = async (...[network, parameters, data]: Parameters<typeof runNetwork>): Promise<number> => {
  const output = await runNetwork(network, parameters, data);
  return squared(output.map((value, i) => value - (data.values[i] as number)));
};

describe('trainNetwork', () => {
  it.each(named)('makes the loss smaller, with the same bits for the same seed and others for another: $name', async ({ family }) => {
    const { network, initial } = family.build(learning, 7);
    expect(family.build(learning, 7).initial).toEqual(initial);
    const losses: number[] = [];
    const train = (seed: number) =>
      trainNetwork(network, learning, initial, { seed, epochs: 4, learningRate: 1e-3, onProgress: ({ loss }) => losses.push(loss) });
    const [first, again, other] = [await train(1), await train(1), await train(2)];
    expect(again.parameters).toEqual(first.parameters);
    expect(other.parameters).not.toEqual(first.parameters);
    expect(losses[3]).toBeLessThan((losses[0] as number) * 1.01);
    expect(await error(network, first.parameters, learning)).toBeLessThan((await error(network, initial, learning)) * 1.001);
  });

  it('learns a curve that a linear network of the same code cannot', async () => {
    const options = { seed: 3, epochs: 150, learningRate: 5e-3, unseen, patience: 150 };
    const { network, initial } = dense.build(learning, 3);
    const { unseenLoss } = await trainNetwork(network, learning, initial, options);
    const linear = linearNetwork(8, 2);
    const normal = gaussian(seededRandom(1));
    const weights = linear.parameters.map(() => Float32Array.from({ length: 16 }, () => 0.3 * normal()));
    const { unseenLoss: linearLoss } = await trainNetwork(linear, learning, weights, options);
    expect(linearLoss).toBeGreaterThan(0.4);
    expect(unseenLoss).toBeLessThan((linearLoss as number) / 3);
  });

  it('is positively homogeneous without bias', async () => {
    for (const family of [families[2], families[4]]) {
      const { network, initial } = (family as ModelFamily).build(learning, 5);
      const once = await runNetwork(network, initial, unseen);
      const scaled = await runNetwork(network, initial, { ...unseen, values: unseen.values.map((value) => 8 * value) });
      expect(squared(once)).toBeGreaterThan(0.01);
      expect(scaled).toEqual(once.map((value) => 8 * value));
    }
  });

  it('stops when unseen rows have not got better for its patience, and keeps the best parameters', async () => {
    // Few rows and many weights: it learns them by heart, and the unseen ones get worse.
    const few = curve(24, 5);
    const { network, initial } = denseFamily({ hidden: [64, 8, 64], bias: true }).build(few, 1);
    const seen: TrainingProgress[] = [];
    const { bestEpoch, epochs, parameters, unseenLoss } = await trainNetwork(network, few, initial, {
      seed: 1,
      epochs: 2000,
      learningRate: 5e-3,
      unseen,
      patience: 20,
      onProgress: (progress) => seen.push(progress),
    });
    const losses = seen.map((progress) => progress.unseenLoss as number);
    expect(epochs).toBeLessThan(1000);
    expect(epochs).toBe(bestEpoch + 20);
    expect(bestEpoch).toBe(1 + losses.indexOf(Math.min(...losses)));
    expect(unseenLoss).toBe(Math.min(...losses));
    expect(await error(network, parameters, unseen)).toBeCloseTo(unseenLoss as number, 5);
    expect(seen[0]).toMatchObject({ epoch: 1, epochs: 2000 });
    expect(seen.every(({ secondsLeft }) => secondsLeft >= 0)).toBe(true);
  });

  it('keeps what it began with where nothing is better', async () => {
    const { network, initial } = dense.build(learning, 3);
    const options = { seed: 3, epochs: 60, learningRate: 5e-3, unseen };
    const { parameters } = await trainNetwork(network, learning, initial, options);
    const again = await trainNetwork(network, learning, parameters, { ...options, epochs: 20, learningRate: 0.5, patience: 3 });
    expect(again.bestEpoch).toBe(0);
    expect(again.epochs).toBe(3);
    expect(again.parameters).toEqual(parameters);
  });

  it('rejects with the reason of its signal, between two epochs', async () => {
    const stop = new AbortController();
    const { network, initial } = dense.build(learning, 1);
    const epochs: number[] = [];
    const reason = new Error('enough');
    const training = trainNetwork(network, learning, initial, {
      seed: 1,
      epochs: 1000,
      learningRate: 1e-3,
      signal: stop.signal,
      onProgress: ({ epoch }) => {
        epochs.push(epoch);
        if (epoch === 2) stop.abort(reason);
      },
    });
    await expect(training).rejects.toBe(reason);
    expect(epochs).toEqual([1, 2]);
  });

  it('says so when the loss is no number any more', async () => {
    const { network, initial } = dense.build(learning, 1);
    const training = trainNetwork(network, learning, initial, { seed: 1, epochs: 50, learningRate: 1e30 });
    await expect(training).rejects.toMatchObject({ code: 'FETTLE_TRAINING_FAILED' });
  });

  it('tunes weights for few bits: better than rounding them afterwards', async () => {
    const { network, initial } = dense.build(learning, 3);
    const float = await trainNetwork(network, learning, initial, { seed: 3, epochs: 60, learningRate: 5e-3 });
    const rounded = withRoundedWeights(network, 4);
    const tuned = await trainNetwork(rounded, learning, float.parameters, { seed: 4, epochs: 40, learningRate: 1e-3, unseen });
    const [before, after] = [await error(rounded, float.parameters, unseen), await error(rounded, tuned.parameters, unseen)];
    expect(before).toBeGreaterThan(1.2 * (await error(network, float.parameters, unseen)));
    expect(after).toBeLessThan(0.8 * before);
    expect(after).toBeCloseTo(tuned.unseenLoss as number, 4);
  });

  it('follows a teacher', async () => {
    const { network: large, initial: first } = denseFamily({ hidden: [64, 4, 64], bias: true }).build(learning, 1);
    const options = { seed: 3, epochs: 60, learningRate: 5e-3 };
    const { parameters } = await trainNetwork(large, learning, first, options);
    // The teacher says the opposite: only who follows it goes there.
    const teacher = (await runNetwork(large, parameters, learning)).map((value) => -value);
    const { network, initial } = denseFamily({ hidden: [32, 4, 32], bias: true }).build(learning, 2);
    const student = await trainNetwork(network, learning, initial, { ...options, teacher: { values: teacher, share: 1 } });
    const output = await runNetwork(network, student.parameters, learning);
    const apart = squared(output.map((value, i) => value - (teacher[i] as number)));
    expect(apart).toBeLessThan(0.2 * squared(teacher));
    const half = await trainNetwork(network, learning, initial, { ...options, teacher: { values: teacher, share: 0.5 } });
    expect(squared(await runNetwork(network, half.parameters, learning))).toBeLessThan(0.1 * squared(teacher));
  });
});
