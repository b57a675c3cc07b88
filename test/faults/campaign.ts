import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import mqtt from 'mqtt';
import { loadConfig } from '../../src/config/load.ts';
import { silentLogger } from '../../src/core/logger.ts';
import type { Score } from '../../src/core/score.ts';
import { seededRandom } from '../../src/core/seeded-random.ts';
import type { GatewayOptions } from '../../src/gateway/gateway.ts';
import { loadScorers } from '../../src/gateway/models.ts';
import { Names } from '../../src/gateway/names.ts';
import { Pipeline } from '../../src/gateway/pipeline.ts';
import { planPipeline } from '../../src/gateway/plan.ts';
import { readSegment } from '../../src/journal/segment.ts';
import { JournalStore } from '../../src/journal/store.ts';
import { trainBundle } from '../../src/learning/train.ts';
import { ModbusDevice } from '../../src/simulator/modbus-device.ts';
import { Plant } from '../../src/simulator/plant.ts';
import { FaultyDisk } from '../support/faulty-disk/faulty-disk.ts';
import { startInfluxd } from '../support/influxd.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { startRecordingProxy } from '../support/recording-proxy.ts';

export interface CampaignOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly directory: string;
  /** After each kill everything that was not synced vanishes. */
  readonly cutPower: boolean;
  /** A deliberately broken build. */
  readonly build?: Pick<GatewayOptions, 'synchronous' | 'acknowledge'>;
  readonly onRound?: (round: number) => void;
}

export interface Account {
  readonly rounds: number;
  readonly published: number;
  /** Numbers of samples the broker was told to forget that are not in the journal. */
  readonly lost: readonly number[];
  /** Samples that stand in the journal more than once. */
  readonly duplicated: number;
  readonly kept: readonly Result[];
  readonly replayed: readonly Result[];
  readonly transitions: readonly string[];
  readonly replayedTransitions: readonly string[];
  /** Of the transitions, those no subscriber heard. */
  readonly unheard: readonly string[];
  /** Scores in the journal of which the sink never got the point. */
  readonly undelivered: number;
  /** Points that reached the sink again under the same key with other content. */
  readonly contradicted: number;
  readonly modbusSamples: number;
  /** Until the gateway was ready again, ms, by round. */
  readonly readyMs: readonly number[];
  readonly undoneWrites: number;
}

interface Result {
  readonly asset: string;
  readonly endMs: number;
  readonly value: number;
}

const stepMs = 20;
/** Long enough for what follows when a source is taken to be idle, after five seconds, to be delivered too. */
const quietMs = 10_000;
/** A slow wave with noise, and now and then a stretch far off, so that alerts come and go. */
const flowOf = (row: number, faults = true): number =>
  5 + Math.sin(row / 9) + ((row * 7919) % 97) / 300 + (faults && row % 400 > 370 ? 9 : 0);

/**
 * An emitter numbers its samples (QoS 1, event times of its own), a Modbus device is polled beside it; the gateway is killed at random moments, journal, results and sink are
 * counted afterwards. Undefined where a peer is not installed.
 */
