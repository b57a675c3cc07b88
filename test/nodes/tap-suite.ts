import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { allOf } from '../../src/gateway/gateway-events.ts';
import { LiveEvents } from '../../src/server/live-events.ts';
import { ApiServer } from '../../src/server/server.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/peer-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { fills, heard, load, type Major, nodeRed } from './support/node-red.ts';
import { leavesNothing } from './support/resources.ts';

interface Heard {
  readonly topic?: string;
  readonly payload: Record<string, unknown>;
  readonly error?: { readonly message: string; readonly source: { readonly id: string } };
}

const asset = 'line1/pump';
const startMs = Date.now() - 60_000;

/** A gateway with a source for flows and a limit on flow, its API, and tokens. `port`: to come back where another one was. */
async function gatewayWithApi(directory: string, port = 0) {
  const configuration = {
    site: 'hall1',
    data: directory,
    sources: [{ id: 'flow', type: 'http', tags: [{ tag: `${asset}/flow`, engineeringUnit: 'l/min' }, { tag: `${asset}/current` }] }],
    tags: { [`${asset}/flow`]: { limits: { hi: 10 } } },
    assets: [
      {
        id: asset,
        tags: [`${asset}/flow`, `${asset}/current`],
        window: { step: '100ms', allowedLateness: '0s' },
        alarm: { acknowledge: 'required' },
      },
    ],
  };
  const live = new LiveEvents(silentLogger);
  const loaded = parseConfig(JSON.stringify(configuration), 'test.yaml', {});
  const gateway = await Gateway.start(loaded, { log: silentLogger, listener: allOf(live) });
  const server = new ApiServer({ gateway }, { listen: `127.0.0.1:${port}`, data: directory, log: silentLogger, live });
  await server.start();
  const { secret } = server.access.store.addToken(`node-red-${Math.random()}`, 'engineer', new Date());
  const stop = async (): Promise<void> => {
    await server.stop();
    await gateway.stop();
  };
  return {
    gateway,
    url: server.url,
    token: secret,
    viewer: server.access.store.addToken(`viewer-${Math.random()}`, 'viewer', new Date()).secret,
    stop,
  };
}

const names = ['fettle-gateway', 'fettle-samples', 'fettle-scores', 'fettle-alarms', 'fettle-command', 'fettle-send'] as const;

