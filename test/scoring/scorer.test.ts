import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoadedBundle } from '../../src/core/manifest.ts';
import type { ScoreBatch, Scorer } from '../../src/core/score.ts';
import { WindowBatchBuilder } from '../../src/core/window.ts';
import { createScorer } from '../../src/scoring/index.ts';
import { InlineScorer } from '../../src/scoring/inline-scorer.ts';
import { WorkerScorer } from '../../src/scoring/worker-scorer.ts';
import { syntheticRows } from '../support/synthetic-machine.ts';
import { sharedDirectory } from '../support/temporary-directory.ts';
import { trainedBundle } from '../support/trained-bundle.ts';

const length = 16;
const channels = 5;
const values = length * channels;
const rows = syntheticRows({ rows: 1000 + length, channels, seed: 21 });
const columns = ['value', 'contributions', 'observed', 'expected'] as const;

const folder = sharedDirectory();
const bundles = new Map<'int8' | 'fp32', LoadedBundle>();
const open: Scorer[] = [];

beforeAll(async () => {
  for (const precision of ['int8', 'fp32'] as const)
    bundles.set(precision, await trainedBundle({ folder, length, channels, precision, id: precision }));
});
afterAll(async () => {
  for (const scorer of open) await scorer.dispose();
});

async function scorerOf(precision: 'int8' | 'fp32', place: 'inline' | 'worker'): Promise<Scorer> {
  const scorer = await createScorer(bundles.get(precision) as LoadedBundle, { place });
  open.push(scorer);
  return scorer;
}

function batchOf(from: number, count: number): WindowBatchBuilder {
  const batch = new WindowBatchBuilder(length, channels);
  for (let w = from; w < from + count; w++) {
    const to = batch.open(0, w);
    batch.values.set(rows.subarray(w * channels, w * channels + values), to);
  }
  return batch;
}

/** The arrays are the scorer's until its next `score`. */
const kept = (scores: ScoreBatch) => Object.fromEntries(columns.map((name) => [name, Float32Array.from(scores[name])]));

describe.each(['int8', 'fp32'] as const)('a scorer of an %s model', (precision) => {
  it('gives every window the same bits whatever the batch, 1 to 1000', async () => {
    const scorer = await scorerOf(precision, 'inline');
    const whole = kept(await scorer.score(batchOf(0, 1000)));
    for (const size of [1, 2, 3, 5, 7, 8, 31, 64, 100, 255, 256, 257, 600]) {
      for (const from of [0, Math.floor((1000 - size) / 2), 1000 - size]) {
        const scores = await scorer.score(batchOf(from, size));
        expect(scores.count).toBe(size);
        for (const name of columns) {
          const width = name === 'value' ? 1 : channels;
          expect(Float32Array.from(scores[name])).toEqual(whole[name]?.slice(from * width, (from + size) * width));
        }
      }
    }
  });

  it('gives in a worker what it gives inline, for batches that grow and shrink', async () => {
    const [inline, worker] = [await scorerOf(precision, 'inline'), await scorerOf(precision, 'worker')];
    expect(inline).toBeInstanceOf(InlineScorer);
    expect(worker).toBeInstanceOf(WorkerScorer);
    for (const size of [3, 64, 65, 700, 1, 0, 700]) {
      expect(kept(await worker.score(batchOf(5, size)))).toEqual(kept(await inline.score(batchOf(5, size))));
    }
  });

  it('says NaN of a window with a NaN, and nothing else of its neighbours', async () => {
    for (const place of ['inline', 'worker'] as const) {
      const scorer = await scorerOf(precision, place);
      const healthy = kept(await scorer.score(batchOf(0, 5)));
      const batch = batchOf(0, 5);
      batch.values[2 * values + 7] = Number.NaN;
      const { value } = await scorer.score(batch);
      expect([...value]).toEqual([...(healthy.value as Float32Array)].map((score, w) => (w === 2 ? Number.NaN : score)));
    }
  });
});

describe('createScorer', () => {
  it('keeps a small model on the event loop', async () => {
    const scorer = await createScorer(bundles.get('int8') as LoadedBundle);
    open.push(scorer);
    expect(scorer).toBeInstanceOf(InlineScorer);
  });

  it('reads no further than the batch goes', async () => {
    const scorer = await scorerOf('int8', 'inline');
    const batch = batchOf(0, 3);
    batch.values.fill(Number.NaN, 3 * values);
    expect([...(await scorer.score(batch)).value].every(Number.isFinite)).toBe(true);
  });
});

describe('WorkerScorer', () => {
  it('does not hold the event loop', async () => {
    const worker = await scorerOf('int8', 'worker');
    const large = new WindowBatchBuilder(length, channels);
    for (let w = 0; w < 30_000; w++) {
      const to = large.open(0, w);
      large.values.set(rows.subarray((w % 1000) * channels, (w % 1000) * channels + values), to);
    }
    await worker.score(large);
    let turns = 0;
    let immediate = setImmediate(function turn() {
      turns++;
      immediate = setImmediate(turn);
    });
    await worker.score(large);
    clearImmediate(immediate);
    expect(turns).toBeGreaterThan(10);
  });

  it('takes one batch at a time', async () => {
    const worker = await scorerOf('int8', 'worker');
    const first = worker.score(batchOf(0, 2));
    await Promise.resolve();
    await expect(Promise.all([first, worker.score(batchOf(0, 2))])).rejects.toMatchObject({ code: 'FETTLE_SCORING_FAILED' });
    await first;
    expect((await worker.score(batchOf(0, 2))).count).toBe(2);
  });

  it('says so when the runtime refuses the model in the thread', async () => {
    const bundle = bundles.get('int8') as LoadedBundle;
    const worker = new WorkerScorer({ ...bundle, model: bundle.model.slice(0, 100) });
    open.push(worker);
    await expect(worker.score(batchOf(0, 1))).rejects.toMatchObject({
      code: 'FETTLE_SCORING_FAILED',
      message: expect.stringContaining('cannot be loaded'),
    });
  });

  it('fails what is under way when it is disposed of, and stays so', async () => {
    const worker = await scorerOf('int8', 'worker');
    await worker.score(batchOf(0, 1));
    const pending = worker.score(batchOf(0, 1000));
    const settled = expect(pending).rejects.toMatchObject({ code: 'FETTLE_SCORING_FAILED' });
    await worker.dispose();
    await settled;
    await expect(worker.score(batchOf(0, 1))).rejects.toMatchObject({ message: 'the scorer was disposed of' });
    await worker.dispose();
  });
});