export async function campaign(options: CampaignOptions): Promise<Account | undefined> {
  const { directory, rounds, seed } = options;
  const mosquitto = await startMosquitto({ config: ['max_inflight_messages 100', 'persistence true', 'max_queued_messages 0'] });
  const influxd = await startInfluxd();
  if (mosquitto === undefined || influxd === undefined) return undefined;
  const proxy = await startRecordingProxy(influxd.url);
  const plant = new Plant({ seed });
  const [pump] = plant.machines;
  const device = new ModbusDevice([
    {
      unit: 1,
      machine: pump as NonNullable<typeof pump>,
      points: [{ sensor: 'flow', table: 'holdingRegister', address: 0, type: 'float32' }],
    },
  ]);
  await device.start();
  const turning = setInterval(() => device.refresh(), 10);
  const data = join(directory, 'data');
  mkdirSync(data);
  const disk = options.cutPower ? new FaultyDisk(data, directory) : undefined;
  // Event time runs faster than the clock: it begins so far back that no campaign catches up with it.
  const baseMs = Math.floor(Date.now() / 1_000_000) * 1_000_000 - 36_000_000;
  const model = await trainModel(directory, baseMs);
  const file = join(directory, 'fettle.yaml');
  writeFileSync(file, JSON.stringify(configurationOf(mosquitto.url, proxy.url, device.port, data, model)));
  const heard = new Set<string>();
  const client = await mqtt.connectAsync(mosquitto.url, { protocolVersion: 5 });
  client.on('message', (_, payload) => heard.add((JSON.parse(payload.toString()) as { id: string }).id));
  await client.subscribeAsync(['fettle/north/pump/alarm/event', 'fettle/north/both/alarm/event'], { qos: 1 });

  let child: ChildProcess | undefined;
  const start = async (): Promise<number> => {
    const began = performance.now();
    child = spawn(process.execPath, [join(import.meta.dirname, 'gateway-child.ts'), file, JSON.stringify(options.build ?? {})], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...disk?.environment() },
    });
    const ready = once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data');
    const died = once(child, 'exit').then(() => Promise.reject(new Error(`the gateway did not start (seed ${seed})`)));
    await Promise.race([ready, died]);
    died.catch(() => {});
    return performance.now() - began;
  };
  const random = seededRandom(seed);
  const readyMs: number[] = [];
  let row = 0;
  let undoneWrites = 0;
  try {
    await start();
    // The session exists from the first subscription on: what is published before it was never promised to anyone.
    await pause(500);
    for (let round = 0; round < rounds; round++) {
      const until = Date.now() + 60 + random() * 350;
      while (Date.now() < until) {
        await Promise.all(
          Array.from({ length: 20 }, () =>
            client.publishAsync('plant/pump', JSON.stringify({ ts: baseMs + row * stepMs, flow: flowOf(row++) }), { qos: 1 }),
          ),
        );
      }
      child?.kill('SIGKILL');
      await once(child as ChildProcess, 'exit');
      undoneWrites += disk?.cutPower() ?? 0;
      readyMs.push(await start());
      options.onRound?.(round + 1);
    }
    await settled(heard);
    child?.kill('SIGTERM');
    await once(child as ChildProcess, 'exit');
    await pause(200);
  } finally {
    child?.kill('SIGKILL');
    clearInterval(turning);
    await client.endAsync(true);
    await device.stop();
    await proxy.close();
    await influxd.dispose();
    await mosquitto.dispose();
  }
  return account(options, {
    file,
    data,
    baseMs,
    published: row,
    heard,
    bodies: proxy.records.map(({ body }) => body),
    readyMs,
    undoneWrites,
  });
}

/** The last life has what all lives before left unsent, which on a busy machine takes its time: until nothing more has been heard for a while, a minute at most. */
async function settled(heard: ReadonlySet<string>): Promise<void> {
  const deadline = performance.now() + 60_000;
  let [seen, sinceMs] = [-1, 0];
  while (performance.now() < deadline) {
    if (heard.size !== seen) [seen, sinceMs] = [heard.size, performance.now()];
    else if (performance.now() - sinceMs > quietMs) return;
    await pause(100);
  }
}

async function trainModel(directory: string, baseMs: number): Promise<string> {
  const csv = join(directory, 'training.csv');
  const rows = Array.from({ length: 3000 }, (_, row) => `${baseMs + row * stepMs},${flowOf(row, false)}`);
  writeFileSync(csv, `time,flow\n${rows.join('\n')}\n`);
  const model = join(directory, 'model', '1.0.0');
  await trainBundle({ csv: [csv], time: 'time', ignore: [], stepMs, length: 16, slide: 4, out: model, precision: 'int8', seed: 1 });
  return model;
}

function configurationOf(broker: string, influxdb: string, modbusPort: number, data: string, model: string): object {
  return {
    site: 'north',
    data,
    server: { listen: '127.0.0.1:0' },
    sources: [
      {
        id: 'emitter',
        type: 'mqtt',
        url: broker,
        topics: [{ topic: 'plant/{m}', time: { path: '$.ts' }, tags: { '{m}/flow': '$.flow' } }],
      },
      {
        id: 'plc',
        type: 'modbus',
        url: `tcp://127.0.0.1:${modbusPort}`,
        poll: '10ms',
        tags: [{ tag: 'plc/flow', table: 'holdingRegister', address: 0, type: 'float32', order: 'CDAB' }],
      },
    ],
    tags: { 'plc/flow': { limits: { hi: 1 } } },
    assets: [
      {
        id: 'pump',
        tags: ['pump/flow'],
        window: { step: `${stepMs}ms`, length: 16, slide: 4, allowedLateness: '0s' },
        detector: { model },
        alarm: { notWatchedAfter: '1d' },
      },
      // Live Modbus beside a queue that drains after each outage.
      {
        id: 'both',
        tags: ['plc/flow', 'pump/flow'],
        window: { step: '100ms', length: 8, slide: 4, allowedLateness: '200ms' },
        alarm: { notWatchedAfter: '1d' },
      },
    ],
    alerts: { url: broker },
    sinks: [
      { id: 'cloud', type: 'influxdb', url: influxdb, database: 'fettle', send: ['scores', 'alarms', 'samples'], batch: { wait: '100ms' } },
    ],
  };
}

