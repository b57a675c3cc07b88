import { Ajv2020 } from 'ajv/dist/2020.js';
import mqtt, { type IPublishPacket, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { alertsSchema } from '../../../src/sinks/mqtt/config.ts';
import { createAlerts } from '../../../src/sinks/mqtt/index.ts';
import type { MqttSink } from '../../../src/sinks/mqtt/mqtt-sink.ts';
import { type MessageKind, messageJsonSchemas, schemaId } from '../../../src/sinks/mqtt/schemas.ts';
import { eventually } from '../../support/eventually.ts';
import { type Mosquitto, startMosquitto } from '../../support/mosquitto.ts';
import { assetState, atMs, entryOf, score, sinkContext, transition } from '../fixtures.ts';

const never = new AbortController().signal;
const ajv = new Ajv2020({ validateFormats: false, strict: false });
const validators = Object.fromEntries(Object.entries(messageJsonSchemas()).map(([kind, schema]) => [kind, ajv.compile(schema)]));

interface Heard {
  topic: string;
  json: unknown;
  packet: IPublishPacket;
}

describe.each([5, 4] as const)('mqtt sink, protocol version %i', (protocolVersion) => {
  let broker: Mosquitto | undefined;
  let client: MqttClient;
  let heard: Heard[] = [];
  let sink: MqttSink;
  const makeSink = (changes: object = {}) =>
    createAlerts(alertsSchema.parse({ url: broker?.url, protocolVersion, timeout: '1s', ...changes }), sinkContext('alerts'));
  const on = (topic: string) => heard.filter((message) => message.topic === topic);
  const online = () => (on('fettle/hall1/status').at(-1)?.json as { online?: boolean } | undefined)?.online;
  const connected = (which: MqttSink = sink) => eventually(() => which.status().state === 'good', 'the sink is connected');

  beforeAll(async () => {
    // Clears what is retained before each test, and holds messages against their schemas itself.
    broker = await startMosquitto({ config: ['max_inflight_messages 3'], witness: false });
  });
  beforeEach(async ({ skip }) => {
    if (!broker) return skip('mosquitto is not installed');
    heard = [];
    client = await mqtt.connectAsync(broker.url, { protocolVersion, reconnectPeriod: 50 });
    client.on('error', () => {});
    client.on('message', (topic, payload, packet) => {
      heard.push({ topic, packet, json: payload.toString().startsWith('{') ? JSON.parse(payload.toString()) : undefined });
    });
    await client.subscribeAsync('fettle/#', { qos: 1 });
    sink = makeSink();
  });
  afterEach(async () => {
    await sink?.stop();
    if (!client) return;
    for (const topic of new Set(heard.filter((message) => message.json !== undefined).map((message) => message.topic))) {
      await client.publishAsync(topic, '', { retain: true, qos: 1 });
    }
    await client.endAsync(true);
  });
  afterAll(() => broker?.dispose());

  it('publishes everything as its schema says, with its metadata', async () => {
    sink.setDescription({
      version: '0.1.0',
      assets: [{ id: 'line1/pump3', tags: ['a'], model: null }],
      models: [{ id: 'pump', version: '1.0.0' }],
    });
    await sink.start(never);
    await connected();
    const said = { advice: 'Check the oil filter', consequence: 'The pump runs dry' };
    sink.announce(transition(said));
    sink.announce(transition({ id: 'w', sequence: 2, withdrawn: true, findings: [], tag: 'x', by: 'Ann', comment: 'seen' }));
    sink.publishState(assetState({ alarms: assetState().alarms.map((alarm) => ({ ...alarm, ...said })) }));
    sink.publishScore(score({ contributions: Float32Array.of(0.1, Number.NaN) }));
    await eventually(() => heard.length >= 6, 'all is heard');
    const kinds: Record<string, MessageKind> = {
      'fettle/hall1/line1/pump3/alarm': 'state',
      'fettle/hall1/line1/pump3/alarm/event': 'event',
      'fettle/hall1/line1/pump3/score': 'score',
      'fettle/hall1/status': 'status',
      'fettle/hall1/describe': 'describe',
    };
    expect(new Set(heard.map(({ topic }) => topic))).toEqual(new Set(Object.keys(kinds)));
    for (const { topic, json, packet } of heard) {
      const kind = kinds[topic] as MessageKind;
      const valid = validators[kind];
      expect(valid?.(json), `${topic} ${JSON.stringify(valid?.errors)} ${JSON.stringify(json)}`).toBe(true);
      if (protocolVersion === 5)
        expect(packet.properties).toMatchObject({ contentType: 'application/json', userProperties: { schema: schemaId(kind) } });
    }
    const scores = on('fettle/hall1/line1/pump3/score')[0];
    expect(scores?.json).toMatchObject({
      at: new Date(atMs).toISOString(),
      ratio: 0.5,
      channels: [{ tag: 'oil-temp' }, { contribution: null }],
    });
    expect(scores?.packet.qos).toBe(0);
    if (protocolVersion === 5) expect(scores?.packet.properties?.messageExpiryInterval).toBe(300);
    expect(on('fettle/hall1/line1/pump3/alarm/event').map(({ packet }) => packet.qos)).toEqual([1, 1]);
    expect(on('fettle/hall1/line1/pump3/alarm/event').map(({ json }) => json)).toMatchObject([said, { advice: null, consequence: null }]);
    expect(on('fettle/hall1/line1/pump3/alarm').at(-1)?.json).toMatchObject({ alarms: [said] });
    expect(on('fettle/hall1/status')[0]?.json).toMatchObject({ online: true, version: '0.1.0' });
  });

  it('publishes an announced event once, though the outbox delivers it too', async () => {
    await sink.start(never);
    await connected();
    const alarms = Array.from({ length: 50 }, (_, n) => transition({ sequence: n + 1, id: `t-${n + 1}` }));
    for (const alarm of alarms) sink.announce(alarm);
    await sink.deliver(
      alarms.map((alarm) => entryOf('alarms', sink.encodeTransition(alarm))),
      never,
    );
    await sink.deliver([entryOf('alarms', sink.encodeTransition(transition({ id: 'late', sequence: 51 })))], never);
    await eventually(() => on('fettle/hall1/line1/pump3/alarm/event').length >= 51, 'all events');
    await sink.deliver(
      alarms.map((alarm) => entryOf('alarms', sink.encodeTransition(alarm))),
      never,
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    const sequences = on('fettle/hall1/line1/pump3/alarm/event').map(({ json }) => (json as { sequence: number }).sequence);
    expect(sequences).toEqual(Array.from({ length: 51 }, (_, n) => n + 1));
  });

  it('loses no event over a lost connection, and publishes the latest state after it', async () => {
    await sink.start(never);
    await connected();
    await broker?.stop();
    await eventually(() => sink.status().state === 'degraded', 'it is seen');
    sink.announce(transition({ id: 'offline', sequence: 9 }));
    sink.publishScore(score());
    for (let n = 0; n < 20; n++) sink.publishState(assetState({ sequence: n, asset: 'b' }));
    expect(sink.status().counters).toMatchObject({ notAnnounced: 1, scoresDropped: 1, retainedOpen: expect.any(Number) });
    await broker?.start();
    await eventually(() => client.connected, 'the listener is back');
    const entry = entryOf('alarms', sink.encodeTransition(transition({ id: 'offline', sequence: 9 })));
    await eventually(
      () =>
        sink.deliver([entry], never).then(
          () => true,
          () => false,
        ),
      'it is delivered',
    );
    await eventually(
      () => on('fettle/hall1/line1/pump3/alarm/event').length > 0 && on('fettle/hall1/b/alarm').length > 0,
      'event and state are heard',
    );
    expect(on('fettle/hall1/line1/pump3/alarm/event')[0]?.json).toMatchObject({ id: 'offline' });
    expect(on('fettle/hall1/b/alarm').map(({ json }) => (json as { sequence: number }).sequence)).toEqual([19]);
    expect(sink.status().counters.connects).toBe(2);
  });

  it('does not send a state again that has not changed', async () => {
    await sink.start(never);
    await connected();
    sink.publishState(assetState());
    sink.publishState(assetState({ atMs: atMs + 1000 }));
    sink.publishState(assetState({ sequence: 2 }));
    sink.publishState(assetState({ sequence: 2 }));
    await eventually(() => on('fettle/hall1/line1/pump3/alarm').length === 2, 'two states');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(on('fettle/hall1/line1/pump3/alarm')).toHaveLength(2);
  });

  it('says online, offline at a clean stop, and leaves a will', async () => {
    await sink.start(never);
    await eventually(() => on('fettle/hall1/status').length === 1, 'online');
    await sink.stop();
    await eventually(() => on('fettle/hall1/status').length === 2, 'offline');
    expect(on('fettle/hall1/status').map(({ json }) => (json as { online: boolean }).online)).toEqual([true, false]);
    const other = makeSink({ clientId: 'twin' });
    await other.start(never);
    await connected(other);
    await eventually(() => on('fettle/hall1/status').length === 3, 'online again');
    // Another client with the same id: the broker ends our connection, which is not a clean stop.
    const intruder = await mqtt.connectAsync(broker?.url ?? '', { clientId: 'twin', protocolVersion, reconnectPeriod: 0 });
    await eventually(() => online() === false, 'the will');
    await intruder.endAsync(true);
    await eventually(() => online() === true, 'it comes back by itself');
    await other.stop();
  });

  it('hears commands and answers them', async () => {
    const commands: unknown[] = [];
    sink.setCommandHandler((verb, payload, reply) => {
      commands.push([verb, payload]);
      reply({ ok: true });
      reply({ ok: false });
    });
    await sink.start(never);
    await connected();
    await eventually(async () => {
      await client.publishAsync('fettle/hall1/cmd/probe', '{"request":7}', { qos: 1 });
      return on('fettle/hall1/cmd/probe/response').length > 0;
    }, 'it is subscribed');
    expect(on('fettle/hall1/cmd/probe/response')[0]?.json).toEqual({ request: 7, ok: true });
    await client.publishAsync('fettle/hall1/cmd/shelve', '{"asset":"a"}', {
      qos: 1,
      ...(protocolVersion === 5 && { properties: { responseTopic: 'fettle/answers/me', correlationData: Buffer.from('k1') } }),
    });
    const answerTopic = protocolVersion === 5 ? 'fettle/answers/me' : 'fettle/hall1/cmd/shelve/response';
    await eventually(() => on(answerTopic).length === 1, 'the answer');
    if (protocolVersion === 5) expect(on(answerTopic)[0]?.packet.properties?.correlationData?.toString()).toBe('k1');
    expect(commands.at(-1)).toEqual(['shelve', { asset: 'a' }]);
    await client.publishAsync('fettle/hall1/cmd/shelve', 'no json', { qos: 1 });
    await eventually(
      () => on('fettle/hall1/cmd/shelve/response').some(({ json }) => (json as { ok: boolean }).ok === false),
      'the refusal',
    );
    if (protocolVersion === 5) {
      // Must not be made to write an alarm state.
      await client.publishAsync('fettle/hall1/cmd/ack', '', { qos: 1, properties: { responseTopic: 'fettle/hall1/line1/pump3/alarm' } });
      await eventually(() => on('fettle/hall1/cmd/ack/response').length === 1, 'the answer elsewhere');
      expect(on('fettle/hall1/line1/pump3/alarm')).toHaveLength(0);
    }
  });

  it('does not carry out a retained command', async () => {
    await client.publishAsync('fettle/hall1/cmd/shelve', '{}', { retain: true, qos: 1 });
    const verbs: string[] = [];
    sink.setCommandHandler((verb) => void verbs.push(verb));
    await sink.start(never);
    await eventually(() => sink.status().counters.commandsRefused === 1, 'it was refused');
    expect(verbs).toEqual([]);
  });

  it('reconciles what stands on the broker with what was recovered', async () => {
    const before = makeSink({ clientId: 'before' });
    await before.start(never);
    await connected(before);
    const standing = assetState().alarms[0];
    if (!standing) throw new Error('no alarm');
    before.publishState(assetState({ asset: 'ahead', sequence: 9, alarms: [standing, { ...standing, transition: 't-9' }] }));
    before.publishState(assetState({ asset: 'behind', sequence: 1 }));
    before.publishState(assetState({ asset: 'gone/for/good', sequence: 3 }));
    for (let n = 0; n < 60; n++) before.publishState(assetState({ asset: `same/${n}`, sequence: 4 }));
    await eventually(() => before.status().counters.retainedOpen === 0, 'all stand');
    await before.stop();
    await client.publishAsync('fettle/hall1/odd/alarm', 'no json', { retain: true, qos: 1 }).catch(() => {});
    heard = [];
    const recovered = [
      assetState({ asset: 'ahead', sequence: 7 }),
      assetState({ asset: 'behind', sequence: 2 }),
      ...Array.from({ length: 60 }, (_, n) => assetState({ asset: `same/${n}`, sequence: 4 })),
    ];
    await sink.start(never);
    // As a gateway would that does not wait for the broker.
    const reconciled = sink.reconcile(recovered, never);
    sink.publishState(assetState({ asset: 'ahead', sequence: 8 }));
    expect(await reconciled).toEqual([{ asset: 'ahead', sequence: 9, standing: ['t-9'] }]);
    await eventually(() => sink.status().counters.retainedOpen === 0, 'the true states stand');
    const fresh = await mqtt.connectAsync(broker?.url ?? '', { protocolVersion });
    const stands = new Map<string, unknown>();
    fresh.on('message', (topic, payload) => stands.set(topic, JSON.parse(payload.toString()).sequence));
    await fresh.subscribeAsync('fettle/hall1/#');
    await eventually(() => stands.size >= 63, 'they are read');
    await fresh.endAsync(true);
    expect(stands.get('fettle/hall1/ahead/alarm')).toBe(8);
    expect(stands.get('fettle/hall1/behind/alarm')).toBe(2);
    expect(stands.has('fettle/hall1/gone/for/good/alarm')).toBe(false);
    expect(stands.has('fettle/hall1/odd/alarm')).toBe(false);
  });

  it('ends a connection that no longer acknowledges, and gives up waiting at a stop', async () => {
    await sink.start(never);
    await connected();
    await broker?.process.freeze(true);
    const startedMs = performance.now();
    await expect(sink.deliver([entryOf('alarms', sink.encodeTransition(transition()))], never)).rejects.toMatchObject({
      code: 'FETTLE_MQTT_UNREACHABLE',
    });
    expect(performance.now() - startedMs).toBeLessThan(1500);
    await broker?.process.freeze(false);
    const stopMs = performance.now();
    await sink.stop();
    expect(performance.now() - stopMs).toBeLessThan(1600);
    await expect(sink.deliver([entryOf('alarms', sink.encodeTransition(transition()))], never)).rejects.toMatchObject({
      code: 'FETTLE_MQTT_UNREACHABLE',
    });
  });
});
