import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Plant } from '../../src/simulator/plant.ts';
import { root } from '../house/sources.ts';
import { eventually } from '../support/eventually.ts';
import { sharedDirectory } from '../support/temporary-directory.ts';
import { fills, heard, load, type Major, nodeRed } from './support/node-red.ts';
import { leavesNothing } from './support/resources.ts';

interface Heard {
  readonly topic: string;
  readonly payload: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

const asset = 'line1/pump';
const stepMs = 100;
const nodes = ['fettle-model', 'fettle-window', 'fettle-score', 'fettle-alarm'];

/** The simulated pump from `fromS` to `toS`, cavitating from second 20 on, as JSON messages would bring it. */
function messages(startMs: number, fromS: number, toS: number): { payload: object }[] {
  const plant = new Plant({ seed: 3 });
  plant.add({ asset, kind: 'cavitation', growthS: 1, onsetS: 20, durationS: 60 });
  const out: { payload: object }[] = [];
  for (let i = 0; i < toS * 10; i++) {
    plant.advanceTo((i * stepMs) / 1000);
    if (i >= fromS * 10) out.push({ payload: { ...plant.machine(asset).read(), ts: startMs + i * stepMs } });
  }
  return out;
}

export function byHandSuite(major: Major): void {
  describe(`window, score and alarm, Node-RED ${major}`, () => {
    let helper: Awaited<ReturnType<typeof nodeRed>>;
    const userDir = sharedDirectory();
    beforeAll(async () => {
      helper = await nodeRed(major, { userDir });
    });
    afterAll(() => new Promise<void>((resolve) => helper.stopServer(resolve)));

    const flowOf = (model = 'pump'): object[] => [
      { id: 'model', type: 'fettle-model', model },
      { id: 'window', type: 'fettle-window', asset, model: 'model', values: '', lateness: '0ms', wires: [['score'], ['invalid', 'alarm']] },
      { id: 'score', type: 'fettle-score', model: 'model', wires: [['alarm', 'scores']] },
      {
        id: 'alarm',
        type: 'fettle-alarm',
        onDelay: '800ms',
        offDelay: '1s',
        priority: 'high',
        advice: 'Check the strainer',
        deadband: '10%',
        wires: [['states'], ['changes']],
      },
      ...['invalid', 'scores', 'states', 'changes', 'caught'].map((id) => ({ id, type: 'helper' })),
      { id: 'catch', type: 'catch', wires: [['caught']] },
    ];
    const send = (list: readonly object[]): void => {
      for (const message of list) helper.getNode('window')?.receive(message);
    };

    it('judge a machine: scores, why a window has none, an alarm in words, and what a person does about it', async () => {
      await load(helper, nodes, flowOf());
      const [scores, invalid, states, changes, caught] = ['scores', 'invalid', 'states', 'changes', 'caught'].map((id) =>
        heard<Heard>(helper, id),
      ) as [Heard[], Heard[], Heard[], Heard[], Heard[]];
      const colours = fills(helper, 'alarm');
      const startMs = Math.floor(Date.now() / 1000) * 1000 - 60_000;
      send(messages(startMs, 0, 15));
      await eventually(() => scores.length > 20, 'scores');
      expect(scores[0]).toMatchObject({ topic: asset, payload: { asset, model: 'pump@1.0.0', limit: expect.any(Number) } });
      expect(scores.every(({ payload }) => (payload.ratio as number) < 1)).toBe(true);
      expect(changes).toEqual([]);
      // A hole of two seconds, then cavitation.
      send(messages(startMs, 17, 30));
      await eventually(() => changes.length > 0, 'the fault');
      expect(invalid[0]).toMatchObject({ topic: asset, payload: { asset, reason: 'stale', time: expect.stringMatching(/Z$/) } });
      expect(changes[0]?.payload).toMatchObject({
        asset,
        active: true,
        rule: 'anomaly',
        state: 'unacknowledged',
        priority: 'high',
        advice: 'Check the strainer',
        message: expect.stringMatching(/^line1\/pump\/\S+ .* × the limit$/),
      });
      expect(states.at(-1)?.payload).toMatchObject({ asset, state: 'active', alarms: [{ rule: 'anomaly', state: 'unacknowledged' }] });
      await eventually(() => colours.includes('red'), 'the status shows it');
      helper.getNode('alarm')?.receive({ topic: 'shelve', payload: { for: '1h', by: 'anna', comment: 'strainer is cleaned' } });
      await eventually(() => changes.length > 1, 'shelved');
      expect(changes[1]?.payload).toMatchObject({
        state: 'shelved',
        previous: 'unacknowledged',
        active: false,
        by: 'anna',
        comment: 'strainer is cleaned',
      });
      expect(caught).toEqual([]);
    });

    it('say what is wrong to who catches errors, and go on', async () => {
      await load(helper, nodes, flowOf());
      const caught = heard<Heard>(helper, 'caught');
      const scores = heard<Heard>(helper, 'scores');
      const say = async (id: string, message: object): Promise<string> => {
        const before = caught.length;
        helper.getNode(id)?.receive(message);
        await eventually(() => caught.length > before, 'an error');
        return caught.at(-1)?.error?.message ?? '';
      };
      expect(await say('window', { payload: 'nonsense' })).toBe(
        'line1/pump: no values in this message: the payload "nonsense" is no number',
      );
      expect(await say('window', { payload: { steam: 4 } })).toMatch(
        /^line1\/pump: none of the values is watched: steam → it has line1\/pump\/flow, /,
      );
      expect(await say('score', { payload: 5 })).toBe('the message is no window → wire the first output of a window node to this one');
      expect(
        await say('score', { payload: { asset, time: new Date().toISOString(), channels: ['a'], stepMs: 100, values: [1, 2] } }),
      ).toMatch(/pump@1\.0\.0 was learnt on 32 steps of 100 ms; the window of line1\/pump has 2 of 100 ms/);
      expect(await say('alarm', { payload: { score: 1 } })).toMatch(/the message is no score/);
      expect(await say('alarm', { topic: 'acknowledge', payload: {} })).toMatch(/acknowledge needs a machine/);
      send(messages(Date.now() - 30_000, 0, 10));
      await eventually(() => scores.length > 5, 'scores all the same');
      await helper.unload();
      await load(helper, nodes, flowOf('no such model'));
      const later = heard<Heard>(helper, 'caught');
      helper
        .getNode('score')
        ?.receive({ payload: { asset, time: new Date().toISOString(), channels: ['a'], stepMs: 100, values: [1, 2] } });
      await eventually(() => later.length > 0, 'an error');
      expect(later.at(-1)?.error?.message).toMatch(
        /^there is no model no such model → put the folder of a bundle into .*fettle\/models, or give its whole path$/,
      );
    });

    it('take a newer version of the model without a deploy', async () => {
      const shelf = join(userDir, 'fettle/models/own');
      mkdirSync(shelf, { recursive: true });
      cpSync(join(root, 'models/pump/1.0.0'), join(shelf, '1.0.0'), { recursive: true });
      await load(helper, nodes, flowOf('own'));
      const [scores, caught] = [heard<Heard>(helper, 'scores'), heard<Heard>(helper, 'caught')];
      const startMs = Date.now() - 300_000;
      send(messages(startMs, 0, 5));
      await eventually(() => scores.length > 0, 'scores');
      expect(scores[0]?.payload.model).toBe('pump@1.0.0');
      cpSync(join(root, 'models/pump/1.0.0'), join(shelf, '1.10.0'), { recursive: true });
      const manifest = join(shelf, '1.10.0/manifest.json');
      writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"version": "1.0.0"', '"version": "1.10.0"'));
      let second = 5;
      await eventually(async () => {
        send(messages(startMs, second, second + 1));
        second++;
        await new Promise((resolve) => setTimeout(resolve, 300));
        return scores.at(-1)?.payload.model === 'pump@1.10.0';
      }, 'the newer one');
      expect(caught).toEqual([]);
    });

    it('tell machines apart by topic, message or environment, one node for all', async () => {
      const wired = { model: 'model', values: '', lateness: '0ms', wires: [['score'], []] };
      const [, , score, ...others] = flowOf();
      await load(helper, nodes, [
        { id: 'model', type: 'fettle-model', model: 'pump' },
        { id: 'topic', type: 'fettle-window', ...wired, asset: 'plant/+/{asset}/telemetry', assetType: 'topic' },
        { id: 'msg', type: 'fettle-window', ...wired, asset: 'machine.name', assetType: 'msg' },
        { id: 'env', type: 'fettle-window', ...wired, asset: 'FETTLE_TEST_MACHINE', assetType: 'env' },
        score as object,
        ...others,
      ]);
      process.env.FETTLE_TEST_MACHINE = 'line9/fan';
      onTestFinished(() => void delete process.env.FETTLE_TEST_MACHINE);
      const [scores, caught] = [heard<Heard>(helper, 'scores'), heard<Heard>(helper, 'caught')];
      const samples = messages(Date.now() - 60_000, 0, 8);
      const told: Record<string, (message: { payload: object }) => object> = {
        topic: (message) => ({ ...message, topic: 'plant/north/line1/pump3/telemetry' }),
        msg: (message) => ({ ...message, machine: { name: 'line2/pump' } }),
        env: (message) => message,
      };
      for (const message of samples) {
        for (const [id, tell] of Object.entries(told)) helper.getNode(id)?.receive(tell(message));
        helper.getNode('topic')?.receive({ ...message, topic: 'plant/south/line7/pump/telemetry' });
      }
      const windows = (asset: string): number => scores.filter(({ payload }) => payload.asset === asset).length;
      const machines = ['line1/pump3', 'line7/pump', 'line2/pump', 'line9/fan'];
      await eventually(() => machines.every((asset) => windows(asset) === windows('line1/pump3') && windows(asset) > 8), 'all are judged');
      // The same samples, whoever is told apart how: in order, none lost.
      const ratios = machines.map((asset) => scores.filter(({ payload }) => payload.asset === asset).map(({ payload }) => payload.ratio));
      for (const other of ratios) expect(other).toEqual(ratios[0]);
      expect(caught).toEqual([]);
      helper.getNode('topic')?.receive({ topic: 'plant/telemetry', payload: { flow: 1 } });
      helper.getNode('msg')?.receive({ payload: { flow: 1 } });
      await eventually(() => caught.length === 2, 'errors');
      expect(caught.map(({ error }) => error?.message)).toEqual([
        "the topic plant/telemetry is not like plant/+/{asset}/telemetry → the node's Machine says where its name stands",
        "msg.machine.name says no machine → the node's Machine says where its name stands",
      ]);
    });

    it('are offered with what they want, and what was measured of them', async () => {
      await load(helper, nodes, flowOf());
      const answer = await (helper.request() as { get(path: string): Promise<{ body: { models: object[] } }> }).get('/fettle-model/list');
      expect(answer.body.models).toContainEqual(
        expect.objectContaining({
          id: 'pump',
          name: 'pump@1.0.0',
          precision: 'int8',
          stepMs,
          length: 32,
          channels: ['flow', 'pressure', 'current', 'vibration', 'bearing-temp'],
          quality: { largestHealthy: expect.closeTo(0.794, 2), sameVerdict: null, selfTest: null },
        }),
      );
    });

    it('leave nothing behind, however often they are deployed', async () => {
      await leavesNothing(async () => {
        await load(helper, nodes, flowOf());
        const scores = heard<Heard>(helper, 'scores');
        send(messages(Date.now() - 30_000, 0, 5));
        await eventually(() => scores.length > 0, 'scores');
        await helper.unload();
      });
    });
  });
}
