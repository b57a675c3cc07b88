/** Makes the demo's models from the simulator's healthy recordings with `fettle train`: node tools/make-models.ts */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simulateCsv } from './simulate-csv.ts';

/** The tests use seeds that no training has seen: keep those below 1,000,000 out of here. */
const trainingSeeds = [1_000_001, 1_000_002, 1_000_003, 1_000_004];
const secondsEach = 900;
const stepMs = 100;

const directory = mkdtempSync(join(tmpdir(), 'fettle-models-'));
try {
  for (const [machine, files] of simulateCsv(directory, trainingSeeds, secondsEach, stepMs)) {
    const out = `models/${machine}/1.0.0`;
    rmSync(out, { recursive: true, force: true });
    const args = [
      'bin/fettle.js',
      'train',
      '--csv',
      ...files,
      '--time',
      'time',
      '--step',
      `${stepMs}ms`,
      '--length',
      '32',
      '--slide',
      '4',
      '--seed',
      '7',
      '--out',
      out,
    ];
    const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
    if (status !== 0) process.exit(status ?? 1);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
