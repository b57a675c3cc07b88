import mqtt, { type IClientOptions } from 'mqtt';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { Interner } from '../../../src/core/interner.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { MqttSource } from '../../../src/sources/mqtt/mqtt-source.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { startMosquitto } from '../../support/mosquitto.ts';
import { collectingInlet, parseSource, type Taken } from './read-message.ts';

/** A source at a real broker; every message counts as committed at once. */
async function startSource(configuration: object) {
  const tags = new Interner(100);
  const taken: Taken[] = [];
  let marks = 0;
  const inlet = {
    ...collectingInlet(tags, taken),
    mark: () => ++marks,
    redelivered: () => {},
    endOfBurst: () => source.committed(marks),
    full: false,
    setConnected: () => {},
  };
  const context = { id: 'm', site: 'north', tags, texts: new Interner(10), inlet, clock: systemClock, log: silentLogger };
  const source: MqttSource = new MqttSource(parseSource(configuration), context);
  onTestFinished(() => source.stop());
  await source.start(new AbortController().signal);
  return { source, taken, isGood: () => source.status().state === 'good' };
}

async function broker(context: TestContext, ...options: Parameters<typeof startMosquitto>) {
  const mosquitto = (await startMosquitto(...options)) ?? context.skip();
  onTestFinished(() => mosquitto.dispose());
  return mosquitto;
}

async function client(url: string, options: IClientOptions = {}) {
  const connected = await mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, ...options });
  onTestFinished(() => connected.endAsync(true));
  return connected;
}

const press = { topic: 'plant/{m}/telemetry', time: { path: '$.t' }, tags: { '{m}/flow': '$.flow' } };

describe('at a real broker', () => {
  it('a last will makes the values of its client bad, and coming back is enough', async (context) => {
    const { url } = await broker(context);
    const topics = [{ ...press, availability: { topic: 'plant/{m}/state' } }];
    const { source, taken, isGood } = await startSource({ url, topics });
    await eventually(isGood, 'connected');
    const will = { topic: 'plant/p1/state', payload: Buffer.from('offline'), qos: 1 as const, retain: true };
    const device = await client(url, { will });
    await device.publishAsync('plant/p1/state', 'online', { qos: 1, retain: true });
    await device.publishAsync('plant/p1/telemetry', JSON.stringify({ t: Date.now(), flow: 3 }), { qos: 1 });
    await eventually(() => taken.length === 1, 'a value');
    // Not a word of farewell.
    device.stream.destroy();
    await eventually(() => taken.length === 2, 'the will');
    expect(taken[1]).toMatchObject({ tag: 'p1/flow', quality: 'badNoCommunication' });
    expect(source.status().units.map(({ name, state }) => [name, state])).toEqual([
      [`broker ${url}`, 'good'],
      ['client plant/p1/state', 'failed'],
    ]);
    const again = await client(url, { will });
    await again.publishAsync('plant/p1/state', 'online', { qos: 1, retain: true });
    await eventually(() => source.status().units.length === 1, 'it is back');
  });

  it('a group shares the messages: each comes to one, none is lost', async (context) => {
    const { url } = await broker(context);
    const both = await Promise.all(['one', 'two'].map((clientId) => startSource({ url, clientId, share: 'fettle', topics: [press] })));
    await eventually(() => both.every(({ isGood }) => isGood()), 'both are connected');
    const device = await client(url);
    for (let i = 0; i < 100; i++)
      await device.publishAsync(`plant/p${i % 4}/telemetry`, JSON.stringify({ t: Date.now(), flow: i }), { qos: 1 });
    const all = () => both.flatMap(({ taken }) => taken.map(({ value }) => value));
    await eventually(() => all().length >= 100, 'all came');
    expect(all().sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    for (const { taken } of both) expect(taken.length).toBeGreaterThan(0);
  });

  it.for([5, 4] as const)('MQTT %i: content type and user properties are used where there are any', async (protocolVersion, context) => {
    const { url } = await broker(context);
    const topics = [{ topic: 'any/{m}', payload: 'auto', time: { property: 'ts' }, tags: { '{m}/flow': '$.flow' } }];
    const { taken, isGood } = await startSource({ url, protocolVersion, topics });
    await eventually(isGood, 'connected');
    const device = await client(url);
    const ts = Date.now() - 60_000;
    const properties = {
      contentType: 'text/csv',
      messageExpiryInterval: 60,
      responseTopic: 'x',
      correlationData: Buffer.from('y'),
      userProperties: { ts: String(ts) },
    };
    await device.publishAsync('any/p', 'flow\n7', { qos: 1, properties });
    await eventually(() => taken.length === 1, 'it came');
    expect(taken).toMatchObject([{ tag: 'p/flow', value: 7 }]);
    // MQTT 3.1.1 knows no properties: the look of it, and the arrival.
    if (protocolVersion === 5) expect(taken[0]?.timeMs).toBe(ts);
    else expect(taken[0]?.timeMs).toBeGreaterThan(ts + 50_000);
  });

  it('that wants certificates from both sides gets them, and a wrong name is told', async (context) => {
    const certificates = (await makeCertificates()) ?? context.skip();
    const { port } = await broker(context, {
      config: ['cafile {folder}/ca.pem', 'certfile {folder}/server.pem', 'keyfile {folder}/server.key', 'require_certificate true'],
      files: Object.fromEntries(['ca.pem', 'server.pem', 'server.key'].map((name) => [name, certificates.read(name).toString()])),
    });
    const url = `mqtts://127.0.0.1:${port}`;
    const files = { ca: certificates.path('ca.pem'), cert: certificates.path('client.pem'), key: certificates.path('client.key') };
    const { isGood } = await startSource({ url, serverName: 'plc.test', ...files, topics: [press] });
    await eventually(isGood, 'connected');
    const failing: [object, RegExp][] = [
      [files, /127\.0\.0\.1.*certificate|certificate.*altnames/i],
      [{ serverName: 'plc.test', ca: files.ca }, /certificate|alert|closed|ECONNRESET/i],
      [{ ...files, serverName: 'plc.test', ca: certificates.path('stranger.pem') }, /certificate|verify|issuer/i],
    ];
    for (const [tls, reason] of failing) {
      const { source } = await startSource({ url, ...tls, topics: [press] });
      await eventually(() => source.status().units[0]?.lastError !== undefined, 'it is refused');
      expect(source.status().units[0]?.lastError).toMatch(reason);
      expect(source.status().state).not.toBe('good');
      if (tls === files) expect(source.status().units[0]?.hint).toContain('serverName');
    }
  });
});
