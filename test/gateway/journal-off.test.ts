import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { beforeAll, describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { eventually } from '../support/eventually.ts';
import { askStatus, fettle, runFettle } from '../support/fettle.ts';
import { startGateway } from '../support/gateway.ts';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { syntheticRows } from '../support/synthetic-machine.ts';
import { sharedDirectory, temporaryDirectory } from '../support/temporary-directory.ts';
import { trainedBundle } from '../support/trained-bundle.ts';

const channels = 3;
const length = 8;
const stepMs = 1000;
/** A few minutes ago: results older than the journal keeps them would be gone at once. */
const startMs = Math.floor(Date.now() / stepMs) * stepMs - 300_000;
const said = { advice: 'Check the clutch', consequence: 'The press stops within a shift' };
const rows = syntheticRows({ rows: 200, channels, seed: 5 });
const bundles = sharedDirectory();

beforeAll(async () => {
  await trainedBundle({ folder: bundles, length, channels, precision: 'int8' });
});

function configuration(mosquitto: Mosquitto, data: string, journal: 'off' | object = 'off'): object {
  return {
    site: 'north',
    data,
    journal,
    server: { listen: '127.0.0.1:0' },
    sources: [
      {
        id: 'shopfloor',
        type: 'mqtt',
        url: mosquitto.url,
        qos: 1,
        topics: [
          {
            topic: 'plant/{machine}',
            time: { path: '$.ts' },
            tags: Object.fromEntries(Array.from({ length: channels }, (_, c) => [`line1/{machine}/sensor-${c}`, `$.v[${c}]`])),
          },
        ],
      },
    ],
    tags: { 'line1/press/sensor-0': { limits: { hi: 1000 } } },
    assets: [
      {
        id: 'line1/press',
        tags: Array.from({ length: channels }, (_, c) => `line1/press/sensor-${c}`),
        window: { step: `${stepMs}ms`, length, slide: 1, allowedLateness: '0s' },
        detector: { model: join(bundles, 'machine/1.0.0') },
        alarm: { notWatchedAfter: '1h', acknowledge: 'required', ...said },
      },
    ],
    alerts: { url: mosquitto.url },
  };
}

async function broker(context: TestContext): Promise<{ mosquitto: Mosquitto; plant: mqtt.MqttClient }> {
  const mosquitto = (await startMosquitto({ config: ['persistence true'] })) ?? context.skip();
  onTestFinished(() => mosquitto.dispose());
  const plant = await mqtt.connectAsync(mosquitto.url, { protocolVersion: 5 });
  onTestFinished(() => plant.endAsync(true));
  return { mosquitto, plant };
}

/** Rows `from` to `upto` of the machine, one message a row. `high`: the first sensor is far above its limit. */
async function publish(plant: mqtt.MqttClient, from: number, upto: number, high = false): Promise<void> {
  for (let row = from; row < upto; row++) {
    const v = Array.from(rows.subarray(row * channels, (row + 1) * channels));
    if (high) v[0] = 2000;
    await plant.publishAsync('plant/press', JSON.stringify({ ts: startMs + row * stepMs, v }), { qos: 1 });
  }
}

/** Every message was acknowledged: the broker keeps nothing back. */
const allRead = (gateway: Gateway, messages: number) =>
  eventually(() => {
    const counters = gateway.status().sources.shopfloor?.counters;
    return counters?.messages === messages && counters.unacknowledged === 0;
  }, `${messages} messages read and acknowledged`);

const countOf = async (gateway: Gateway, table: string): Promise<number> =>
  ((await gateway.query<{ n: number }>(`SELECT count(*) AS n FROM ${table}`))[0] as { n: number }).n;

describe('journal: off', () => {
  it('scores, raises and publishes, acknowledges every message, and keeps no sample', async (context) => {
    const { mosquitto, plant } = await broker(context);
    const gateway = await startGateway(configuration(mosquitto, temporaryDirectory()));
    const heard: { topic: string; json: { rule?: string; to?: string; score?: number | null } }[] = [];
    plant.on('message', (topic, payload) => heard.push({ topic, json: JSON.parse(payload.toString()) }));
    await plant.subscribeAsync(['fettle/north/line1/press/alarm/event', 'fettle/north/line1/press/score'], { qos: 1 });
    await eventually(() => gateway.status().state === 'good' && gateway.status().sinks.alerts?.sink.state === 'good', 'connected');
    await publish(plant, 0, 5);
    await allRead(gateway, 5);
    // Nothing has followed from these samples yet: there is nothing to write, and their sender is not kept waiting for it.
    expect(gateway.status().journal.commits).toBe(0);
    await publish(plant, 5, 40);
    await publish(plant, 40, 43, true);
    await allRead(gateway, 43);
    const events = () => heard.filter(({ topic }) => topic.endsWith('/event'));
    await eventually(() => events().some(({ json }) => json.rule === 'hi'), 'the limit is raised');
    await eventually(() => events().some(({ json }) => json.rule === 'anomaly'), 'the anomaly is raised');
    expect(events().find(({ json }) => json.rule === 'anomaly')?.json).toMatchObject(said);
    expect(events().find(({ json }) => json.rule === 'hi')?.json).toMatchObject({ advice: null, consequence: null });
    await eventually(() => gateway.counters.scores >= 40 - length, 'scored');
    const scores = () => heard.filter(({ json }) => typeof json.score === 'number');
    await eventually(() => scores().length === gateway.counters.scores, 'every score is published');
    expect(gateway.counters.samples).toBe(43 * channels);
    await eventually(async () => (await countOf(gateway, 'transitions')) === events().length, 'the results are kept');
    await eventually(async () => (await countOf(gateway, 'scores')) === gateway.counters.scores, 'the scores are kept');
    expect(await countOf(gateway, 'segments')).toBe(0);
    expect(gateway.status().journal).toMatchObject({ keepsSamples: false, unkeptSamples: 0, failedCommits: 0 });
  });

  it('begins without samples after a clean stop; what stands, still stands', async (context) => {
    const { mosquitto, plant } = await broker(context);
    const data = temporaryDirectory();
    const first = await startGateway(configuration(mosquitto, data));
    await eventually(() => first.status().sources.shopfloor?.state === 'good', 'connected');
    await publish(plant, 0, 12, true);
    await allRead(first, 12);
    await eventually(() => first.counters.raised >= 1, 'raised');
    const before = first.status().assets[0]?.alarms;
    await first.stop();
    const second = await startGateway(configuration(mosquitto, data));
    expect(second.counters).toMatchObject({ recoveredSegments: 0, samples: 0 });
    expect(await countOf(second, 'segments')).toBe(0);
    expect(second.status().assets[0]?.alarms).toEqual(before);
    await eventually(() => second.status().sources.shopfloor?.state === 'good', 'connected again');
    await publish(plant, 12, 24);
    await allRead(second, 12);
    await eventually(() => second.counters.cleared >= 1, 'the limit is over');
  });

  it('has made no promise across a crash: it takes back what it published, starts, and raises anew', async (context) => {
    const { mosquitto, plant } = await broker(context);
    const directory = temporaryDirectory();
    const data = join(directory, 'data');
    const file = join(directory, 'fettle.yaml');
    const config = configuration(mosquitto, data);
    writeFileSync(file, JSON.stringify(config));
    const running = await runFettle(file);
    const events: { id: string; rule: string; withdrawn: boolean; sequence: number }[] = [];
    plant.on('message', (_, payload) => events.push(JSON.parse(payload.toString())));
    await plant.subscribeAsync('fettle/north/line1/press/alarm/event', { qos: 1 });
    // Raised before the first state of the fold is kept, five seconds after the start.
    await eventually(async () => (await askStatus(data)).sources.shopfloor?.state === 'good', 'connected');
    await publish(plant, 0, 3, true);
    await eventually(() => events.some(({ rule }) => rule === 'hi'), 'raised');
    const said = await fettle('status', '-c', file);
    expect(said.stdout).toMatch(/\n {2}journal {2}off: samples are not kept, \d+ commits?/);
    await running.stop('SIGKILL');
    const raised = events.splice(0).find(({ rule }) => rule === 'hi');
    const gateway = await startGateway(config);
    expect(gateway.counters).toMatchObject({ recoveredSegments: 0, samples: 0 });
    expect(gateway.status().assets[0]?.alarms).toEqual([]);
    await eventually(() => events.some(({ id, withdrawn }) => withdrawn && id === raised?.id), 'taken back');
    await publish(plant, 3, 6, true);
    await eventually(() => events.some(({ rule, withdrawn }) => rule === 'hi' && !withdrawn), 'raised anew');
    expect(await countOf(gateway, 'segments')).toBe(0);
  });

  it('is refused where something needs the samples', () => {
    const mosquitto = { url: 'mqtt://127.0.0.1:1' } as Mosquitto;
    const cloud = { id: 'cloud', type: 'influxdb', url: 'http://127.0.0.1:1', send: ['samples'] };
    const parse = (more: object) => () => parseConfig(JSON.stringify({ ...configuration(mosquitto, './data'), ...more }), 'test.yaml', {});
    expect(parse({})).not.toThrow();
    expect(parse({ sinks: [cloud] })).toThrow('samples cannot be sent while journal is off');
    expect(parse({ sinks: [cloud], journal: {} })).not.toThrow();
  });

  it('differs from a journal in exactly that: with one, the samples are there', async (context) => {
    const { mosquitto, plant } = await broker(context);
    const gateway = await startGateway(configuration(mosquitto, temporaryDirectory(), {}));
    await eventually(() => gateway.status().sources.shopfloor?.state === 'good', 'connected');
    await publish(plant, 0, 5);
    await allRead(gateway, 5);
    expect(await countOf(gateway, 'segments')).toBeGreaterThan(0);
    expect(gateway.status().journal).toMatchObject({ keepsSamples: true });
  });
});
