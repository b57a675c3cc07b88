import { describe, expect, it } from 'vitest';
import { gaussian, seededRandom } from '../../../src/core/seeded-random.ts';
import { columnMeans } from '../../../src/learning/matrix.ts';
import { represent, representationOf } from '../../../src/learning/representation.ts';
import {
  centredRows,
  type LinearWeights,
  linearNetwork,
  principalComponents,
  reconstructionError,
  trainLinear,
} from '../../../src/learning/training/linear-family.ts';
import { trainNetwork } from '../../../src/learning/training/train-network.ts';
import { syntheticSplit } from '../../support/synthetic-machine.ts';

const length = 16;
const channels = 4;
const split = syntheticSplit({ rows: 2000, channels, seed: 3 }, length);
const representation = representationOf(length, channels);
const rowsOf = (offsets: readonly number[]) => represent(split.rows, offsets, representation, split.mean, split.deviation);
const learning = rowsOf(split.learning);
const unseen = rowsOf(split.unseen);

describe('trainNetwork', () => {
  const centre = columnMeans(learning);
  const { rank, encoder, decoder } = principalComponents(learning, centre);
  const width = learning.columns;
  const data = { rows: learning.rows, width, values: centredRows(learning, centre) };
  const closedForm: LinearWeights = { centre, encoder, decoder, width, rank };

  it('finds from random weights what the closed form knows', async () => {
    const normal = gaussian(seededRandom(5));
    const random = (): Float32Array => Float32Array.from({ length: width * rank }, () => 0.1 * normal());
    const options = { seed: 1, epochs: 100, learningRate: 5e-3 };
    const losses: number[] = [];
    const {
      parameters: [E, D],
    } = await trainNetwork(linearNetwork(width, rank), data, [random(), random()], {
      ...options,
      onProgress: ({ loss }) => losses.push(loss),
    });
    const trained = reconstructionError(data.values, { ...closedForm, encoder: E as Float32Array, decoder: D as Float32Array });
    const best = reconstructionError(data.values, closedForm);
    expect(losses).toHaveLength(100);
    expect(losses[0]).toBeGreaterThan(3 * best);
    expect(trained).toBeGreaterThan(best * 0.9999);
    expect(trained).toBeLessThan(best * 1.01);
  });

  it('gives the same bits for the same seed, and others for another', async () => {
    const train = (seed: number) =>
      trainNetwork(linearNetwork(width, rank), data, [encoder, decoder], { seed, epochs: 3, learningRate: 1e-3 });
    const [first, again, other] = [await train(1), await train(1), await train(2)];
    expect(first).toEqual(again);
    expect(first).not.toEqual(other);
  });

  it('stops between two epochs when it is told to', async () => {
    const stop = new AbortController();
    const epochs: number[] = [];
    const training = trainNetwork(linearNetwork(width, rank), data, [encoder, decoder], {
      seed: 1,
      epochs: 1000,
      learningRate: 1e-4,
      signal: stop.signal,
      onProgress: ({ epoch }) => {
        epochs.push(epoch);
        if (epoch === 2) stop.abort(new Error('enough'));
      },
    });
    await expect(training).rejects.toThrow('enough');
    expect(epochs).toEqual([1, 2]);
  });
});

describe('trainLinear', () => {
  it('keeps 90 % of the variance with the fewest components and one more, and is no worse than the closed form', async () => {
    const { weights, unseenLoss, closedFormLoss } = await trainLinear(learning, unseen, { seed: 1, epochs: 10 });
    const centre = columnMeans(learning);
    const variance = reconstructionError(centredRows(learning, centre), {
      ...weights,
      encoder: new Float32Array(weights.encoder.length),
      decoder: new Float32Array(weights.decoder.length),
    });
    const kept = (rank: number): number => {
      const { encoder, decoder } = principalComponents(learning, centre);
      const cut = (values: Float32Array, columns: number, keep: (i: number) => boolean): Float32Array =>
        values.map((value, i) => (keep(columns === 0 ? i % weights.rank : Math.floor(i / columns)) ? value : 0));
      const fewer = { ...weights, encoder: cut(encoder, 0, (k) => k < rank), decoder: cut(decoder, weights.width, (k) => k < rank) };
      return 1 - reconstructionError(centredRows(learning, centre), fewer) / variance;
    };
    expect(kept(weights.rank - 1)).toBeGreaterThanOrEqual(0.9);
    expect(kept(weights.rank - 2)).toBeLessThan(0.9);
    expect(unseenLoss).toBeLessThan(closedFormLoss * 1.002);
  });
});
