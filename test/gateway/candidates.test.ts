import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import type { AlarmTransition } from '../../src/core/alarm.ts';
import type { ModelManifest } from '../../src/core/manifest.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import type { LearningStatus } from '../../src/gateway/learner.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { syntheticRows } from '../support/synthetic-machine.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** What learns stands behind everything else that wants the processor, other tests too. */
const learnsWithin = 90_000;
const stepMs = 100;
const channels = ['a', 'b', 'c', 'd'];
const asset = 'line1/press';
const rows = 12_000;
const machine = syntheticRows({ rows, channels: channels.length, seed: 5 });
const startMs = 1_790_000_000_000;

type Change = (row: Record<string, number>) => void;

/** A gateway over MQTT whose only asset learns from itself; `play` publishes the machine's next rows. */
async function plant(context: TestContext, learn: object, product?: string) {
  const mosquitto = (await startMosquitto()) ?? context.skip();
  onTestFinished(() => mosquitto.dispose());
  const data = temporaryDirectory();
  const transitions: AlarmTransition[] = [];
  const lessons: LearningStatus[] = [];
  const tags = Object.fromEntries(channels.map((name) => [`${asset}/${name}`, `$.${name}`]));
  const sent = { ...tags, ...(product !== undefined && { [product]: '$.product' }) };
  const configuration = {
    site: 'north',
    data,
    sources: [
      { id: 'plant', type: 'mqtt', url: mosquitto.url, qos: 1, topics: [{ topic: 'plant/press', time: { path: '$.ts' }, tags: sent }] },
    ],
    assets: [
      {
        id: asset,
        tags: Object.keys(tags),
        window: { step: `${stepMs}ms`, allowedLateness: '0s' },
        detector: { learn },
        alarm: { notWatchedAfter: '1d' },
        ...(product !== undefined && { context: product }),
      },
    ],
  };
  const start = async (): Promise<Gateway> => {
    const gateway = await startGateway(configuration, {
      listener: { transition: (transition) => void transitions.push(transition), learning: (_, status) => void lessons.push(status) },
    });
    await eventually(() => gateway.status().sources.plant?.state === 'good', 'the source is connected');
    return gateway;
  };
  const client = await mqtt.connectAsync(mosquitto.url, { protocolVersion: 5 });
  onTestFinished(() => client.endAsync(true));
  let played = 0;
  const play = async (count: number, change: Change = () => {}): Promise<void> => {
    for (const end = played + count; played < end; played++) {
      const row: Record<string, number> = { ts: startMs + played * stepMs };
      for (const [c, name] of channels.entries()) row[name] = machine[(played % rows) * channels.length + c] as number;
      change(row);
      const sent = client.publishAsync('plant/press', JSON.stringify(row), { qos: 1 });
      if (played % 50 === 0) await sent;
    }
  };
  return { data, start, play, transitions, lessons, nowMs: () => startMs + played * stepMs };
}

const learning = (gateway: Gateway): LearningStatus => gateway.status().learning[asset] as LearningStatus;
const manifestIn = (data: string, bundle: string): ModelManifest =>
  JSON.parse(readFileSync(join(data, bundle, 'manifest.json'), 'utf8')) as ModelManifest;

