import mqtt from 'mqtt';
import { expect, it } from 'vitest';
import { eventDocument } from '../../../src/sinks/mqtt/documents.ts';
import { eventually } from '../../support/eventually.ts';
import { problemOf } from '../../support/message-witness.ts';
import { startMosquitto } from '../../support/mosquitto.ts';
import { atMs, transition } from '../fixtures.ts';

it('a broker of the tests fails a test when a message is not as its schema says', async (context) => {
  const broker = (await startMosquitto()) ?? context.skip();
  const client = await mqtt.connectAsync(broker.url, { protocolVersion: 5 });
  const heard: string[] = [];
  client.on('message', (topic) => heard.push(topic));
  await client.subscribeAsync('fettle/#');
  // The witness hears nothing that was said before it had subscribed.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await client.publishAsync('fettle/hall1/status', '{"online":"yes"}', { qos: 1 });
  await eventually(() => heard.length === 1, 'published');
  await client.endAsync(true);
  await expect(broker.dispose()).rejects.toThrow(/JSON Schema does not allow:\nfettle\/hall1\/status: .*online must be boolean/s);
});

it.each([
  ['fettle/hall1/status', '{"online":true}', undefined],
  ['fettle/hall1/line1/pump/alarm', '', undefined],
  ['fettle/hall1/line1/pump/alarm', '{"asset":"line1/pump"}', /required property 'sequence'/],
  ['fettle/hall1/line1/pump/alarm/event', 'null', /must be object/],
  ['fettle/hall1/cmd/shelve/response', '{"ok":true}', undefined],
  ['fettle/hall1/cmd/shelve/response', '{"ok":"no"}', /ok must be boolean/],
  ['fettle/hall1/cmd/shelve', 'anything', undefined],
  ['fettle/hall1/describe', 'not json', /not valid JSON/],
])('%s: %s', (topic, payload, problem) => {
  const said = problemOf(topic, Buffer.from(payload), {});
  if (problem === undefined) expect(said).toBeUndefined();
  else expect(said).toMatch(problem);
});

it('an event that a version before put into the outbox, without a verb, is one still', () => {
  const said = eventDocument(transition({ verb: 'planned', about: { fromMs: atMs - 1000, toMs: null }, by: 'Ann' }));
  expect(said).toMatchObject({ verb: 'planned', about: { to: null } });
  const { verb: _, about: __, ...before } = said;
  for (const event of [said, before])
    expect(problemOf('fettle/hall1/line1/pump3/alarm/event', Buffer.from(JSON.stringify(event)), {})).toBeUndefined();
});

it('a message that names another schema is wrong', () => {
  const properties = { userProperties: { schema: 'urn:fettle:mqtt:score:1' } };
  expect(problemOf('fettle/hall1/status', Buffer.from('{"online":true}'), { properties })).toMatch(/says it is urn:fettle:mqtt:score:1/);
});
