import { createServer, type Server } from 'node:http';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRetriable } from '../../src/core/errors.ts';
import type { Sink } from '../../src/core/sink.ts';
import { emailSink } from '../../src/sinks/email/index.ts';
import { sinkDefinitions } from '../../src/sinks/index.ts';
import { influxdbSink } from '../../src/sinks/influxdb/index.ts';
import { mqttSink } from '../../src/sinks/mqtt/index.ts';
import { webhookSink } from '../../src/sinks/webhook/index.ts';
import { eventually } from '../support/eventually.ts';
import { startInfluxd } from '../support/influxd.ts';
import { MailServer } from '../support/mail-server.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { startVictoriaMetrics } from '../support/victoria-metrics.ts';
import { entryOf, sinkContext, transition } from './fixtures.ts';

/** A real receiver, and the keys (`asset sequence`) of the alarms it holds, each as often as it holds it. */
interface Receiver {
  readonly process: { start(): Promise<void>; stop(): Promise<void>; freeze(frozen: boolean): Promise<void> | void };
  makeSink(): Sink;
  keys(): Promise<string[]>;
  dispose(): Promise<void>;
}

async function influxdbReceiver(): Promise<Receiver | undefined> {
  const server = await startInfluxd();
  return (
    server && {
      process: server.process,
      makeSink: () =>
        influxdbSink.create(
          influxdbSink.schema.parse({ id: 'sink', type: 'influxdb', url: server.url, timeout: '1s' }),
          sinkContext('sink'),
        ),
      keys: async () =>
        (await server.query('fettle', 'SELECT asset, sequence FROM fettle_alarm')).map((row) => `${row.asset} ${row.sequence}`),
      dispose: () => server.dispose(),
    }
  );
}

async function victoriaMetricsReceiver(): Promise<Receiver | undefined> {
  const server = await startVictoriaMetrics();
  return (
    server && {
      process: server.process,
      makeSink: () =>
        influxdbSink.create(
          influxdbSink.schema.parse({ id: 'sink', type: 'influxdb', url: server.url, timeout: '1s' }),
          sinkContext('sink'),
        ),
      keys: async () => {
        const series = await server.exportSeries('{__name__="fettle_alarm_sequence"}');
        return series.flatMap(({ metric, values }) => values.map((sequence) => `${metric.asset} ${sequence}`));
      },
      dispose: () => server.dispose(),
    }
  );
}

async function mosquittoReceiver(): Promise<Receiver | undefined> {
  const server = await startMosquitto();
  if (!server) return undefined;
  const keys: string[] = [];
  const listener = mqtt.connect(server.url, { reconnectPeriod: 50, resubscribe: true });
  listener.on('error', () => {});
  listener.on('message', (_, payload) => {
    const event = JSON.parse(payload.toString()) as { asset: string; sequence: number };
    keys.push(`${event.asset} ${event.sequence}`);
  });
  await listener.subscribeAsync('fettle/hall1/+/alarm/event', { qos: 1 });
  return {
    process: server.process,
    makeSink: () =>
      mqttSink.create(mqttSink.schema.parse({ id: 'sink', type: 'mqtt', url: server.url, timeout: '1s' }), sinkContext('sink')),
    keys: async () => {
      await eventually(() => listener.connected, 'the listener is connected');
      await new Promise((resolve) => setTimeout(resolve, 100));
      return keys;
    },
    dispose: async () => {
      await listener.endAsync(true);
      await server.dispose();
    },
  };
}

/** Keeps what it is sent, by its idempotency key, as a receiver of webhooks should. */
async function webhookReceiver(): Promise<Receiver> {
  const events = new Map<string, string>();
  let server: Server | undefined;
  let port = 0;
  let isFrozen = false;
  const start = async (): Promise<void> => {
    const fresh = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        if (isFrozen) return;
        const { asset, sequence } = JSON.parse(body) as { asset: string; sequence: number };
        events.set(String(request.headers['idempotency-key']), `${asset} ${sequence}`);
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => fresh.listen(port, '127.0.0.1', resolve));
    port = (fresh.address() as { port: number }).port;
    server = fresh;
  };
  const stop = async (): Promise<void> => {
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
  };
  await start();
  const freeze = (frozen: boolean): void => {
    isFrozen = frozen;
  };
  return {
    process: { start, stop, freeze },
    makeSink: () =>
      webhookSink.create(
        webhookSink.schema.parse({ ...old, id: 'sink', type: 'webhook', url: `http://127.0.0.1:${port}/` }),
        sinkContext('sink'),
      ),
    keys: async () => [...events.values()],
    dispose: stop,
  };
}