describe('a candidate', () => {
  it(
    'judges in the shadow, across a restart, is compared and promoted by a person, and learns from what people said',
    async (context) => {
      const { data, start, play, transitions, lessons, nowMs } = await plant(context, { provisional: '40s', established: '1m' });
      const gateway = await start();
      expect(() => gateway.models.learner.request(asset)).toThrow('no established model');
      await play(800);
      await eventually(() => learning(gateway).stage === 'established', 'an established model', learnsWithin);
      expect(lessons.map(({ progress }) => progress?.doing)).toEqual(expect.arrayContaining(['reading its history', 'writing the bundle']));
      const [first] = await gateway.models.list();
      await expect(gateway.models.promote(asset, 'anna')).rejects.toThrow('no candidate');
      await expect(gateway.models.compare({ asset, versions: ['7.7.7', '8.8.8'] }, AbortSignal.timeout(5000))).rejects.toThrow('7.7.7');

      // Something that looks like a fault and is none.
      await play(300);
      const harmless = nowMs();
      await play(60, (row) => {
        row.b = (row.b as number) + 30;
      });
      await play(600);
      const anomalies = (): AlarmTransition[] => transitions.filter(({ rule, to }) => rule === 'anomaly' && to === 'unacknowledged');
      await eventually(() => anomalies().length > 0, 'it is raised');
      await eventually(() => gateway.status().assets[0]?.state === 'normal', 'and over');
      await gateway.command({ verb: 'false', asset, by: 'anna' });

      gateway.models.learner.request(asset);
      await eventually(() => learning(gateway).candidate !== null, 'a candidate', learnsWithin);
      const candidate = learning(gateway).candidate;
      expect(candidate).toMatchObject({ reason: 'request', tally: { candidate: { alarms: 0 } } });
      expect(learning(gateway).text).toContain('a candidate (request) judges beside it');
      const manifest = manifestIn(data, candidate?.bundle as string);
      expect(manifest.parent).toBe(first?.stored[0]?.version);
      expect(manifest.measured?.map(({ precision }) => precision)).toEqual(['fp32', 'int8']);
      expect(manifest.training.fromMs).toBeGreaterThanOrEqual(startMs - stepMs);
      expect(manifest.training.toMs).toBeGreaterThan(harmless);

      await play(200);
      const judged = (gateway: Gateway): number => learning(gateway).candidate?.tally.candidate.rows ?? 0;
      await eventually(() => judged(gateway) > 150, 'it judges');
      await gateway.stop();
      const again = await start();
      expect(judged(again)).toBeGreaterThan(150);
      const before = judged(again);
      await play(100);
      await eventually(() => judged(again) > before + 50, 'it goes on judging');
      // The candidate's first window had to fill; else both judge the same rows.
      const behind = (): number => {
        const { tally } = learning(again).candidate as NonNullable<LearningStatus['candidate']>;
        return tally.active.rows - tally.candidate.rows;
      };
      await eventually(() => behind() >= 0 && behind() < 20, 'both have judged the same rows');

      const comparison = await again.models.compare({ asset }, AbortSignal.timeout(learnsWithin));
      expect(comparison).toMatchObject({ asset, faults: 0, notFaults: 1 });
      expect(comparison.models.map(({ version }) => version)).toEqual([first?.stored[0]?.version, manifest.version]);
      expect(comparison.models[0]).toMatchObject({ falseRepeated: 1 });
      expect(comparison.models[0]?.episodes[0]?.fromMs).toBeGreaterThanOrEqual(harmless);
      expect(comparison.models[1]?.rows).toBeGreaterThan(1500);
      expect(comparison.agreement).toBeGreaterThan(0.9);

      expect(await again.models.promote(asset, 'anna')).toBe(candidate?.bundle);
      expect(learning(again).candidate).toBeNull();
      expect(await again.models.list()).toMatchObject([{ inForce: { bundle: candidate?.bundle, by: 'anna', pinned: false } }]);
      const scores = again.counters.scores;
      await play(100);
      await eventually(() => again.counters.scores > scores + 50, 'it judges in force');
      expect(await again.models.use(asset, 'previous', 'anna')).toBe(first?.inForce?.bundle);
    },
    3 * learnsWithin,
  );

  it(
    'follows what a person calls the new normal, and takes over by policy',
    async (context) => {
      const learn = { provisional: '40s', established: '1m', promote: 'auto', shadow: '20s' };
      const { data, start, play, transitions } = await plant(context, learn);
      const gateway = await start();
      await play(800);
      await eventually(() => learning(gateway).stage === 'established', 'an established model', learnsWithin);
      const [first] = await gateway.models.list();
      // From here on the log is live: what is normal now is said at a place in event time.
      const shifted: Change = (row) => {
        row.c = (row.c as number) + 25;
      };
      await play(300, shifted);
      await eventually(() => gateway.status().assets[0]?.state === 'active', 'the change is raised');
      await gateway.command({ verb: 'newNormal', asset, by: 'anna' });
      // A model of one minute may raise again in what it has never seen: what stood is over.
      expect(transitions.filter(({ by }) => by === 'anna')).toMatchObject([{ rule: 'anomaly', to: 'normal' }]);
      // But for rows that were still on their way.
      expect(learning(gateway).seenMs).toBeLessThan(30_000);
      await play(620, shifted);
      await eventually(() => learning(gateway).candidate !== null, 'a candidate', learnsWithin);
      const { bundle, reason } = learning(gateway).candidate ?? {};
      expect(reason).toBe('newNormal');
      // Learnt from how it runs now alone.
      const mean = (of: string | undefined): number | undefined => manifestIn(data, of as string).channels[2]?.mean;
      expect((mean(bundle) as number) - (mean(first?.inForce?.bundle) as number)).toBeGreaterThan(20);
      await play(300, shifted);
      await eventually(() => learning(gateway).candidate === null, 'it takes over', learnsWithin);
      expect(await gateway.models.list()).toMatchObject([{ inForce: { bundle, previous: first?.inForce?.bundle, by: null } }]);
    },
    3 * learnsWithin,
  );

  it(
    'is given up when a person cancels, and the asset says so',
    async (context) => {
      const { start, play, lessons } = await plant(context, { provisional: '40s', established: '1d' });
      const gateway = await start();
      await expect(gateway.models.learner.cancel(asset, 'anna')).rejects.toThrow('not learning now');
      await play(800);
      await eventually(() => lessons.some(({ progress }) => progress !== null), 'it begins to learn', learnsWithin);
      await gateway.models.learner.cancel(asset, 'anna');
      expect(learning(gateway)).toMatchObject({ stage: 'none', progress: null });
      expect(learning(gateway).text).toContain('cancelled by anna');
    },
    3 * learnsWithin,
  );
});

