import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import mqtt from 'mqtt';
import { expect, it, onTestFinished } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { servedGateway } from '../support/served-gateway.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { pressed, shippedFlow } from './support/flows.ts';
import { startNodeRed } from './support/node-red-process.ts';

const pump = 'line1/pump';
const oven = 'line2/oven';
const patienceMs = 60_000;

/** A gateway with an oven and a pump, whose source are flows. */
function gatewayForFlows() {
  const tags = [`${pump}/flow`, `${oven}/temperature`, `${oven}/power`];
  return servedGateway({
    site: 'north',
    data: temporaryDirectory(),
    server: { listen: '127.0.0.1:0' },
    sources: [{ id: 'flow', type: 'http', tags: tags.map((tag) => ({ tag })) }],
    tags: { [`${pump}/flow`]: { limits: { hi: 10 }, advice: 'Open the bypass' } },
    assets: [
      { id: pump, tags: [tags[0]], alarm: { acknowledge: 'required' } },
      { id: oven, tags: tags.slice(1) },
    ],
  });
}

it(
  'the third flow brings alarms of a gateway to a webhook, in words, and acknowledges them',
  async () => {
    const { gateway, server } = await gatewayForFlows();
    const hooked: Record<string, string>[] = [];
    const hook = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      request.on('end', () => {
        hooked.push(JSON.parse(text) as Record<string, string>);
        response.end();
      });
    });
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void hook.close());
    const red = await startNodeRed(5);
    onTestFinished(() => red.dispose());
    // As it is shipped, but for the addresses; and the webhook, which is off until somebody has one, is on.
    const own: Record<string, object> = {
      'fettle-gateway': { url: server.url },
      'http request': { url: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/hook`, d: false },
    };
    const flow = shippedFlow('3-').map((node) => ({ ...node, ...own[node.type] }));
    await red.deploy(flow, { fettle0000000300: { token: server.token('flows', 'operator') } });
    await eventually(() => gateway.status().state === 'good', 'the gateway runs');
    await eventually(
      async () => {
        await gateway.push('flow', [{ tag: `${pump}/flow`, value: 12, time: Date.now() }], false);
        return hooked.length > 0;
      },
      'the alarm is at the webhook',
      20_000,
    );
    expect(hooked).toEqual([
      { title: 'line1/pump: hi', text: expect.stringContaining('line1/pump/flow 12 is above'), advice: 'Open the bypass' },
    ]);
    // The button of the shipped flow that acknowledges.
    await pressed(red, 'fettle0000000308');
    const stateOf = (): unknown => gateway.status().assets.find(({ asset }) => asset === pump)?.alarms[0]?.state;
    await eventually(() => stateOf() === 'acknowledged', 'acknowledged');
  },
  patienceMs,
);

it(
  'the fifth flow puts what another device says into the gateway, and goes on when its journal has it',
  async ({ skip }) => {
    const broker = (await startMosquitto()) ?? skip();
    onTestFinished(() => broker.dispose());
    const { gateway, server } = await gatewayForFlows();
    const red = await startNodeRed(5);
    onTestFinished(() => red.dispose());
    // What its debug node shows is published as well.
    const own: Record<string, object> = {
      'fettle-gateway': { url: server.url },
      'fettle-send': { wires: [['out']] },
      inject: { repeat: '0.2' },
    };
    const { hostname, port } = new URL(broker.url);
    const more = [
      {
        id: 'broker',
        type: 'mqtt-broker',
        broker: hostname,
        port,
        autoConnect: true,
        protocolVersion: '4',
        keepalive: '60',
        cleansession: true,
      },
      { id: 'out', z: 'fettle0000000501', type: 'mqtt out', broker: 'broker', topic: 'said', qos: '1', x: 1, y: 1, wires: [] },
    ];
    const client = await mqtt.connectAsync(broker.url);
    onTestFinished(() => client.endAsync(true));
    const said: unknown[] = [];
    client.on('message', (_topic, payload) => said.push(JSON.parse(payload.toString())));
    await client.subscribeAsync('said', { qos: 1 });
    const flow = [...shippedFlow('5-').map((node) => ({ ...node, ...own[node.type] })), ...more];
    await red.deploy(flow, { fettle0000000500: { token: server.token('flows', 'engineer') } });
    await eventually(() => said.length >= 3, 'three times acknowledged', 20_000);
    expect(said[0]).toEqual({ accepted: 2, source: 'flow', unread: [] });
    // What was acknowledged is in the journal.
    expect(gateway.status().counters.samples).toBeGreaterThanOrEqual(6);
    const kept: string[] = [];
    for await (const { tag } of gateway.history({ fromMs: 0, toMs: Date.now() + 1000 })) kept.push(...tag);
    expect(new Set(kept)).toEqual(new Set([`${oven}/temperature`, `${oven}/power`]));
  },
  patienceMs,
);
