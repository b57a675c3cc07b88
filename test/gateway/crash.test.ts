import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import mqtt from 'mqtt';
import { expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { silentLogger } from '../../src/core/logger.ts';
import type { Score } from '../../src/core/score.ts';
import { seededRandom } from '../../src/core/seeded-random.ts';
import { loadScorers } from '../../src/gateway/models.ts';
import { Names } from '../../src/gateway/names.ts';
import { Pipeline } from '../../src/gateway/pipeline.ts';
import { planPipeline } from '../../src/gateway/plan.ts';
import { readSegment } from '../../src/journal/segment.ts';
import { JournalStore } from '../../src/journal/store.ts';
import { trainBundle } from '../../src/learning/train.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const kills = 12;
const stepMs = 20;
const baseMs = Math.floor(Date.now() / 1_000_000) * 1_000_000 - 3_600_000;
const flowOf = (row: number): number => 5 + Math.sin(row / 9) + ((row * 7919) % 97) / 300 + (row % 400 > 370 ? 9 : 0);

/** Killed at random moments under load; afterwards every published sample is in the journal once, and the results are those of an offline replay. */
it(`loses nothing and scores each window once, over ${kills} kills`, async (context) => {
  const mosquitto =
    (await startMosquitto({ config: ['max_inflight_messages 100', 'persistence true', 'max_queued_messages 0'] })) ?? context.skip();
  onTestFinished(() => mosquitto.dispose());
  const directory = temporaryDirectory();
  const csv = join(directory, 'training.csv');
  writeFileSync(
    csv,
    `time,flow\n${Array.from({ length: 3000 }, (_, row) => `${baseMs + row * stepMs},${5 + Math.sin(row / 9) + ((row * 7919) % 97) / 300}`).join('\n')}\n`,
  );
  const model = join(directory, 'model', '1.0.0');
  await trainBundle({ csv: [csv], time: 'time', ignore: [], stepMs, length: 16, slide: 4, out: model, precision: 'int8', seed: 1 });
  const file = join(directory, 'fettle.yaml');
  const configuration = {
    site: 'north',
    data: join(directory, 'data'),
    sources: [
      {
        id: 'm',
        type: 'mqtt',
        url: mosquitto.url,
        topics: [{ topic: 'plant/{m}', time: { path: '$.ts' }, tags: { '{m}/flow': '$.flow' } }],
      },
    ],
    assets: [
      {
        id: 'pump',
        tags: ['pump/flow'],
        window: { step: `${stepMs}ms`, length: 16, slide: 4, allowedLateness: '0s' },
        detector: { model },
        alarm: { notWatchedAfter: '1d' },
      },
    ],
    alerts: { url: mosquitto.url },
  };
  writeFileSync(file, JSON.stringify(configuration));
  const plant = await mqtt.connectAsync(mosquitto.url, { protocolVersion: 5 });
  onTestFinished(() => plant.endAsync(true));
  const events = new Map<string, number>();
  plant.on('message', (_, payload) => {
    const { id } = JSON.parse(payload.toString()) as { id: string };
    events.set(id, (events.get(id) ?? 0) + 1);
  });
  await plant.subscribeAsync('fettle/north/pump/alarm/event', { qos: 1 });

  const random = seededRandom(5);
  let row = 0;
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = spawn(process.execPath, [join(import.meta.dirname, '../support/gateway-child.ts'), file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data');
  };
  onTestFinished(() => void child?.kill('SIGKILL'));
  await start();
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (let round = 0; round < kills; round++) {
    const until = Date.now() + 100 + random() * 400;
    while (Date.now() < until) {
      await Promise.all(
        Array.from({ length: 20 }, () =>
          plant.publishAsync('plant/pump', JSON.stringify({ ts: baseMs + row * stepMs, flow: flowOf(row++) }), { qos: 1 }),
        ),
      );
    }
    child?.kill('SIGKILL');
    await once(child as ChildProcess, 'exit');
    await start();
  }
  await new Promise((resolve) => setTimeout(resolve, 3000));
  child?.kill('SIGTERM');
  await once(child as ChildProcess, 'exit');

  // Every sample once.
  const store = new JournalStore({ directory: configuration.data, maxBytes: 1e12, maxAgeMs: 1e15 });
  const segments = store.segments(0, 1e12);
  const { names: known } = store.opened;
  store.close();
  const times: number[] = [];
  for (const { data } of segments) for (const entry of readSegment(data)) if (entry.kind === 'samples') times.push(...entry.block.timeMs);
  const have = new Set(times);
  const missing = Array.from({ length: row }, (_, i) => i).filter((i) => !have.has(baseMs + i * stepMs));
  expect(missing).toEqual([]);
  expect(times.length).toBe(row);
  expect(new Set(times).size).toBe(row);

  // Every window the samples make, once, with the score of an offline replay.
  const { config } = loadConfig(file, {});
  const scorers = await loadScorers(config, silentLogger);
  const pipeline = new Pipeline(planPipeline(config, new Names(known, config.limits), scorers));
  const replayed: Score[] = [];
  const transitions: string[] = [];
  const output = {
    score: (score: Score) => replayed.push(score),
    invalid: () => {},
    transition: ({ id }: { id: string }) => transitions.push(id),
    scoringFailed: () => expect.fail(),
  };
  for (const { data } of segments) {
    for (const entry of readSegment(data)) {
      if (entry.kind === 'samples') pipeline.block(entry.block);
      else pipeline.control(entry.row);
    }
    await pipeline.settle(output);
  }
  const database = new DatabaseSync(join(configuration.data, 'fettle.db'), { readOnly: true });
  const kept = database.prepare('SELECT end_ms AS endMs, value FROM scores ORDER BY end_ms').all() as { endMs: number; value: number }[];
  const told = database.prepare('SELECT id FROM transitions ORDER BY sequence').all() as { id: string }[];
  database.close();
  expect(kept).toEqual(replayed.map(({ windowEndMs, value }) => ({ endMs: windowEndMs, value })));
  expect(kept.length).toBeGreaterThan(row / 4 - 10);

  // Every alert at least once, under one id.
  expect(told.map(({ id }) => id)).toEqual(transitions);
  expect(transitions.length).toBeGreaterThan(0);
  for (const id of transitions) expect(events.get(id), id).toBeGreaterThanOrEqual(1);
  for (const scorer of scorers.values()) await scorer.dispose();
}, 120_000);