describe('a machine without a run signal', () => {
  it(
    'is seen to stand still now and then, and is not judged while it does',
    async (context) => {
      const { start, play, transitions, data } = await plant(context, { provisional: '2m', established: '10m' });
      const gateway = await start();
      const off: Change = (row) => {
        for (const name of channels) row[name] = name === 'd' ? 50 : 0.01 * (row[name] as number);
      };
      for (let shift = 0; shift < 4; shift++) {
        await play(250);
        await play(100, off);
      }
      await eventually(() => learning(gateway).stage === 'provisional', 'a model', learnsWithin);
      expect(learning(gateway).text).toMatch(
        /it seems to stand still unless line1\/press\/[abc] > [\d.]+ \|\| .*\(\d+ % of what it learnt from\)/,
      );
      const [models] = await gateway.models.list();
      const { running } = manifestIn(data, models?.inForce?.bundle as string);
      expect(running?.when).toContain(`${asset}/b > `);
      expect(running?.offShare).toBeCloseTo(0.29, 1);
      await play(300);
      await play(150, off);
      await play(300);
      await eventually(() => gateway.counters.scores > 400, 'scores');
      expect(transitions.filter(({ rule, to }) => rule === 'anomaly' && to === 'unacknowledged')).toEqual([]);
      expect(transitions.some(({ to }) => to === 'suppressedByDesign')).toBe(true);
      expect(gateway.counters.invalidWindows.stopped).toBeGreaterThan(100);
    },
    3 * learnsWithin,
  );
});

describe('a machine that makes several products', () => {
  it(
    'has a model for each, learns a new one first, and raises nothing when it changes over',
    async (context) => {
      const { start, play, transitions, data } = await plant(context, { provisional: '40s', established: '1d' }, `${asset}/product`);
      const making =
        (product: number, shift: number): Change =>
        (row) => {
          row.product = product;
          for (const name of channels) row[name] = (row[name] as number) + shift;
        };
      const gateway = await start();
      const lessonOf = (product: number): LearningStatus | undefined => gateway.status().learning[`${asset}@${product}`];
      await play(250, making(17, 0));
      await eventually(() => lessonOf(17) !== undefined, 'product 17 is seen');
      expect(gateway.status().assets[0]?.watchingText).toBe('new product 17, learning');
      await play(250, making(17, 0));
      await eventually(() => lessonOf(17)?.stage === 'provisional', 'a model for 17', learnsWithin);
      await play(100, making(17, 0));
      await eventually(() => gateway.counters.scores > 50, 'it judges');
      expect(gateway.status().assets[0]).toMatchObject({ watching: 'yes' });

      const scores = gateway.counters.scores;
      await play(300, making(18, 400));
      await eventually(() => gateway.status().assets[0]?.watchingText === 'new product 18, learning', 'product 18 is new');
      expect(gateway.counters.scores).toBeLessThan(scores + 120);
      await play(200, making(18, 400));
      await eventually(() => lessonOf(18)?.stage === 'provisional', 'a model for 18', learnsWithin);
      const models = await gateway.models.list();
      expect(models.map((model) => model.asset)).toEqual([`${asset}@17`, `${asset}@18`]);
      const meanOf = (i: number): number => manifestIn(data, models[i]?.inForce?.bundle as string).channels[0]?.mean as number;
      expect(meanOf(1) - meanOf(0)).toBeGreaterThan(350);
      await gateway.stop();

      const again = await start();
      const before = again.counters.scores;
      for (let change = 0; change < 3; change++) {
        await play(60, making(17, 0));
        await play(60, making(18, 400));
      }
      await eventually(() => again.counters.scores > before + 200, 'both judge');
      const raised = (): AlarmTransition | undefined => transitions.find(({ rule, to }) => rule === 'anomaly' && to === 'unacknowledged');
      expect(raised()).toBeUndefined();
      await play(80, (row) => {
        making(18, 400)(row);
        row.b = (row.b as number) + 60;
      });
      await eventually(() => raised() !== undefined, 'a fault of product 18');
      expect(raised()).toMatchObject({ model: expect.stringContaining('line1-press-18@') });
      expect(raised()?.findings[0]?.tag).toBe(`${asset}/b`);
      await expect(again.models.promote(`${asset}@18`, 'anna')).rejects.toThrow('no candidate');
    },
    3 * learnsWithin,
  );
});
