import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadBundle } from '../src/bundles/index.ts';
import { createScorer } from '../src/scoring/index.ts';
import { fettleLatency } from './latency.ts';
import type { BenchSite } from './support/bench-site.ts';
import { learnADay } from './support/learning-load.ts';
import { atMost, type BenchRow, median } from './support/row.ts';

const allowedSeconds = 60;
const rounds = 3;

/** From a day of rows to a bundle on the disk that has scored its golden windows; and what the alerts of a busy gateway feel of one learning after the other in its process. */
export async function benchLearn(site: BenchSite | undefined): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'fettle-bench-learn-'));
  const directory = join(folder, 'machine', '1.0.0');
  const began = performance.now();
  try {
    await learnADay(directory, new AbortController().signal);
    const scorer = await createScorer(await loadBundle(directory));
    const seconds = (performance.now() - began) / 1000;
    await scorer.dispose();
    return [atMost('learn', seconds, 's, a day of 8 channels at 1 Hz to an INT8 bundle', allowedSeconds, 1), ...(await beside(site))];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function beside(site: BenchSite | undefined): Promise<BenchRow[]> {
  if (site === undefined) return [];
  const quiet: number[] = [];
  const learning: number[] = [];
  for (let round = 0; round < rounds; round++) {
    quiet.push((await fettleLatency(site)).p99);
    learning.push((await fettleLatency(site, {}, { learning: true })).p99);
  }
  return [atMost('learn', median(learning), 'ms p99 of alerts while learning, beside without', median(quiet), 2)];
}
