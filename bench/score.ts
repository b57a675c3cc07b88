import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WindowBatchBuilder } from '../src/core/window.ts';
import { createScorer } from '../src/scoring/index.ts';
import { syntheticRows } from '../test/support/synthetic-machine.ts';
import { trainedBundle } from '../test/support/trained-bundle.ts';
import { atLeast, type BenchRow, median } from './support/row.ts';

const length = 16;
const channels = 8;
/** Windows that are there at once when a hundred assets report in one tick. */
const tick = 256;
const batches = [32, 64, 128, 256, 512];
const rounds = 5;
const roundMs = 400;
const target = 0.7;

/**
 * Windows a second through `createScorer().score`, in ticks of 256, beside a loop of bare `session.run` over the same INT8 model at its best batch.
 * Medians of five rounds, the two in turn.
 */
export async function benchScore(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'fettle-bench-score-'));
  try {
    const bundle = await trainedBundle({ folder, length, channels, precision: 'int8' });
    const scorer = await createScorer(bundle);
    const runtime = await import('onnxruntime-node');
    const session = await runtime.InferenceSession.create(bundle.model, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
    });
    const ours = windowsOf(tick);
    const bare = new Map(
      batches.map((size) => [
        size,
        { window: new runtime.Tensor('float32', windowsOf(size).values.slice(0, size * length * channels), [size, length, channels]) },
      ]),
    );
    const runOurs = () => rate(tick, () => scorer.score(ours));
    const runBare = (size: number) => rate(size, () => session.run(bare.get(size) as NonNullable<ReturnType<typeof bare.get>>));
    await runOurs();
    let best = { size: 0, rate: 0 };
    for (const size of batches) {
      await runBare(size);
      const measured = await runBare(size);
      if (measured > best.rate) best = { size, rate: measured };
    }
    const values: number[] = [];
    const limits: number[] = [];
    for (let round = 0; round < rounds; round++) {
      values.push(await runOurs());
      limits.push(await runBare(best.size));
    }
    await scorer.dispose();
    await session.release();
    return [atLeast('score', median(values), 'windows/s', median(limits), target)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function windowsOf(count: number): WindowBatchBuilder {
  const rows = syntheticRows({ rows: count + length, channels, seed: 77 });
  const batch = new WindowBatchBuilder(length, channels);
  for (let w = 0; w < count; w++) {
    const to = batch.open(0, w);
    batch.values.set(rows.subarray(w * channels, (w + length) * channels), to);
  }
  return batch;
}

/** Windows a second over `roundMs`. */
async function rate(windows: number, run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  let runs = 0;
  while (performance.now() - began < roundMs) {
    await run();
    runs++;
  }
  return (runs * windows * 1000) / (performance.now() - began);
}

if (import.meta.main) console.info(await benchScore());
