import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadBundle } from '../../src/bundles/index.ts';
import { WindowBatchBuilder } from '../../src/core/window.ts';
import { type TrainOptions, trainBundle } from '../../src/learning/train.ts';
import { createScorer } from '../../src/scoring/index.ts';
import { syntheticRows } from '../support/synthetic-machine.ts';
import { sharedDirectory } from '../support/temporary-directory.ts';

const tags = ['load', 'heat', 'flow', 'speed', 'torque', 'noise'];
const channels = tags.length;
const epochMs = Date.UTC(2026, 0, 1);
const folder = sharedDirectory();
let csv: string;

const recording = (rows: Float64Array, name: string): string => {
  const lines = Array.from({ length: rows.length / channels }, (_, i) =>
    [epochMs + i * 1000 + 1, ...Array.from(rows.subarray(i * channels, (i + 1) * channels), (value) => value.toFixed(5)), 'auto'].join(','),
  );
  const file = join(folder, `${name}.csv`);
  writeFileSync(file, `time,${tags.join(',')},mode\n${lines.join('\n')}\n`);
  return file;
};

beforeAll(() => {
  csv = recording(syntheticRows({ rows: 1500, channels, seed: 2 }), 'healthy');
});

const options = (more: Partial<TrainOptions> = {}): TrainOptions => ({
  csv: [csv],
  time: 'time',
  ignore: ['mode'],
  stepMs: 1000,
  length: 20,
  slide: 5,
  out: join(folder, 'machine/1.0.0'),
  precision: 'int8',
  seed: 7,
  epochs: 3,
  ...more,
});

describe('trainBundle', () => {
  it('makes a bundle that loads, is quiet on healthy rows and not on faulty ones', async () => {
    const progress: number[] = [];
    const result = await trainBundle(options(), ({ epoch }) => progress.push(epoch));
    expect(progress).toEqual([1, 2, 3]);
    expect(result.manifest).toMatchObject({
      id: 'machine',
      version: '1.0.0',
      channels: tags.map((tag) => ({ tag })),
      stepMs: 1000,
      length: 20,
      slide: 5,
      explainSteps: 6,
      training: { fromMs: epochMs, toMs: epochMs + 1_500_000, rows: 1500, seed: 7 },
    });
    expect(result.bytes).toBeLessThan(result.floatBytes);

    const scorer = await createScorer(await loadBundle(join(folder, 'machine/1.0.0')));
    const fresh = syntheticRows({ rows: 220, channels, seed: 3 });
    const batch = new WindowBatchBuilder(20, channels);
    for (let w = 0; w < 20; w++) {
      const to = batch.open(0, w);
      batch.values.set(fresh.subarray(w * 10 * channels, (w * 10 + 20) * channels), to);
    }
    for (let s = 0; s < 20; s++) {
      const at = (19 * 20 + s) * channels + 2;
      batch.values[at] = (batch.values[at] as number) + 25;
    }
    const { value, contributions } = await scorer.score(batch);
    const ratios = Array.from(value, (score) => score / result.manifest.limit);
    expect(Math.max(...ratios.slice(0, 19))).toBeLessThan(1);
    expect(ratios[19]).toBeGreaterThan(3);
    const parts = contributions.subarray(19 * channels);
    expect(parts.indexOf(Math.max(...parts))).toBe(2);
    await scorer.dispose();
  });

  it('is reproducible: same rows and seed, same file, bit for bit', async () => {
    const [one, two, other] = ['1.0.1', '1.0.2', '1.0.3'].map((version) => join(folder, 'same', version)) as [string, string, string];
    await trainBundle(options({ out: one }));
    await trainBundle(options({ out: two }));
    await trainBundle(options({ out: other, seed: 8 }));
    const model = (out: string): Buffer => readFileSync(join(out, 'model.onnx'));
    expect(model(one)).toEqual(model(two));
    expect(model(one)).not.toEqual(model(other));
  });

  it('joins recordings, and lets no window go from one to the next', async () => {
    const second = recording(syntheticRows({ rows: 600, channels, seed: 5 }), 'second');
    const { manifest } = await trainBundle(options({ csv: [csv, second], out: join(folder, 'joined/1.0.0') }));
    // Windows wholly in the first 80 % of each: 1200 − 19 and 480 − 19.
    expect(manifest.training).toMatchObject({ rows: 2100, windows: 1181 + 461 });
  });

  it.each([
    [
      'a channel that never changes',
      () =>
        recording(
          syntheticRows({ rows: 600, channels, seed: 5 }).map((v, i) => (i % channels === 1 ? 7 : v)),
          'flat',
        ),
      {},
      'FETTLE_TRAINING_FAILED',
      /never changes while learning: heat/,
    ],
    [
      'too few rows',
      () => recording(syntheticRows({ rows: 399, channels, seed: 5 }), 'short'),
      {},
      'FETTLE_TRAINING_FAILED',
      /399 usable rows on a grid of 1000 ms are too few/,
    ],
    ['a step shorter than the time between samples', () => csv, { stepMs: 100 }, 'FETTLE_TRAINING_FAILED', /too few/],
    [
      'windows longer than what is kept back',
      () => csv,
      { length: 400 },
      'FETTLE_TRAINING_FAILED',
      /no window lies wholly in the last fifth/,
    ],
    ['words', () => csv, { ignore: [] }, 'FETTLE_CSV_INVALID', /healthy\.csv:2: not a number: "auto" in column mode/],
    ['a folder that names no version', () => csv, { out: 'machine' }, 'FETTLE_TRAINING_FAILED', /does not end in NAME\/VERSION/],
    ['a version that exists', () => csv, { out: 'first' }, 'FETTLE_MODEL_INVALID', /exists already/],
  ] as const)('refuses %s', async (_, file, more, code, message) => {
    const out =
      'out' in more && more.out === 'first' ? join(folder, 'machine/1.0.0') : 'out' in more ? more.out : join(folder, 'refused/1.0.0');
    await expect(trainBundle(options({ ...more, csv: [file()], out } as Partial<TrainOptions>))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect(existsSync(join(folder, 'refused/1.0.0'))).toBe(false);
  });

  it('leaves nothing behind when it is stopped', async () => {
    const stop = new AbortController();
    const training = trainBundle(
      options({ out: join(folder, 'stopped/1.0.0'), epochs: 1000 }),
      () => stop.abort(new Error('enough')),
      stop.signal,
    );
    await expect(training).rejects.toThrow('enough');
    expect(readdirSync(folder)).not.toContain('stopped');
  });
});
