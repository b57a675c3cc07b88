import { appendFileSync, cpSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FlowScorer } from '../../src/flow/flow-scorer.ts';
import { FlowTrainer, type FlowTrainerOptions, type TrainProgress } from '../../src/flow/flow-trainer.ts';
import { FlowWindows } from '../../src/flow/flow-windows.ts';
import type { FlowSample } from '../../src/flow/message-samples.ts';
import { findModel } from '../../src/flow/model-shelf.ts';
import { Plant } from '../../src/simulator/plant.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const asset = 'line1/pump';
const startMs = 1_790_000_000_000;
const never = new AbortController().signal;

interface Stretch {
  readonly fromS: number;
  readonly toS: number;
  readonly stepMs?: number;
  readonly seed?: number;
  /** Cavitation from here on. */
  readonly faultS?: number;
}

/** The simulated pump as samples of a flow. */
function pump({ fromS, toS, stepMs = 100, seed = 7, faultS }: Stretch): FlowSample[] {
  const plant = new Plant({ seed });
  if (faultS !== undefined) plant.add({ asset, kind: 'cavitation', growthS: 1, onsetS: faultS, durationS: 600 });
  const samples: FlowSample[] = [];
  for (let i = 0; i * stepMs < toS * 1000; i++) {
    plant.advanceTo((i * stepMs) / 1000);
    if (i * stepMs < fromS * 1000) continue;
    const time = startMs + i * stepMs;
    for (const [tag, value] of Object.entries(plant.machine(asset).read())) samples.push({ tag, value: value as number, time });
  }
  return samples;
}

/** In messages of a second. */
function feed(trainer: FlowTrainer, samples: readonly FlowSample[]): void {
  for (let i = 0; i < samples.length; i += 50) trainer.push(samples.slice(i, i + 50));
}

async function open(options: Partial<FlowTrainerOptions> = {}): Promise<FlowTrainer> {
  const folder = temporaryDirectory();
  const trainer = await FlowTrainer.open({
    directory: join(folder, 'train'),
    models: join(folder, 'models'),
    model: 'pump',
    asset,
    ...options,
  });
  onTestFinished(() => trainer.close());
  return trainer;
}

/** Score over limit of each window. */
async function ratios(bundle: string, samples: readonly FlowSample[]): Promise<number[]> {
  const scorer = await FlowScorer.open(bundle);
  try {
    const { values, stepMs, length, slide } = scorer.model;
    const windows = new FlowWindows({ asset, values, step: `${stepMs}ms`, length, slide, lateness: '0ms' });
    const scores = await Promise.all(windows.push(samples).windows.map((window) => scorer.score(window)));
    return scores.map(({ value, limit }) => value / limit);
  } finally {
    await scorer.close();
  }
}

