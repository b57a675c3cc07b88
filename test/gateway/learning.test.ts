import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import type { AlarmTransition } from '../../src/core/alarm.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { syntheticRows } from '../support/synthetic-machine.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** What learns stands behind everything else that wants the processor, other tests too. */
const learnsWithin = 90_000;
const stepMs = 100;
const channels = ['a', 'b', 'c', 'd'];
const asset = 'line1/press';
const rows = 6_000;
const machine = syntheticRows({ rows, channels: channels.length, seed: 5 });

async function broker(context: TestContext): Promise<Mosquitto> {
  const mosquitto = (await startMosquitto()) ?? context.skip();
  onTestFinished(() => mosquitto.dispose());
  return mosquitto;
}

const configuration = (mosquitto: Mosquitto, data: string, learn: object): object => ({
  site: 'north',
  data,
  sources: [
    {
      id: 'plant',
      type: 'mqtt',
      url: mosquitto.url,
      qos: 1,
      topics: [
        {
          topic: 'plant/press',
          time: { path: '$.ts' },
          tags: Object.fromEntries(['running', ...channels].map((name) => [`${asset}/${name}`, `$.${name}`])),
        },
      ],
    },
  ],
  assets: [
    {
      id: asset,
      tags: channels.map((name) => `${asset}/${name}`),
      window: { step: `${stepMs}ms`, allowedLateness: '0s' },
      running: { when: `${asset}/running == 1` },
      detector: { learn },
      alarm: { notWatchedAfter: '1d' },
    },
  ],
});

/** Rows `from` to `to` of the machine; `change` may spoil one. */
async function publish(
  client: mqtt.MqttClient,
  from: number,
  to: number,
  change: (row: Record<string, number>, i: number) => void = () => {},
): Promise<void> {
  for (let i = from; i < to; i++) {
    const row: Record<string, number> = { ts: 1_790_000_000_000 + i * stepMs, running: 1 };
    for (const [c, name] of channels.entries()) row[name] = machine[(i % rows) * channels.length + c] as number;
    change(row, i);
    const sent = client.publishAsync('plant/press', JSON.stringify(row), { qos: 1 });
    if (i % 50 === 0) await sent;
  }
}

const learning = (gateway: Gateway) => gateway.status().learning[asset] as NonNullable<ReturnType<Gateway['status']>['learning'][string]>;

describe('an asset without a model', () => {
  it(
    'learns one from itself, then a better one, and judges with it across a restart',
    async (context) => {
      const mosquitto = await broker(context);
      const data = temporaryDirectory();
      const transitions: AlarmTransition[] = [];
      const listener = { transition: (transition: AlarmTransition) => void transitions.push(transition) };
      const learn = { provisional: '1m', established: '4m' };
      const gateway = await startGateway(configuration(mosquitto, data, learn), { listener });
      const client = await mqtt.connectAsync(mosquitto.url, { protocolVersion: 5 });
      onTestFinished(() => client.endAsync(true));

      await publish(client, 0, 500);
      await eventually(() => learning(gateway).seenMs > 40_000, 'rows are counted');
      expect(learning(gateway)).toMatchObject({ stage: 'none', wantedMs: 60_000 });
      expect(learning(gateway).text).toMatch(/^line1\/press learning: \d+ s of 1 min running time seen$/);
      expect(gateway.status().assets[0]?.watching).toBe('learning');

      await publish(client, 500, 700);
      await eventually(() => learning(gateway).stage === 'provisional', 'a provisional model', learnsWithin);
      expect(learning(gateway).text).toMatch(/^line1\/press provisional: .* of 4 min running time seen$/);
      await publish(client, 700, 1200);
      await eventually(() => gateway.counters.scores > 300, 'scores of the provisional model');

      await publish(client, 1200, 2600);
      await eventually(() => learning(gateway).stage === 'established', 'an established model', learnsWithin);
      const bundles = readdirSync(join(data, 'models/line1/press')).sort();
      expect(bundles.map((name) => name[0])).toEqual(['0', '1']);
      expect(readFileSync(join(data, 'models/line1/press', bundles[1] as string, 'CARD.md'), 'utf8')).toContain(
        'tracking detector over 4 channels',
      );

      await gateway.stop();
      const again = await startGateway(configuration(mosquitto, data, learn), { listener });
      expect(learning(again).stage).toBe('established');
      await publish(client, 2600, 3200);
      await eventually(() => again.counters.scores > 500, 'scores after the restart');
      expect(transitions.filter(({ rule }) => rule === 'anomaly')).toEqual([]);
      await publish(client, 3200, 3300, (row) => {
        row.b = (row.b as number) + 40;
      });
      const anomaly = (): AlarmTransition | undefined => transitions.find(({ rule, to }) => rule === 'anomaly' && to === 'unacknowledged');
      await eventually(() => anomaly() !== undefined, 'the fault is raised');
      const raised = anomaly();
      expect(raised).toMatchObject({ asset, rule: 'anomaly', provisional: false, model: `line1-press@${bundles[1]}` });
      expect(raised?.findings[0]).toMatchObject({ tag: `${asset}/b` });
      const { value, expected } = raised?.findings[0] ?? {};
      expect(value).toBeGreaterThan(expected?.[1] ?? Number.POSITIVE_INFINITY);

      // A person goes back to the model before, and is not overruled.
      const [models] = await again.models.list();
      expect(models).toMatchObject({ asset, inForce: { by: null } });
      expect(models?.stored.map(({ stage }) => stage)).toEqual(['established', 'provisional']);
      expect(await again.models.use(asset, 'previous', 'anna')).toBe(models?.inForce?.previous);
      expect(learning(again).stage).toBe('provisional');
      const before = again.counters.scores;
      await publish(client, 3300, 3900);
      await eventually(() => again.counters.scores > before + 500, 'scores of the model before');
      expect(learning(again).stage).toBe('provisional');
      expect(await again.models.list()).toMatchObject([{ inForce: { by: 'anna', previous: models?.inForce?.bundle } }]);
      await expect(again.models.use(asset, { version: '9.9.9' }, 'anna')).rejects.toMatchObject({ code: 'FETTLE_COMMAND_INVALID' });
      const folder = join(data, models?.inForce?.bundle as string);
      await expect(again.models.use(asset, { folder }, 'anna')).rejects.toThrow('already');
    },
    3 * learnsWithin,
  );

  it(
    'never learns from a machine that stands still, and says why it could not learn',
    async (context) => {
      const mosquitto = await broker(context);
      const data = temporaryDirectory();
      const gateway = await startGateway(configuration(mosquitto, data, { provisional: '1m', established: '4m' }));
      const client = await mqtt.connectAsync(mosquitto.url, { protocolVersion: 5 });
      onTestFinished(() => client.endAsync(true));
      await publish(client, 0, 800, (row) => {
        row.running = 0;
      });
      await eventually(() => gateway.counters.samples >= 800 * 5, 'samples came in');
      expect(learning(gateway).seenMs).toBe(0);
      // Runs, and every channel stands on one value.
      await publish(client, 800, 1600, (row) => {
        for (const name of channels) row[name] = 7;
      });
      await eventually(() => learning(gateway).text.includes('could not learn'), 'a reason', learnsWithin);
      expect(learning(gateway).text).toContain('nothing in the history ever changes');
      expect(existsSync(join(data, 'models'))).toBe(false);
    },
    3 * learnsWithin,
  );
});
