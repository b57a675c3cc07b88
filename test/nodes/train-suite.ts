import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Plant } from '../../src/simulator/plant.ts';
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
const startMs = 1_790_000_000_000;
const nodes = ['fettle-model', 'fettle-window', 'fettle-score', 'fettle-train'];

/** The simulated pump, a message every 100 ms. */
function messages(fromS: number, toS: number): { payload: object }[] {
  const plant = new Plant({ seed: 5 });
  const out: { payload: object }[] = [];
  for (let i = 0; i < toS * 10; i++) {
    plant.advanceTo(i / 10);
    if (i >= fromS * 10) out.push({ payload: { ...plant.machine(asset).read(), ts: startMs + i * 100 } });
  }
  return out;
}

export function trainSuite(major: Major): void {
  describe(`the node that learns, Node-RED ${major}`, () => {
    let helper: Awaited<ReturnType<typeof nodeRed>>;
    const userDir = sharedDirectory();
    beforeAll(async () => {
      helper = await nodeRed(major, { userDir });
    });
    afterAll(() => new Promise<void>((resolve) => helper.stopServer(resolve)));

    const flow = [
      { id: 'model', type: 'fettle-model', model: 'own-pump' },
      { id: 'window', type: 'fettle-window', asset, model: 'model', values: '', lateness: '0ms', wires: [['score'], []] },
      { id: 'score', type: 'fettle-score', model: 'model', wires: [['scores']] },
      {
        id: 'train',
        type: 'fettle-train',
        asset,
        model: 'model',
        keep: '1h',
        step: '100ms',
        length: '32',
        slide: '4',
        wires: [['candidates'], ['active']],
      },
      ...['scores', 'candidates', 'active', 'caught'].map((id) => ({ id, type: 'helper' })),
      { id: 'catch', type: 'catch', wires: [['caught']] },
    ];
    const send = (id: string, list: readonly object[]): void => {
      for (const message of list) helper.getNode(id)?.receive(message);
    };
    const hear = () =>
      Object.fromEntries(['scores', 'candidates', 'active', 'caught'].map((id) => [id, heard<Heard>(helper, id)])) as Record<
        'scores' | 'candidates' | 'active' | 'caught',
        Heard[]
      >;

    it('learns from what it has kept; what it learnt judges without a deploy once it is put in force', async () => {
      await load(helper, nodes, flow);
      const { scores, candidates, active, caught } = hear();
      const colours = fills(helper, 'train');
      send('train', [{ topic: 'train' }, { topic: 'activate' }]);
      // No model yet: the window node says so with the deploy, and is ready when there is one.
      await eventually(() => caught.length === 3, 'nothing to learn from, nothing to put in force, no model');
      expect(caught.map(({ error }) => error?.message).sort()).toEqual([
        expect.stringContaining('no candidate for own-pump waits → train one first'),
        expect.stringContaining('no samples of line1/pump have come yet → wire'),
        expect.stringContaining('there is no model own-pump'),
      ]);

      send('train', messages(0, 120));
      send('train', [{ topic: 'train', payload: {} }]);
      await eventually(() => candidates.length === 1, 'the candidate', 40_000);
      expect(candidates[0]).toMatchObject({
        topic: asset,
        payload: {
          asset,
          candidate: 'own-pump@1.0.0',
          values: ['flow', 'pressure', 'current', 'vibration', 'bearing-temp'],
          learntFrom: { from: new Date(startMs).toISOString(), leftOut: [] },
          comparison: null,
          notCompared: 'there is no own-pump in force',
        },
      });
      expect(colours).toContain('blue');
      send('train', [{ topic: 'activate' }]);
      await eventually(() => active.length === 1, 'activated');
      expect(active[0]?.payload).toEqual({ asset, active: 'own-pump@1.0.0' });
      send('window', messages(120, 130));
      await eventually(() => scores.length > 10, 'scores', 10_000);
      expect(scores[0]?.payload).toMatchObject({ asset, model: 'own-pump@1.0.0' });
      expect(scores.every(({ payload }) => (payload.ratio as number) < 1)).toBe(true);
    }, 60_000);

    it('compares the next one, takes back what was put in force, and has what came before the deploy', async () => {
      await load(helper, nodes, flow);
      const { candidates, active, caught } = hear();
      const answer = await (helper.request() as { post(path: string): Promise<{ status: number }> }).post('/fettle-train/train/train');
      expect(answer.status).toBe(200);
      await eventually(() => candidates.length === 1, 'the candidate of the button', 40_000);
      expect(candidates[0]?.payload).toMatchObject({
        candidate: 'own-pump@1.0.1',
        comparison: {
          agreement: 1,
          active: { name: 'own-pump@1.0.0', alarms: 0 },
          candidate: { name: 'own-pump@1.0.1', alarms: 0, episodes: [] },
        },
      });
      send('train', messages(120, 160));
      send('train', [{ topic: 'compare' }]);
      await eventually(() => candidates.length === 2, 'the comparison', 20_000);
      // By default on what neither has learnt from.
      const learnt = (candidates[0] as Heard).payload.learntFrom as { to: string };
      const { comparison } = (candidates[1] as Heard).payload as unknown as { comparison: { from: string; active: { windows: number } } };
      expect(Date.parse(comparison.from)).toBeGreaterThanOrEqual(Date.parse(learnt.to));
      expect(comparison.active.windows).toBeGreaterThan(80);
      send('train', [{ topic: 'activate' }]);
      await eventually(() => active.length === 1, 'activated');
      send('train', [{ topic: 'previous' }]);
      await eventually(() => active.length === 2, 'taken back');
      expect(active.map(({ payload }) => payload.active)).toEqual(['own-pump@1.0.1', 'own-pump@1.0.0']);
      send('train', [{ topic: 'previous' }]);
      await eventually(() => caught.length === 1, 'none before');
      expect(caught[0]?.error?.message).toMatch(/there is no own-pump before version 1\.0\.0: it stays in force/);
    }, 60_000);

    it('says what it cannot learn from, is cancelled, and leaves nothing running when it is closed', async () => {
      await load(helper, nodes, flow);
      const { caught, candidates } = hear();
      const file = join(userDir, 'short.csv');
      writeFileSync(file, 'time,flow,pressure,current,vibration,bearing-temp\n1790000000,1,2,3,4,5\n');
      send('train', [{ topic: 'train', payload: { recording: file } }]);
      await eventually(() => caught.length === 1, 'too short');
      expect(caught[0]?.error?.message).toMatch(/usable rows .* are too few/);
      send('train', [{ topic: 'train', payload: { from: 'yesterday' } }]);
      await eventually(() => caught.length === 2, 'no time');
      expect(caught[1]?.error?.message).toContain('msg.payload.from is no time: yesterday');
      send('train', [{ topic: 'train' }, { topic: 'train' }]);
      await eventually(() => caught.length === 3, 'one at a time');
      expect(caught[2]?.error?.message).toContain('it is learning already');
      send('train', [{ topic: 'cancel' }]);
      await eventually(() => caught.length === 4, 'cancelled');
      expect(caught[3]?.error?.message).toContain('cancelled');
      send('train', [{ topic: 'train' }]);
      await helper.unload();
      expect(candidates).toEqual([]);
    }, 60_000);

    it('leaves nothing behind, however often it is deployed', async () => {
      await leavesNothing(async () => {
        await load(helper, nodes, flow);
        const colours = fills(helper, 'train');
        send('train', messages(0, 5));
        await eventually(() => colours.length > 0, 'it says what it keeps');
        await helper.unload();
      });
    });
  });
}
