import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadBundle } from '../src/bundles/index.ts';
import { learnInBackground } from '../src/learning/learn-in-background.ts';
import { createScorer } from '../src/scoring/index.ts';
import { syntheticRows } from '../test/support/synthetic-machine.ts';
import type { BenchRow } from './support/row.ts';

const rows = 86_400;
const channels = 8;
const allowedSeconds = 60;

/** From a day of rows to a bundle on the disk that has scored its golden windows, as a gateway does it: in the thread of low priority. */
export async function benchLearn(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'fettle-bench-learn-'));
  const directory = join(folder, 'machine', '1.0.0');
  const values = syntheticRows({ rows, channels, seed: 1 });
  const began = performance.now();
  try {
    await learnInBackground(
      {
        history: { channels: Array.from({ length: channels }, (_, c) => `c${c}`), stepMs: 1000, runs: [{ rows, values }] },
        facts: { id: 'machine', version: '1.0.0', stepMs: 1000, fromMs: null, toMs: null },
        budgetPerDay: undefined,
        directory,
      },
      new AbortController().signal,
    );
    const scorer = await createScorer(await loadBundle(directory));
    const value = (performance.now() - began) / 1000;
    await scorer.dispose();
    return [
      {
        name: 'learn',
        value,
        unit: 's, a day of 8 channels at 1 Hz to an INT8 bundle',
        limit: allowedSeconds,
        ratio: value / allowedSeconds,
        target: 1,
        reached: value <= allowedSeconds,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