async function mailReceiver(): Promise<Receiver> {
  const server = new MailServer();
  await server.start();
  const { port } = server;
  return {
    process: server,
    makeSink: () =>
      emailSink.create(
        emailSink.schema.parse({
          ...old,
          id: 'sink',
          type: 'email',
          url: `smtp://127.0.0.1:${port}`,
          from: 'a@plant.test',
          to: ['b@plant.test'],
          text: 'key {asset} {id}',
        }),
        sinkContext('sink'),
      ),
    keys: async () =>
      server.mails.flatMap(({ text }) => [...text.matchAll(/key (\S+) t-(\d+)/g)].map(([, asset, sequence]) => `${asset} ${sequence}`)),
    dispose: () => server.stop(),
  };
}

/** The alarms of the test are of some day. */
const old = { maxAge: '3650d' };

const receivers = [
  { type: 'influxdb', peer: 'influxd', start: influxdbReceiver },
  { type: 'influxdb', peer: 'victoria-metrics', start: victoriaMetricsReceiver },
  { type: 'mqtt', peer: 'mosquitto', start: mosquittoReceiver },
  { type: 'webhook', peer: 'a web server', start: webhookReceiver },
  { type: 'email', peer: 'a mail server', start: mailReceiver },
];

it('has a real receiver for every registered sink', () => {
  expect(new Set(receivers.map(({ type }) => type))).toEqual(new Set(sinkDefinitions.map(({ type }) => type)));
});

describe.each(receivers)('the $type sink against $peer', ({ peer, start }) => {
  let receiver: Receiver | undefined;
  let sink: Sink;
  const never = new AbortController().signal;
  const alarm = (sequence: number) =>
    entryOf('alarms', sink.encodeTransition(transition({ asset: `a${sequence}`, sequence, id: `t-${sequence}` })));

  beforeAll(async () => {
    receiver = await start();
    if (!receiver) return;
    sink = receiver.makeSink();
    await sink.start(never);
  });
  afterAll(async () => {
    await sink?.stop();
    await receiver?.dispose();
  });

  it('delivers, and delivering again changes nothing', async ({ skip }) => {
    if (!receiver) return skip(`${peer} is not installed`);
    const entries = [alarm(1), alarm(2)];
    expect(await sink.deliver(entries, never)).toEqual({ rejected: [] });
    expect(await sink.deliver(entries, never)).toEqual({ rejected: [] });
    expect((await receiver.keys()).sort()).toEqual(['a1 1', 'a2 2']);
    expect(sink.status().state).toBe('good');
  });

  it('throws what can be tried again while the receiver is down, and delivers once it is back', async ({ skip }) => {
    if (!receiver) return skip(`${peer} is not installed`);
    await receiver.process.stop();
    const entry = alarm(3);
    const error: unknown = await sink.deliver([entry], never).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(Error);
    expect(isRetriable(error)).toBe(true);
    expect(sink.status()).toMatchObject({ state: 'degraded', lastError: expect.stringMatching(/127\.0\.0\.1/), hint: expect.any(String) });
    await receiver.process.start();
    await receiver.keys();
    await eventually(
      () =>
        sink.deliver([entry], never).then(
          () => true,
          () => false,
        ),
      'the sink delivers again',
    );
    expect((await receiver.keys()).filter((key) => key === 'a3 3')).toHaveLength(1);
    expect(sink.status().state).toBe('good');
  });

  it('gives up at once when it is told to', async ({ skip }) => {
    if (!receiver) return skip(`${peer} is not installed`);
    await receiver.process.freeze(true);
    const abort = new AbortController();
    const delivery = sink.deliver([alarm(4)], abort.signal);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const startedMs = performance.now();
    abort.abort(new Error('stop'));
    await expect(delivery).rejects.toThrow('stop');
    expect(performance.now() - startedMs).toBeLessThan(100);
    await expect(sink.deliver([alarm(5)], AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
    await receiver.process.freeze(false);
  });

  it('may be stopped twice', async ({ skip }) => {
    if (!receiver) return skip(`${peer} is not installed`);
    await sink.stop();
    await sink.stop();
    expect(sink.status().state).toBe('stopped');
  });
});