interface Evidence {
  readonly file: string;
  readonly data: string;
  readonly baseMs: number;
  readonly published: number;
  readonly heard: ReadonlySet<string>;
  readonly bodies: readonly string[];
  readonly readyMs: readonly number[];
  readonly undoneWrites: number;
}

async function account(
  { rounds }: CampaignOptions,
  { file, data, baseMs, published, heard, bodies, readyMs, undoneWrites }: Evidence,
): Promise<Account> {
  const store = new JournalStore({ directory: data, maxBytes: 1e12, maxAgeMs: 1e15 });
  const segments = store.segments(0, 1e12);
  const { names } = store.opened;
  store.close();
  const [flow, plc] = [names.tag.indexOf('pump/flow'), names.tag.indexOf('plc/flow')];
  const seen = new Map<number, number>();
  let modbusSamples = 0;
  const { config } = loadConfig(file, {});
  const scorers = await loadScorers(config, silentLogger);
  const pipeline = new Pipeline(planPipeline(config, new Names(names, config.limits), scorers));
  const replayed: Result[] = [];
  const replayedTransitions: string[] = [];
  const output = {
    score: ({ asset, windowEndMs, value }: Score) => replayed.push({ asset, endMs: windowEndMs, value }),
    invalid: () => {},
    transition: ({ id }: { id: string }) => replayedTransitions.push(id),
    scoringFailed: () => {},
  };
  for (const { data: segment } of segments) {
    for (const entry of readSegment(segment)) {
      if (entry.kind === 'control') {
        pipeline.control(entry.row);
        continue;
      }
      const { tag, timeMs, length } = entry.block;
      for (let i = 0; i < length; i++) {
        if (tag[i] === plc) modbusSamples++;
        if (tag[i] !== flow) continue;
        const number = Math.round(((timeMs[i] as number) - baseMs) / stepMs);
        seen.set(number, (seen.get(number) ?? 0) + 1);
      }
      pipeline.block(entry.block);
    }
    await pipeline.settle(output);
  }
  for (const scorer of scorers.values()) await scorer.dispose();
  const database = new DatabaseSync(join(data, 'fettle.db'), { readOnly: true });
  const kept = (
    database.prepare('SELECT asset, end_ms AS endMs, value FROM scores').all() as { asset: number; endMs: number; value: number }[]
  ).map(({ asset, endMs, value }) => ({ asset: names.asset[asset] as string, endMs, value }));
  const transitions = (database.prepare('SELECT id FROM transitions').all() as { id: string }[]).map(({ id }) => id);
  database.close();
  const { points, contradicted } = pointsOf(bodies);
  const order = (a: Result, b: Result): number => a.asset.localeCompare(b.asset) || a.endMs - b.endMs;
  return {
    rounds,
    published,
    lost: Array.from({ length: published }, (_, i) => i).filter((i) => !seen.has(i)),
    duplicated: [...seen.values()].filter((times) => times > 1).length,
    kept: kept.sort(order),
    replayed: replayed.sort(order),
    transitions: transitions.sort(),
    replayedTransitions: replayedTransitions.sort(),
    unheard: transitions.filter((id) => !heard.has(id)),
    undelivered: kept.filter(
      ({ asset, endMs }) =>
        ![...(points.get(`${endMs}000000`) ?? [])].some((key) => key.startsWith('fettle_score,') && key.includes(`asset=${asset},`)),
    ).length,
    contradicted,
    modbusSamples,
    readyMs,
    undoneWrites,
  };
}

/** Series keys by time stamp, over all bodies the proxy saw; and how often one key came with two contents. */
function pointsOf(bodies: readonly string[]): { points: Map<string, Set<string>>; contradicted: number } {
  const contents = new Map<string, string>();
  const points = new Map<string, Set<string>>();
  let contradicted = 0;
  for (const line of bodies.flatMap((body) => body.split('\n'))) {
    const found = /^((?:\\.|[^ \\])+) (.*) (\d+)$/.exec(line);
    if (found === null) continue;
    const [, series = '', fields = '', time = ''] = found;
    // A span is begun and ended by two lines of one key, with fields of their own.
    const key = `${series} ${time}${series.startsWith('fettle_alarm_span,') && /(^|,)time_end=/.test(fields) ? ' end' : ''}`;
    if ((contents.get(key) ?? fields) !== fields) contradicted++;
    contents.set(key, fields);
    const known = points.get(time);
    if (known === undefined) points.set(time, new Set([series]));
    else known.add(series);
  }
  return { points, contradicted };
}