export function tapSuite(major: Major): void {
  describe(`nodes that tap a gateway, Node-RED ${major}`, () => {
    let helper: Awaited<ReturnType<typeof nodeRed>>;
    beforeAll(async () => {
      helper = await nodeRed(major);
    });
    afterAll(() => new Promise<void>((resolve) => helper.stopServer(resolve)));

    const flowOf = (url: string, ...more: object[]): object[] => [
      { id: 'gateway', type: 'fettle-gateway', url },
      { id: 'out', type: 'helper' },
      { id: 'catch', type: 'catch', wires: [['caught']] },
      { id: 'caught', type: 'helper' },
      ...more,
    ];

    /** Rows of 100 ms each, from row `from`. */
    const rows = (from: number, flows: readonly number[]): object[] =>
      flows.flatMap((flow, i) => {
        const time = startMs + (from + i) * 100;
        return [
          { tag: `${asset}/flow`, value: flow, time },
          { tag: `${asset}/current`, value: 3, time },
        ];
      });

    it('send samples in, bring values and alarms out, and carry commands back', async () => {
      const { gateway, url, token, stop } = await gatewayWithApi(temporaryDirectory());
      try {
        const flow = flowOf(
          url,
          { id: 'send', type: 'fettle-send', gateway: 'gateway', source: 'flow', wires: [['out']] },
          { id: 'samples', type: 'fettle-samples', gateway: 'gateway', tags: 'line1/*/flow', wires: [['values']] },
          { id: 'values', type: 'helper' },
          { id: 'alarms', type: 'fettle-alarms', gateway: 'gateway', priorities: '', rules: 'hi', catchUp: true, wires: [['events']] },
          { id: 'events', type: 'helper' },
          { id: 'none', type: 'fettle-alarms', gateway: 'gateway', tags: '*/speed', catchUp: true, wires: [['others']] },
          { id: 'some', type: 'fettle-alarms', gateway: 'gateway', tags: 'line1/*/flow', catchUp: true, wires: [['own']] },
          ...['others', 'own'].map((id) => ({ id, type: 'helper' })),
          {
            id: 'command',
            type: 'fettle-command',
            gateway: 'gateway',
            verb: 'acknowledge',
            verbType: 'verb',
            asset: 'payload.asset',
            assetType: 'msg',
            comment: 'seen',
            commentType: 'str',
            wires: [['done']],
          },
          { id: 'done', type: 'helper' },
        );
        await load(helper, names, flow, { gateway: { token } });
        const listens = ['alarms', 'none', 'some'].map((id) => fills(helper, id));
        await eventually(() => listens.every((seen) => seen.includes('green')), 'they listen');
        const [others, own] = [heard<Heard>(helper, 'others'), heard<Heard>(helper, 'own')];
        const [out, values, events, done, caught] = ['out', 'values', 'events', 'done', 'caught'].map((id) => heard<Heard>(helper, id)) as [
          Heard[],
          Heard[],
          Heard[],
          Heard[],
          Heard[],
        ];
        helper.getNode('send')?.receive({ payload: rows(0, [5, 5, 12, 12, 12]), kept: 'as it was' });
        await eventually(() => out.length === 1, 'the journal has them');
        expect(out[0]).toMatchObject({ payload: { accepted: 10, source: 'flow', unread: [] }, kept: 'as it was' });
        expect(gateway.status().counters.samples).toBe(10);
        await eventually(() => events.length === 1 && own.length === 1, 'the alarm comes');
        expect(others).toEqual([]);
        expect(events[0]).toMatchObject({
          topic: asset,
          payload: {
            asset,
            active: true,
            state: 'unacknowledged',
            rule: 'hi',
            previous: 'normal',
            message: expect.stringContaining('12 l/min'),
          },
        });
        await eventually(() => values.length > 0, 'values come');
        expect(values[0]).toMatchObject({
          topic: `${asset}/flow`,
          payload: { tag: `${asset}/flow`, value: 12, quality: 'good', unit: 'l/min' },
        });
        // An alarm is wired straight into the command.
        helper.getNode('command')?.receive(events[0] as object);
        await eventually(() => done.length === 1 && events.length === 2, 'acknowledged');
        expect(events[1]?.payload).toMatchObject({
          state: 'acknowledged',
          active: true,
          by: expect.stringMatching(/^node-red-/),
          comment: 'seen',
        });
        // What the gateway refuses, and what is no message for it, goes to Catch nodes in words.
        helper.getNode('command')?.receive({ payload: { asset: 'line9' } });
        helper.getNode('send')?.receive({ payload: 'nonsense' });
        helper.getNode('send')?.receive({ payload: { 'line1/pump/speed': 4 } });
        await eventually(() => caught.length === 3, 'three errors');
        expect(caught.map(({ error }) => error?.message).sort()).toEqual([
          expect.stringMatching(/^nothing to send: the payload "nonsense" is no number/),
          expect.stringMatching(/line1\/pump\/speed.* is not a tag of flow/),
          expect.stringMatching(/there is no asset line9/),
        ]);
        expect([out.length, done.length]).toEqual([1, 1]);
      } finally {
        await stop();
      }
    });

    it('miss no alarm while the gateway is away, also across a redeploy', async () => {
      const directory = temporaryDirectory();
      const port = await freePort();
      const first = await gatewayWithApi(directory, port);
      const flow = flowOf(first.url, { id: 'alarms', type: 'fettle-alarms', gateway: 'gateway', catchUp: true, wires: [['out']] });
      await load(helper, names, flow, { gateway: { token: first.token } });
      const out = heard<Heard>(helper, 'out');
      const caught = heard<Heard>(helper, 'caught');
      const states = fills(helper, 'alarms');
      await eventually(() => states.includes('green'), 'it listens');
      await first.gateway.push('flow', rows(0, [5, 12, 12, 12]) as never, false);
      await eventually(() => out.length === 1, 'the first alarm');
      await first.stop();
      await eventually(() => caught.length === 1 && states.includes('red'), 'the node says that the gateway is away');
      expect(caught[0]?.error?.message).toMatch(/^the gateway at http:.* does not answer/);
      // It comes back, and things happen before the node is there again.
      const second = await gatewayWithApi(directory, port);
      try {
        await second.gateway.push('flow', rows(10, [5, 5, 12, 12, 5, 5]) as never, false);
        await eventually(() => out.length >= 3, 'what happened meanwhile');
        const { gateway } = second;
        const inJournal = await gateway.query<{ document: string }>('SELECT document FROM transitions ORDER BY rowid');
        await eventually(() => out.length === inJournal.length, `all ${inJournal.length} transitions`);
        expect(out.map(({ payload }) => payload.id)).toEqual(inJournal.map(({ document }) => (JSON.parse(document) as { id: string }).id));
      } finally {
        await second.stop();
      }
    });

    it('say what is wrong with a token, an address, or a gateway that is not chosen', async () => {
      const { url, viewer, stop } = await gatewayWithApi(temporaryDirectory());
      try {
        const send = { type: 'fettle-send', source: 'flow', wires: [['out']] };
        const flow = flowOf(
          url,
          { id: 'nobody', type: 'fettle-gateway', url: 'http://127.0.0.1:1' },
          { ...send, id: 'weak', gateway: 'gateway' },
          { ...send, id: 'none', gateway: '' },
        );
        await load(helper, names, flow, { gateway: { token: viewer } });
        const caught = heard<Heard>(helper, 'caught');
        for (const id of ['weak', 'none']) helper.getNode(id)?.receive({ payload: { a: 1 } });
        await eventually(() => caught.length === 2, 'two errors');
        expect(caught.map(({ error }) => `${error?.source.id}: ${error?.message}`).sort()).toEqual([
          'none: no gateway is chosen → open the node and choose one',
          expect.stringMatching(/^weak: .*engineer/),
        ]);
      } finally {
        await stop();
      }
    });

    it('leave no socket and no session behind, however often they are deployed', async () => {
      const { url, token, stop } = await gatewayWithApi(temporaryDirectory());
      try {
        const tapping = { gateway: 'gateway', assets: '', tags: '', above: '', priorities: '', rules: '', catchUp: true, wires: [['out']] };
        const flow = flowOf(url, ...['samples', 'scores', 'alarms'].map((kind) => ({ id: kind, type: `fettle-${kind}`, ...tapping })));
        await leavesNothing(async () => {
          await load(helper, names, flow, { gateway: { token } });
          const colours = ['samples', 'scores', 'alarms'].map((id) => fills(helper, id));
          await eventually(() => colours.every((seen) => seen.includes('green')), 'they listen');
          await helper.unload();
        });
      } finally {
        await stop();
      }
    });
  });
}
