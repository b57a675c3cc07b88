import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import mqtt from 'mqtt';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { alertsSchema } from '../../../src/sinks/mqtt/config.ts';
import { createAlerts } from '../../../src/sinks/mqtt/index.ts';
import type { MqttSink } from '../../../src/sinks/mqtt/mqtt-sink.ts';
import { eventually } from '../../support/eventually.ts';
import { type Mosquitto, startMosquitto } from '../../support/mosquitto.ts';
import { freePort, temporaryFolder } from '../../support/peer-process.ts';
import { requirePeer } from '../../support/peers.ts';
import { assetState, entryOf, sinkContext, transition } from '../fixtures.ts';

const never = new AbortController().signal;

describe('what brokers answer', () => {
  let broker: Mosquitto | undefined;
  let sink: MqttSink | undefined;
  const makeSink = (keys: object) => {
    sink = createAlerts(alertsSchema.parse({ timeout: '1s', ...keys }), sinkContext('alerts'));
    return sink;
  };
  const alarm = (target: MqttSink) => entryOf('alarms', target.encodeTransition(transition()));
  afterEach(async () => {
    await sink?.stop();
    await broker?.dispose();
    broker = undefined;
  });

  it('falls back to MQTT 3.1.1 where 5 is refused', async () => {
    const aedes = await Aedes.createBroker();
    const server: Server = createServer(aedes.handle);
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const events: string[] = [];
    aedes.on('publish', ({ topic }) => void events.push(topic));
    const target = makeSink({ url: `mqtt://127.0.0.1:${port}` });
    await target.start(never);
    expect(await target.deliver([alarm(target)], never)).toEqual({ rejected: [] });
    expect(events).toContain('fettle/hall1/line1/pump3/alarm/event');
    await target.stop();
    server.close();
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
  });

  it('says that user name and password are wrong', async ({ skip }) => {
    broker = await startMosquitto({ anonymous: false });
    if (!broker) return skip('mosquitto is not installed');
    const target = makeSink({ url: broker.url, username: 'nobody' });
    await target.start(never);
    await eventually(() => target.status().state === 'failed', 'it is refused');
    expect(target.status()).toMatchObject({
      lastError: expect.stringMatching(/not authorized/i),
      hint: expect.stringContaining('password'),
    });
    await expect(target.deliver([alarm(target)], never)).rejects.toMatchObject({ code: 'FETTLE_MQTT_REFUSED' });
  });

  it('keeps events the broker does not allow, and says so', async ({ skip }) => {
    broker = await startMosquitto({
      config: ['acl_file {folder}/acl'],
      files: { acl: 'topic write fettle/hall1/status\ntopic write fettle/hall1/describe\n' },
    });
    if (!broker) return skip('mosquitto is not installed');
    const target = makeSink({ url: broker.url });
    await target.start(never);
    await expect(target.deliver([alarm(target)], never)).rejects.toMatchObject({ code: 'FETTLE_MQTT_REFUSED' });
    target.publishState(assetState());
    await eventually(() => target.status().state === 'degraded', 'the state is refused too');
    expect(target.status().lastError).toMatch(/not authorized/i);
  });

  it('sets aside an event that is larger than the broker takes', async ({ skip }) => {
    broker = await startMosquitto({ config: ['max_packet_size 2000'] });
    if (!broker) return skip('mosquitto is not installed');
    const target = makeSink({ url: broker.url });
    await target.start(never);
    const huge = entryOf('alarms', target.encodeTransition(transition({ id: 'huge', message: 'x'.repeat(3000) })));
    const { rejected } = await target.deliver([huge, alarm(target)], never);
    expect(rejected).toMatchObject([{ entryId: huge.id, count: 1, reason: expect.stringContaining('2000 bytes') }]);
    expect(target.status().counters).toMatchObject({ delivered: 1, rejected: 1, connects: 1 });
  });

  it('has no more messages open than the broker announces', async () => {
    const open: number[] = [];
    let most = 0;
    const server = createServer((socket) => {
      let unread = Buffer.alloc(0);
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        unread = Buffer.concat([unread, chunk]);
        for (let packet = takePacket(unread); packet; packet = takePacket(unread)) {
          unread = packet.rest;
          // CONNACK with Receive Maximum 2.
          if (packet.type === 1) socket.write(Buffer.from([0x20, 6, 0, 0, 3, 0x21, 0, 2]));
          if (packet.type !== 3) continue;
          most = Math.max(most, open.push(packet.id));
          const acknowledge = () => {
            const id = open.shift() ?? 0;
            socket.write(Buffer.from([0x40, 2, id >> 8, id & 255]));
          };
          setTimeout(acknowledge, 10);
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const target = makeSink({ url: `mqtt://127.0.0.1:${port}` });
    await target.start(never);
    const entries = Array.from({ length: 20 }, (_, n) => entryOf('alarms', target.encodeTransition(transition({ id: `t-${n}` }))));
    expect(await target.deliver(entries, never)).toEqual({ rejected: [] });
    expect(most).toBe(2);
    await target.stop();
    server.close();
  });

  it('sets aside an entry that is no event', async ({ skip }) => {
    broker = await startMosquitto();
    if (!broker) return skip('mosquitto is not installed');
    const target = makeSink({ url: broker.url });
    await target.start(never);
    const { rejected } = await target.deliver(
      [entryOf('alarms', Buffer.from('{')), entryOf('alarms', Buffer.from('{}')), alarm(target)],
      never,
    );
    expect(rejected).toHaveLength(2);
  });

  it('speaks TLS with certificates of its own, and trusts no other', async ({ skip }) => {
    const openssl = requirePeer('openssl');
    if (!openssl) return skip('openssl is not installed');
    const folder = await temporaryFolder('tls');
    onTestFinished(() => rm(folder, { recursive: true }));
    const run = (...args: string[]) => execFileSync(openssl, args, { cwd: folder, stdio: 'ignore' });
    run(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-subj',
      '/CN=test ca',
      '-days',
      '2',
    );
    for (const [name, extension] of [
      ['server', 'subjectAltName=IP:127.0.0.1'],
      ['gateway', 'keyUsage=digitalSignature'],
    ] as const) {
      run(
        'req',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.csr`,
        '-subj',
        `/CN=${name}`,
        '-addext',
        extension,
      );
      run(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-CAcreateserial',
        '-out',
        `${name}.pem`,
        '-days',
        '2',
        '-copy_extensions',
        'copy',
      );
    }
    const text = (name: string) => readFileSync(join(folder, name), 'utf8');
    broker = await startMosquitto({
      config: ['cafile {folder}/ca.pem', 'certfile {folder}/server.pem', 'keyfile {folder}/server.key', 'require_certificate true'],
      files: { 'ca.pem': text('ca.pem'), 'server.pem': text('server.pem'), 'server.key': text('server.key') },
    });
    if (!broker) return skip('mosquitto is not installed');
    const url = broker.url.replace('mqtt:', 'mqtts:');
    const target = makeSink({ url, ca: join(folder, 'ca.pem'), cert: join(folder, 'gateway.pem'), key: join(folder, 'gateway.key') });
    await target.start(never);
    expect(await target.deliver([alarm(target)], never)).toEqual({ rejected: [] });
    await target.stop();
    const stranger = makeSink({ url });
    await stranger.start(never);
    await expect(stranger.deliver([alarm(stranger)], never)).rejects.toMatchObject({ message: expect.stringMatching(/certificate/) });
    await expect(makeSink({ url, ca: join(folder, 'none.pem') }).start(never)).rejects.toMatchObject({ code: 'FETTLE_CONFIG_INVALID' });
  });

  it('connects by itself when the broker comes up after it', async ({ skip }) => {
    const port = await freePort();
    const target = makeSink({ url: `mqtt://127.0.0.1:${port}` });
    await target.start(never);
    target.publishState(assetState());
    await eventually(() => target.status().state === 'degraded', 'it is seen');
    expect(target.status().lastError).toMatch(/ECONNREFUSED/);
    broker = await startMosquitto({ port });
    if (!broker) return skip('mosquitto is not installed');
    const client = await mqtt.connectAsync(broker.url);
    const seen: string[] = [];
    client.on('message', (topic) => void seen.push(topic));
    await client.subscribeAsync('fettle/#');
    await eventually(() => new Set(seen).size === 2, 'status and state', 8000);
    await client.endAsync(true);
  });
});

/** The first whole MQTT packet of a buffer: its type and, of a PUBLISH with QoS 1, its packet id. */
function takePacket(bytes: Buffer): { type: number; id: number; rest: Buffer<ArrayBuffer> } | undefined {
  let length = 0;
  let at = 1;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined) return undefined;
    length |= (byte & 127) << shift;
    if (byte < 128) break;
  }
  if (bytes.length < at + length) return undefined;
  const type = (bytes[0] ?? 0) >> 4;
  const id = type === 3 ? bytes.readUInt16BE(at + 2 + bytes.readUInt16BE(at)) : 0;
  return { type, id, rest: Buffer.from(bytes.subarray(at + length)) };
}
