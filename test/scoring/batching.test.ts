import { expect, it, onTestFinished } from 'vitest';
import { WindowBatchBuilder } from '../../src/core/window.ts';
import { bundleOf } from '../../src/learning/tracking/bundle.ts';
import { learnTracking } from '../../src/learning/tracking/learn.ts';
import { createScorer } from '../../src/scoring/index.ts';
import { syntheticRows } from '../support/synthetic-machine.ts';

const stepMs = 1_000;
const count = 128;

/** Windows from the healthiest to ones far off, as faults bring them. */
it.each(['fp32', 'int8'] as const)(
  'a model that follows its machine (%s) gives the same for a window, whichever others it is computed with',
  async (precision) => {
    const channels = 5;
    const names = Array.from({ length: channels }, (_, c) => `c${c}`);
    const values = syntheticRows({ rows: 600, channels, seed: 77 });
    const learnt = await learnTracking({ channels: names, stepMs, runs: [{ rows: 600, values }] }, [precision]);
    const bundle = await bundleOf(learnt, precision, { id: 'm', version: '1.0.0', stepMs, fromMs: null, toMs: null });
    const scorer = await createScorer(bundle, { place: 'inline' });
    onTestFinished(() => scorer.dispose());
    const { length } = bundle.manifest;
    const windows = Array.from({ length: count }, (_, w) =>
      Float32Array.from(
        { length: length * channels },
        (_, at) => (values[w * channels + at] as number) * (1 + (w % 16 === 0 ? w / 40 : 0)),
      ),
    );
    const scored = async (from: number, size: number): Promise<number[][]> => {
      const batch = new WindowBatchBuilder(length, channels);
      for (const window of windows.slice(from, from + size)) {
        const to = batch.open(0, 1);
        batch.values.set(window, to);
      }
      const { value, contributions, observed, expected } = await scorer.score(batch);
      const own = (column: Float32Array, i: number): number[] => [...column.slice(i * channels, (i + 1) * channels)];
      return Array.from({ length: Math.min(size, count - from) }, (_, i) => [
        value[i] as number,
        ...own(contributions, i),
        ...own(observed, i),
        ...own(expected, i),
      ]);
    };
    const together = await scored(0, count);
    for (const size of [1, 2, 3, 5, 7, 16, 31]) {
      const apart: number[][] = [];
      for (let from = 0; from < count; from += size) apart.push(...(await scored(from, size)));
      expect(apart, `in batches of ${size}`).toEqual(together);
    }
  },
);
