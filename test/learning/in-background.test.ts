import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { learnInBackground } from '../../src/learning/learn-in-background.ts';
import type { LearnProgress, LearnTask } from '../../src/learning/learn-task.ts';
import { syntheticRows } from '../support/synthetic-machine.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const channels = 6;
const task = (rows: number, more: Partial<LearnTask> = {}): LearnTask => ({
  history: {
    channels: Array.from({ length: channels }, (_, c) => `c${c}`),
    stepMs: 1000,
    runs: [{ rows, values: syntheticRows({ rows, channels, seed: 2 }) }],
  },
  facts: { id: 'machine', version: '1.0.0', stepMs: 1000, fromMs: null, toMs: null },
  budgetPerDay: undefined,
  directory: join(temporaryDirectory(), 'machine', '1.0.0'),
  ...more,
});

describe('learning in the background', () => {
  it('tells how far it is and writes the bundle', async () => {
    const heard: LearnProgress[] = [];
    const wanted = task(3000);
    await learnInBackground(wanted, new AbortController().signal, (progress) => heard.push(progress));
    expect(heard.map(({ done, of }) => done / of)).toEqual([...heard.map(({ done, of }) => done / of)].sort((a, b) => a - b));
    expect(heard.map(({ doing }) => doing)).toContain('calibrating and testing int8');
    expect(existsSync(join(wanted.directory, 'manifest.json'))).toBe(true);
  });

  it('is given up at any moment without a trace and without taking the process along', async () => {
    for (const [doing, family] of [
      ['looking for what belongs together', 'linear'],
      ['calibrating and testing fp32', 'linear'],
      ['calibrating and testing int8', 'linear'],
      ['training dense: epoch 2 of 200', 'dense'],
    ] as const) {
      const stop = new AbortController();
      const wanted = task(20_000, { family });
      const learning = learnInBackground(wanted, stop.signal, (progress) => {
        if (progress.doing.startsWith(doing)) stop.abort(new Error(`given up at ${doing}`));
      });
      await expect(learning).rejects.toThrow(`given up at ${doing}`);
      expect(existsSync(wanted.directory)).toBe(false);
    }
  });

  it('says what the thread could not do', async () => {
    await expect(learnInBackground(task(20), new AbortController().signal)).rejects.toMatchObject({ code: 'FETTLE_TRAINING_FAILED' });
  });
});
