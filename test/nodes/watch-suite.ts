import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { syntheticRows } from '../support/synthetic-machine.ts';
import { sharedDirectory } from '../support/temporary-directory.ts';
import { fills, heard, load, type Major, nodeRed } from './support/node-red.ts';
import { leavesNothing } from './support/resources.ts';

interface Heard {
  readonly topic: string;
  readonly payload: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

const learnsWithin = 90_000;
const stepMs = 100;
const channels = ['flow', 'current', 'temperature', 'pressure'];
const machine = syntheticRows({ rows: 2_000, channels: channels.length, seed: 5 });
const startMs = Date.now() - 400_000;
const message = (from: number, to: number, change = 0): object => ({
  payload: Array.from({ length: to - from }, (_, k) => ({
    ...Object.fromEntries(
      channels.map((name, c) => [name, (machine[(from + k) * channels.length + c] as number) + (c === 1 ? change : 0)]),
    ),
    time: startMs + (from + k) * stepMs,
  })),
});

export function watchSuite(major: Major): void {
  describe(`fettle-watch, Node-RED ${major}`, () => {
    let helper: Awaited<ReturnType<typeof nodeRed>>;
    const userDir = sharedDirectory();
    beforeAll(async () => {
      helper = await nodeRed(major, { userDir });
    });
    afterAll(() => new Promise<void>((resolve) => helper.stopServer(resolve)));

    const flowOf = (more: object = {}): object[] => [
      {
        id: 'watch',
        type: 'fettle-watch',
        asset: 'line1/pump',
        values: channels.join(', '),
        learn: '1m',
        step: `${stepMs}ms`,
        budget: '',
        wires: [['alarms'], ['scores']],
        ...more,
      },
      { id: 'alarms', type: 'helper' },
      { id: 'scores', type: 'helper' },
      { id: 'catch', type: 'catch', wires: [['caught']] },
      { id: 'caught', type: 'helper' },
    ];

    it(
      'learns from messages, shows how far it is, raises a fault in words, and goes on after a redeploy',
      async () => {
        await load(helper, ['fettle-watch'], flowOf());
        const colours = fills(helper, 'watch');
        const watch = helper.getNode('watch');
        watch?.receive(message(0, 50));
        await eventually(() => colours.includes('blue'), 'it says that it learns');
        for (let i = 50; i < 700; i += 50) watch?.receive(message(i, i + 50));
        await eventually(() => colours.includes('green'), 'it says that it watches', learnsWithin);
        const before = heard<Heard>(helper, 'scores');
        for (let i = 700; i < 1000; i += 50) watch?.receive(message(i, i + 50));
        await eventually(() => before.length > 200, 'scores');
        expect(before.at(-1)?.payload).toMatchObject({
          asset: 'line1/pump',
          channels: channels.map((name) => ({ tag: `line1/pump/${name}` })),
        });

        await helper.unload();
        await load(helper, ['fettle-watch'], flowOf());
        const again = helper.getNode('watch');
        const [alarms, caught] = [heard<Heard>(helper, 'alarms'), heard<Heard>(helper, 'caught')];
        const later = fills(helper, 'watch');
        for (let i = 1000; i < 1200; i += 50) again?.receive(message(i, i + 50));
        for (let i = 1200; i < 1300; i += 50) again?.receive(message(i, i + 50, 60));
        await eventually(() => alarms.some(({ payload }) => payload.rule === 'anomaly'), 'the fault is raised');
        const raised = alarms.find(({ payload }) => payload.rule === 'anomaly');
        expect(raised).toMatchObject({
          topic: 'line1/pump',
          payload: { active: true, state: 'unacknowledged', provisional: true, message: expect.stringContaining('line1/pump/current') },
        });
        await eventually(() => later.includes('red'), 'the status shows it');
        again?.receive({ topic: 'acknowledge', payload: { by: 'anna', comment: 'seen' } });
        await eventually(() => alarms.at(-1)?.payload.state === 'acknowledged', 'acknowledged by message');
        again?.receive({ payload: 'nonsense' });
        await eventually(() => caught.length === 1, 'an error');
        expect(caught[0]?.error?.message).toBe('line1/pump: nothing to watch in this message: the payload "nonsense" is no number');
      },
      2 * learnsWithin,
    );

    it('leaves nothing behind: timers, threads and files stay as many, however often it is deployed', async () => {
      await leavesNothing(async () => {
        await load(helper, ['fettle-watch'], flowOf({ asset: 'line1/fan' }));
        helper.getNode('watch')?.receive(message(0, 50));
        const colours = fills(helper, 'watch');
        await eventually(() => colours.includes('blue'), 'it runs');
        await helper.unload();
      });
      expect(readdirSync(join(userDir, 'fettle'))).toHaveLength(2);
    });

    it('says what is wrong with its settings', async () => {
      await load(helper, ['fettle-watch'], flowOf({ asset: 'line1/#' }));
      const caught = heard<Heard>(helper, 'caught');
      helper.getNode('watch')?.receive(message(0, 1));
      await eventually(() => caught.length > 0, 'an error');
      expect(caught[0]?.error?.message).toMatch(/must be a name like line1\/pump3\/flow/);
    });
  });
}
