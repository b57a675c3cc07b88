import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { learnInBackground } from '../../src/learning/learn-in-background.ts';
import { syntheticRows } from '../../test/support/synthetic-machine.ts';

const learningRows = 86_400;
const learningChannels = 8;

let day: Float64Array | undefined;

/** A day of 8 channels at 1 Hz, as a gateway learns it: in the thread of low priority, to an INT8 bundle in `directory`. */
export function learnADay(directory: string, signal: AbortSignal): Promise<void> {
  // Made once: making them is the bench's work, not the gateway's.
  day ??= syntheticRows({ rows: learningRows, channels: learningChannels, seed: 1 });
  const values = day.slice();
  return learnInBackground(
    {
      history: {
        channels: Array.from({ length: learningChannels }, (_, c) => `c${c}`),
        stepMs: 1000,
        runs: [{ rows: learningRows, values }],
      },
      facts: { id: 'machine', version: '1.0.0', stepMs: 1000, fromMs: null, toMs: null },
      budgetPerDay: undefined,
      directory,
    },
    signal,
  );
}

/** Learns one day after the other until the signal. */
export async function learnForEver(signal: AbortSignal): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fettle-bench-learn-'));
  try {
    for (let n = 0; !signal.aborted; n++) await learnADay(join(folder, `machine${n}`, '1.0.0'), signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