describe('a model that is learnt in a flow', () => {
  it('follows the one in force: its grid and values, compared on the same stretch, activated, and taken back', async () => {
    const models = temporaryDirectory();
    const trainer = await open({ models });
    const shipped = findModel('pump', models);
    feed(trainer, pump({ fromS: 0, toS: 300 }));
    const progress: TrainProgress[] = [];
    const candidate = await trainer.train({}, never, (now) => progress.push(now));
    expect(candidate).toMatchObject({
      asset,
      model: {
        name: 'pump@1.0.1',
        stepMs: 100,
        length: 32,
        slide: 4,
        channels: ['flow', 'pressure', 'current', 'vibration', 'bearing-temp'],
      },
      fromMs: startMs,
      leftOut: [],
      comparison: { active: { name: 'pump@1.0.0' }, candidate: { name: 'pump@1.0.1', alarms: 0, inAlarm: 0 } },
    });
    // The last step may still grow.
    expect(candidate.rows).toBeGreaterThan(2970);
    expect(candidate.comparison?.active.windows).toBeGreaterThan(700);
    expect(candidate.comparison?.active.windows).toBe(candidate.comparison?.candidate.windows);
    expect(progress.map(({ doing }) => doing)).toEqual(expect.arrayContaining(['reading', 'training', 'comparing']));
    expect(progress.at(-1)?.share).toBe(1);

    // It judges nothing yet, and once it does it sees what is wrong and no more.
    expect(findModel('pump', models)).toEqual(shipped);
    expect(await trainer.activate()).toBe('pump@1.0.1');
    expect(await trainer.candidate()).toBeUndefined();
    const { directory } = findModel('pump', models);
    expect(directory).toBe(join(models, 'pump/1.0.1'));
    const healthy = await ratios(directory, pump({ fromS: 310, toS: 400 }));
    expect(healthy.filter((ratio) => ratio > 1).length / healthy.length).toBeLessThan(0.01);
    const faulty = await ratios(directory, pump({ fromS: 310, toS: 400, faultS: 350 }));
    const before = Math.floor(faulty.length * (40 / 90));
    expect(faulty.slice(0, before - 8).filter((ratio) => ratio > 1).length).toBeLessThanOrEqual(1);
    expect(faulty.slice(before + 30).filter((ratio) => ratio > 1).length / (faulty.length - before - 30)).toBeGreaterThan(0.9);

    expect(await trainer.previous()).toBe('pump@1.0.0');
    expect(findModel('pump', models)).toEqual(shipped);
    expect(await trainer.candidate()).toMatchObject({ name: 'pump@1.0.1' });
    await expect(trainer.previous()).rejects.toMatchObject({ code: 'FETTLE_MODEL_INVALID' });
  });

  it('is compared on what came since, too', async () => {
    const trainer = await open();
    feed(trainer, pump({ fromS: 0, toS: 120 }));
    const { toMs } = await trainer.train({}, never);
    await expect(trainer.compare({}, never)).rejects.toMatchObject({ message: expect.stringContaining('no window of pump@1.0.1 fits') });
    feed(trainer, pump({ fromS: 120, toS: 180, faultS: 150 }));
    const since = await trainer.compare({}, never);
    expect(since.fromMs).toBeGreaterThanOrEqual(toMs as number);
    const { active, candidate } = since;
    expect(active.name).toBe('pump@1.0.0');
    expect(candidate.inAlarm).toBeGreaterThan(0.4);
    expect(candidate.inAlarm).toBeLessThan(0.6);
    expect(since.agreement).toBeGreaterThan(0.9);
    expect(candidate.episodes[0]?.fromMs).toBeGreaterThan(startMs + 149_000);
  });

  it('is the first of its name: on the grid of the node, from the values that came and ever changed', async () => {
    const models = temporaryDirectory();
    const trainer = await open({ models, model: 'line1-pump', step: '200ms', length: 16, slide: 4 });
    const samples = pump({ fromS: 0, toS: 200 });
    feed(
      trainer,
      samples.flatMap((sample) =>
        sample.tag === 'flow'
          ? [
              { ...sample, tag: 'Motor flow' },
              { ...sample, tag: 'mode', value: 3 },
            ]
          : [sample],
      ),
    );
    const candidate = await trainer.train({}, never);
    expect(candidate).toMatchObject({
      model: { name: 'line1-pump@1.0.0', stepMs: 200, length: 16, slide: 4 },
      leftOut: ['mode'],
      comparison: null,
      notCompared: expect.stringContaining('no line1-pump in force'),
    });
    expect([...candidate.model.values].sort()).toEqual(['Motor_flow', 'bearing-temp', 'current', 'pressure', 'vibration']);
    expect(await trainer.activate()).toBe('line1-pump@1.0.0');
    // The one before it is none.
    await expect(trainer.previous()).rejects.toMatchObject({
      code: 'FETTLE_MODEL_INVALID',
      message: expect.stringContaining('stays in force'),
    });
    const { directory } = findModel('line1-pump', models);
    // By the names that messages have.
    const named = pump({ fromS: 200, toS: 220 }).map((sample) => (sample.tag === 'flow' ? { ...sample, tag: 'Motor flow' } : sample));
    expect((await ratios(directory, named)).every((ratio) => ratio < 1)).toBe(true);
  });

  it('is learnt from a recording', async () => {
    const file = join(temporaryDirectory(), 'pump.csv');
    const columns = ['flow', 'pressure', 'current', 'vibration', 'bearing-temp'];
    writeFileSync(file, `ts,operator shift,${columns.join(',')}\n`);
    const plant = new Plant({ seed: 7 });
    for (let i = 0; i < 1200; i++) {
      plant.advanceTo(i / 10);
      const row = plant.machine(asset).read() as Record<string, number>;
      appendFileSync(file, `${startMs + i * 100},early,${columns.map((column) => row[column]).join(',')}\n`);
    }
    const trainer = await open();
    await expect(trainer.train({ recording: file }, never)).rejects.toMatchObject({
      code: 'FETTLE_CSV_INVALID',
      message: expect.stringContaining('"time"'),
    });
    const candidate = await trainer.train({ recording: file, time: 'ts', ignore: ['operator shift'] }, never);
    expect(candidate).toMatchObject({
      rows: 1200,
      model: { name: 'pump@1.0.1' },
      comparison: { active: { alarms: 0 }, candidate: { alarms: 0 } },
    });
  });

  it('needs enough, says what is missing, and leaves the candidate that waits where it is', async () => {
    const trainer = await open();
    await expect(trainer.train({}, never)).rejects.toMatchObject({
      code: 'FETTLE_TRAINING_FAILED',
      message: expect.stringContaining('no samples of line1/pump'),
    });
    await expect(trainer.activate()).rejects.toMatchObject({ code: 'FETTLE_MODEL_INVALID' });
    feed(trainer, pump({ fromS: 0, toS: 120 }));
    await trainer.train({}, never);
    await expect(trainer.train({ fromMs: startMs + 100_000 }, never)).rejects.toMatchObject({
      code: 'FETTLE_TRAINING_FAILED',
      message: expect.stringMatching(/usable rows .* too few/),
    });
    const stop = new AbortController();
    await expect(
      trainer.train({}, stop.signal, ({ doing }) => {
        if (doing === 'training') stop.abort(new Error('given up'));
      }),
    ).rejects.toThrow('given up');
    expect(await trainer.candidate()).toMatchObject({ name: 'pump@1.0.1' });
    const other = await open({ values: ['flow', 'level'] });
    feed(other, pump({ fromS: 0, toS: 60 }));
    await expect(other.train({}, never)).rejects.toMatchObject({
      message: expect.stringContaining('no samples of line1/pump/level have come'),
    });
    await expect(open({ model: '/models/Pump' })).rejects.toMatchObject({ code: 'FETTLE_CONFIG_INVALID' });
    await expect(open({ keep: 'long' })).rejects.toMatchObject({ code: 'FETTLE_CONFIG_INVALID' });
    await expect(open({ step: 'often' })).rejects.toMatchObject({ code: 'FETTLE_CONFIG_INVALID' });
  });

  it('has what came before a restart, and no more than is to be kept', async () => {
    const directory = temporaryDirectory();
    const first = await open({ directory, keep: '1h' });
    feed(first, pump({ fromS: 0, toS: 100 }));
    await first.close();
    const second = await open({ directory, keep: '60s' });
    expect(await second.kept()).toMatchObject({ samples: 5000, fromMs: startMs + 99_900 - 60_000, toMs: startMs + 99_900 });
    feed(second, pump({ fromS: 100, toS: 140 }));
    const { rows, fromMs } = await second.train({}, never);
    expect(fromMs).toBe(startMs + 139_900 - 60_000);
    expect(rows).toBeLessThanOrEqual(600);
    expect(existsSync(join(directory, 'new', 'pump'))).toBe(false);
  });

  it('takes the place of a bundle without versions, which becomes one of them', async () => {
    const models = temporaryDirectory();
    const trainer = await open({ models });
    feed(trainer, pump({ fromS: 0, toS: 60 }));
    await trainer.train({}, never);
    cpSync(findModel('pump', models).directory, join(models, 'pump'), { recursive: true });
    expect(await trainer.activate()).toBe('pump@1.0.1');
    expect(findModel('pump', models).directory).toBe(join(models, 'pump/1.0.1'));
    expect(await trainer.previous()).toBe('pump@1.0.0');
    expect(findModel('pump', models).directory).toBe(join(models, 'pump/1.0.0'));
  });
});
