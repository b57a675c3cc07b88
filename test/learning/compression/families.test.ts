import { beforeAll, describe, expect, it } from 'vitest';
import { bentNetworks, chooseFamily, linearNetworks } from '../../../src/learning/compression/families.ts';
import { learnPrecisions } from '../../../src/learning/compression/learn-precisions.ts';
import { bundleOf } from '../../../src/learning/tracking/bundle.ts';
import { type LearningSet, learningSet } from '../../../src/learning/tracking/learn.ts';
import { createScorer } from '../../../src/scoring/index.ts';
import { syntheticRows } from '../../support/synthetic-machine.ts';

const channels = 4;
const history = (rows: number, bend: (value: number) => number = (value) => value) => ({
  channels: ['a', 'b', 'c', 'd'],
  stepMs: 1000,
  runs: [{ rows, values: syntheticRows({ rows, channels, seed: 9 }).map((value, at) => (at % channels === 3 ? bend(value) : value)) }],
});
const facts = { id: 'machine', version: '1.0.0', stepMs: 1000, fromMs: null, toMs: null };

describe('a family of networks', () => {
  let set: LearningSet;
  beforeAll(() => {
    set = learningSet(history(2400));
  });

  it.each(['dense', 'conv1d'] as const)('%s learns, in every precision it ships in, and the same from the same seed', async (family) => {
    const networks = await bentNetworks(set, family);
    expect(networks.family).toBe(family);
    const { learnt, worth } = await learnPrecisions(set, ['int8'], { networks });
    const bundle = await bundleOf(learnt, 'int8', facts, worth);
    expect(bundle.manifest.family).toBe(family);
    expect(learnt.description).toContain(family === 'dense' ? 'ReLU' : 'convolutional');
    // Its golden scores are those of the graph that ships, and it tells steps from healthy rows.
    await (await createScorer(bundle, { place: 'inline' })).dispose();
    expect(worth.get('fp32')?.areaUnderCurve).toBeGreaterThan(0.75);
    expect(worth.get('int8')?.rankAgreement).toBeGreaterThan(0.98);
    expect(worth.get('int8')?.bytes).toBeLessThan(0.8 * (worth.get('fp32')?.bytes ?? 0));
    const again = await learnPrecisions(set, [], { networks: await bentNetworks(set, family) });
    expect(Buffer.from(again.learnt.models.get('fp32')?.graph ?? []).equals(learnt.models.get('fp32')?.graph as Uint8Array)).toBe(true);
  });

  it('is linear where nothing bends, where rows are few, and where time is up', async () => {
    expect((await chooseFamily(set, 'auto')).family).toBe('linear');
    const few = learningSet(history(1000));
    expect((await chooseFamily(few, 'auto')).family).toBe('linear');
    expect((await chooseFamily(set, 'auto', { seconds: 0.01 })).family).toBe('linear');
    await expect(chooseFamily(set, 'auto', { signal: AbortSignal.abort(new Error('given up')) })).rejects.toThrow('given up');
  });

  it('says what it is at', async () => {
    const epochs: number[] = [];
    await bentNetworks(set, 'dense', { onProgress: (_, { epoch }) => epochs.push(epoch) });
    expect(epochs.slice(0, 3)).toEqual([1, 2, 3]);
    expect(linearNetworks(set).description).toMatch(/^3 linear autoencoders \(ranks \d+, \d+, \d+\)$/);
  });
});
