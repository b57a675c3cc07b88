import mqtt from 'mqtt';
import { expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { startGateway } from '../../support/gateway.ts';
import { CommandWitness, MessageWitness } from '../../support/message-witness.ts';
import { startMosquitto } from '../../support/mosquitto.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const topic = 'fettle/hall1/cmd/shelve';
const done = Buffer.from('{"ok":true}');
const wrongPayloads = ['no json', '{}', '{"asset":""}', '{"asset":7}', '{"asset":"pump","comment":1}'];

it.each(wrongPayloads)('a command that its schema does not allow must not be carried out: %s', (payload) => {
  const witness = new CommandWitness();
  expect(witness.hear(topic, Buffer.from(payload))).toBeUndefined();
  expect(witness.hear(`${topic}/response`, Buffer.from('{"ok":false,"error":{"code":"x","message":"y"}}'))).toBeUndefined();
  expect(witness.hear(`${topic}/response`, done)).toMatch(/carried out, though its schema does not allow/);
});

it('one that it allows may be, whatever came before; what is no command of ours is nobody’s business', () => {
  const witness = new CommandWitness();
  witness.hear(topic, Buffer.from('{}'));
  witness.hear(topic, Buffer.from('{"asset":"pump","by":"Ann","for":"8h"}'));
  expect(witness.hear(`${topic}/response`, done)).toBeUndefined();
  witness.hear('fettle/hall1/cmd/probe', Buffer.from('7'));
  expect(witness.hear('fettle/hall1/cmd/probe/response', done)).toBeUndefined();
});

it('a gateway refuses every one of them over MQTT, and its answers are as their schema says', async ({ skip }) => {
  const broker = (await startMosquitto()) ?? skip();
  await startGateway({
    site: 'hall1',
    data: temporaryDirectory(),
    sources: [{ id: 'plc', type: 'http', tags: [{ tag: 'pump/flow' }] }],
    assets: [{ id: 'pump', tags: ['pump/flow'] }],
    alerts: { url: broker.url },
  });
  const client = await mqtt.connectAsync(broker.url, { protocolVersion: 4 });
  const answers: { ok: boolean; error?: { code: string } }[] = [];
  let isOnline = false;
  client.on('message', (heard, payload) => {
    if (heard.endsWith('/response')) answers.push(JSON.parse(payload.toString()) as (typeof answers)[number]);
    else isOnline ||= payload.toString().includes('"online":true');
  });
  await client.subscribeAsync(['fettle/hall1/cmd/+/response', 'fettle/hall1/status'], { qos: 1 });
  await eventually(() => isOnline, 'the gateway is there');
  for (const [i, payload] of wrongPayloads.entries()) {
    await client.publishAsync(topic, payload, { qos: 1 });
    await eventually(() => answers.length > i, `an answer to ${payload}`);
  }
  expect(answers.every(({ ok }) => !ok)).toBe(true);
  await client.endAsync(true);
  await broker.dispose();
});

it('a broker that speaks 3.1.1 only is witnessed too', async ({ skip }) => {
  const broker = (await startMosquitto({ witness: false })) ?? skip();
  const witness = new MessageWitness(broker.url, 4);
  const client = await mqtt.connectAsync(broker.url, { protocolVersion: 4 });
  // Until the witness has subscribed nobody hears it.
  const feed = setInterval(() => client.publish('fettle/hall1/status', '{"online":"yes"}'), 50);
  await eventually(() => witness.problems.length > 0, 'it is heard');
  clearInterval(feed);
  await client.endAsync(true);
  await expect(witness.end()).rejects.toThrow(/online must be boolean/);
  await broker.dispose();
});
