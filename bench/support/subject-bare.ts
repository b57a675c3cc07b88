/** The same mqtt.js client doing only JSON.parse of each message: what the gateway stands beside. settings: { url, qos }. */

import { connect } from 'node:net';
import { MqttClient } from 'mqtt';
import { serve, settings } from './subject.ts';

const { url, qos } = settings<{ url: string; qos: 0 | 1 }>();
const { hostname, port } = new URL(url);
let messages = 0;
const client = new MqttClient(() => connect({ host: hostname, port: Number(port), noDelay: true }), {
  protocolVersion: 5,
  clean: true,
  clientId: `bare-${process.pid}`,
  properties: { receiveMaximum: 1000 },
});
client.on('message', (_, payload) => {
  messages++;
  JSON.parse(payload.toString());
});
await new Promise((resolve) => client.once('connect', resolve));
await client.subscribeAsync('bench/#', { qos });
serve(
  () => ({ messages, windows: 0, late: 0 }),
  () => client.endAsync(true),
);
