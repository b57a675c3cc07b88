import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { errorText, FettleError } from '../../core/errors.ts';
import { HeardTopics } from './heard-topics.ts';
import { explainConnection, isRefusedProtocol } from './refusals.ts';

export interface Broker {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** Files, PEM. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
}

export interface ListenOptions {
  readonly broker: Broker;
  readonly filters: readonly string[];
  readonly forMs: number;
  /** Of the subscription: with 0 the broker has the least to do, and every message comes with 0. */
  readonly qos: 0 | 1 | 2;
  /** Ends it early, with what was heard so far. */
  readonly signal: AbortSignal;
  onProgress?(messages: number, topics: number): void;
}

export interface Hearing {
  readonly heard: HeardTopics;
  readonly protocol: '5' | '3.1.1';
  readonly seconds: number;
  /** Why it ended before its time; undefined where it did not. */
  readonly endedBy: 'interrupted' | 'closed' | undefined;
  /** Where nothing was heard: what else the broker has. */
  readonly elsewhere: Elsewhere | undefined;
}

/** What can be told of a broker under whose filter nothing came. */
export interface Elsewhere {
  /** First levels of topics with traffic; undefined where that was not looked for. */
  readonly firstLevels: readonly string[] | undefined;
  /** As the broker says under $SYS; undefined where it does not. */
  readonly clients: string | undefined;
  readonly receivedPerMinute: string | undefined;
}

const progressMs = 500;
const lookAroundMs = 2_000;

/**
 * Hears what a broker has under some filters, and publishes nothing: a session of its own that ends with the connection.
 * Rejects with FETTLE_MQTT_UNREACHABLE or FETTLE_MQTT_REFUSED, each with what to do.
 */
export async function listenMqtt(options: ListenOptions): Promise<Hearing> {
  const { broker, filters, forMs, qos, signal } = options;
  const { client, protocol } = await connect(broker, signal);
  const heard = new HeardTopics();
  try {
    client.on('message', (topic, payload, packet) =>
      heard.add({ topic, payload, arrivalMs: Date.now(), retained: packet.retain, qos: packet.qos }),
    );
    const began = performance.now();
    await subscribe(client, filters, qos, broker);
    const endedBy = await quiet(client, forMs, signal, () => options.onProgress?.(heard.messages, heard.topics.size));
    const seconds = (performance.now() - began) / 1000;
    const elsewhere = heard.messages === 0 && endedBy === undefined ? await lookAround(client, protocol, filters, signal) : undefined;
    return { heard, protocol, seconds, endedBy, elsewhere };
  } finally {
    client.removeAllListeners('message');
    client.end(true);
  }
}

async function connect(broker: Broker, signal: AbortSignal): Promise<{ client: MqttClient; protocol: Hearing['protocol'] }> {
  signal.throwIfAborted();
  try {
    return { client: await open(broker, 5, signal), protocol: '5' };
  } catch (error) {
    // Old brokers close the connection, or say that they do not know this version.
    if (!isRefusedProtocol(error)) throw explainConnection(error, broker.url);
  }
  try {
    return { client: await open(broker, 4, signal), protocol: '3.1.1' };
  } catch (error) {
    throw explainConnection(error, broker.url);
  }
}

function open(
  { url, username, password, ca, cert, key, serverName }: Broker,
  protocolVersion: 4 | 5,
  signal: AbortSignal,
): Promise<MqttClient> {
  const file = (name: 'ca' | 'cert' | 'key', path: string | undefined) => (path === undefined ? {} : { [name]: readPem(path) });
  const options: IClientOptions = {
    protocolVersion,
    clientId: `fettle-listen-${randomUUID().slice(0, 8)}`,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: 10_000,
    resubscribe: false,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...file('ca', ca),
    ...file('cert', cert),
    ...file('key', key),
    ...(serverName !== undefined && { servername: serverName }),
  };
  return new Promise((resolve, reject) => {
    const client = mqtt.connect(url, options);
    // The library listens to its own events: only ours may be taken off.
    client.on('error', () => {});
    const settle = (): void => {
      signal.removeEventListener('abort', interrupted);
      client.off('error', fail);
      client.off('close', closed);
      client.off('connect', connected);
    };
    const fail = (error: unknown): void => {
      settle();
      client.end(true);
      reject(error);
    };
    const interrupted = (): void => fail(signal.reason);
    const closed = (): void => fail(new Error('closed'));
    const connected = (): void => {
      settle();
      resolve(client);
    };
    signal.addEventListener('abort', interrupted, { once: true });
    client.on('error', fail);
    client.on('close', closed);
    client.on('connect', connected);
  });
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new FettleError('FETTLE_COMMAND_INVALID', `the file ${path} cannot be read: ${errorText(error)}`, { cause: error });
  }
}

function subscribe(client: MqttClient, filters: readonly string[], qos: 0 | 1 | 2, { url, username }: Broker): Promise<void> {
  return new Promise((resolve, reject) => {
    client.subscribe([...filters], { qos }, (error, granted) => {
      const refused = granted?.filter((one) => one.qos >= 128).map(({ topic }) => topic) ?? [];
      if (error === null && refused.length === 0) return resolve();
      const what = refused.length > 0 ? `${url} refused to subscribe ${refused.join(', ')}` : `subscribing failed: ${errorText(error)}`;
      reject(
        new FettleError('FETTLE_MQTT_REFUSED', what, {
          hint: `the access rules of the broker decide what ${username ?? 'a client without name'} may read: try a narrower filter, or another --username`,
        }),
      );
    });
  });
}

/** Waits; why it ended before its time. */
function quiet(client: MqttClient, forMs: number, signal: AbortSignal, onProgress: () => void): Promise<Hearing['endedBy']> {
  return new Promise((resolve) => {
    const progress = setInterval(onProgress, progressMs);
    const end = (why: Hearing['endedBy']): void => {
      clearInterval(progress);
      clearTimeout(timer);
      signal.removeEventListener('abort', interrupted);
      client.off('close', closed);
      resolve(why);
    };
    const timer = setTimeout(() => end(undefined), forMs);
    const interrupted = (): void => end('interrupted');
    const closed = (): void => end('closed');
    signal.addEventListener('abort', interrupted, { once: true });
    client.once('close', closed);
  });
}

const systemTopics = { clients: '$SYS/broker/clients/connected', received: '$SYS/broker/load/messages/received/1min' } as const;
const mostFirstLevels = 20;

/** What the broker says of itself, and under which first levels messages come just now (not the retained ones: they may be many). */
async function lookAround(
  client: MqttClient,
  protocol: Hearing['protocol'],
  filters: readonly string[],
  signal: AbortSignal,
): Promise<Elsewhere> {
  const said = new Map<string, string>();
  const firstLevels = new Set<string>();
  client.removeAllListeners('message');
  client.on('message', (topic, payload) => {
    if (topic.startsWith('$')) said.set(topic, payload.toString('utf8').slice(0, 40));
    else if (firstLevels.size < mostFirstLevels) firstLevels.add(topic.split('/', 1)[0] as string);
  });
  client.subscribe(Object.values(systemTopics), { qos: 0 }, () => {});
  const wantsAll = protocol === '5' && !filters.includes('#');
  if (wantsAll) client.subscribe('#', { qos: 0, rh: 2 }, () => {});
  await quiet(client, lookAroundMs, signal, () => {});
  return {
    firstLevels: wantsAll ? [...firstLevels].sort() : undefined,
    clients: said.get(systemTopics.clients),
    receivedPerMinute: said.get(systemTopics.received),
  };
}
