import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type IClientOptions, type IConnackPacket, type IPublishPacket, MqttClient } from 'mqtt';
import { errorText, FettleError } from '../../core/errors.ts';
import { AckWindow } from './ack-window.ts';

export interface LinkOptions {
  readonly url: string;
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
  readonly protocolVersion: 4 | 5;
  readonly will: { readonly topic: string; readonly payload: string };
  readonly timeoutMs: number;
  readonly onMessage: (topic: string, payload: Buffer, packet: IPublishPacket) => void;
}

/** MQTT 5 metadata of a message; 3.1.1 does without. */
export type Properties = NonNullable<IPublishPacket['properties']>;

const keepaliveSeconds = 15;
/** Below the 20 that brokers usually allow. */
const acknowledgementsAwaited = 16;
/** A socket that is further behind than this drops QoS 0. */
const lossyBytes = 262_144;
const unacceptableVersion = new Set([1, 132]);
/** Topic name invalid, packet too large, payload format invalid: the same message will never pass. */
const refusedForGood = new Set([0x90, 0x95, 0x99]);

/** The broker refused this very message for good. */
export class MessageRefused extends Error {}

/** The broker does not speak this version of MQTT. */
export class VersionRefused extends Error {}

/**
 * One connection to a broker, from CONNECT to its end; it never reconnects, queues or sends again by itself
 * (MQTT.js's own queue loses QoS 1 on a second drop, MQTT.js 2015). What was not acknowledged when it ends has failed.
 */
export class Link {
  readonly #client: MqttClient;
  readonly #options: LinkOptions;
  readonly #window: AckWindow;
  readonly #retains: boolean;
  readonly #acknowledges: boolean;
  readonly #largestBytes: number;
  readonly #open = new Set<(reason: unknown) => void>();
  readonly #socket: Socket | undefined;
  #ended: FettleError | undefined;
  #lastError: unknown;
  /** Resolves with the reason when the connection is gone. */
  readonly closed: Promise<FettleError>;
  readonly #close: (reason: FettleError) => void;

  /** Connects. Rejects with VersionRefused, FETTLE_MQTT_REFUSED, FETTLE_MQTT_UNREACHABLE or the signal's reason. */
  static open(options: LinkOptions, signal: AbortSignal): Promise<Link> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      let socket: Socket | undefined;
      let last: unknown;
      const client = new MqttClient(() => {
        socket = openSocket(options);
        socket.on('error', (error) => {
          last = error;
        });
        return socket;
      }, clientOptions(options));
      const settle = (act: () => void) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        client.removeAllListeners();
        client.on('error', () => {});
        act();
      };
      const fail = (error: unknown) =>
        settle(() => {
          client.end(true);
          socket?.destroy();
          reject(error);
        });
      const onAbort = () => fail(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      const timer = setTimeout(() => fail(unreachable(options.url, `no answer within ${options.timeoutMs} ms`)), options.timeoutMs);
      client.on('error', (error) => {
        last = error;
        const code = (error as { code?: unknown }).code;
        if (typeof code !== 'number') return;
        fail(unacceptableVersion.has(code) ? new VersionRefused(error.message) : refused(options.url, error.message));
      });
      client.on('close', () => fail(unreachable(options.url, last === undefined ? 'it closed the connection' : errorText(last))));
      client.on('connect', (connack) => settle(() => resolve(new Link(client, socket, connack, options))));
    });
  }

  private constructor(client: MqttClient, socket: Socket | undefined, connack: IConnackPacket, options: LinkOptions) {
    this.#client = client;
    this.#socket = socket;
    this.#options = options;
    const properties = connack.properties ?? {};
    this.#window = new AckWindow(Math.min(properties.receiveMaximum ?? acknowledgementsAwaited, acknowledgementsAwaited));
    this.#retains = properties.retainAvailable !== false;
    this.#acknowledges = properties.maximumQoS !== 0;
    this.#largestBytes = properties.maximumPacketSize ?? Number.POSITIVE_INFINITY;
    const { promise, resolve } = Promise.withResolvers<FettleError>();
    this.closed = promise;
    this.#close = resolve;
    client.on('message', options.onMessage);
    client.on('error', (error) => {
      this.#lastError = error;
    });
    client.on('disconnect', ({ reasonCode }) => {
      this.#lastError = new Error(`the broker ended the connection (reason code 0x${(reasonCode ?? 0).toString(16)})`);
    });
    client.on('close', () =>
      this.drop(unreachable(options.url, this.#lastError === undefined ? 'the connection was lost' : errorText(this.#lastError))),
    );
  }

  /** QoS 1: resolves at PUBACK. Rejects with MessageRefused, FETTLE_MQTT_REFUSED or, when the connection is gone, FETTLE_MQTT_UNREACHABLE. */
  async publish(topic: string, payload: string | Buffer, retain: boolean, properties: Properties): Promise<void> {
    if (!this.#acknowledges) throw refused(this.#options.url, 'this broker takes QoS 0 only and acknowledges nothing');
    const packetBytes = Buffer.byteLength(topic) + Buffer.byteLength(payload) + 200;
    if (packetBytes > this.#largestBytes) throw new MessageRefused(`larger than the ${this.#largestBytes} bytes the broker takes`);
    await this.#window.take();
    let timer: NodeJS.Timeout | undefined;
    let refuse: ((reason: unknown) => void) | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        if (this.#ended) return reject(this.#ended);
        // Without PUBACK nothing is known: the connection ends, and all that is open is published again on the next one.
        timer = setTimeout(
          () => this.drop(unreachable(this.#options.url, `no acknowledgement within ${this.#options.timeoutMs} ms`)),
          this.#options.timeoutMs,
        );
        refuse = reject;
        this.#open.add(reject);
        this.#client.publish(topic, payload, { qos: 1, retain: retain && this.#retains, ...this.#metadata(properties) }, (error) => {
          if (!error) return resolve();
          reject(this.#publishFailure(error));
        });
      });
    } finally {
      if (refuse) this.#open.delete(refuse);
      clearTimeout(timer);
      this.#window.give();
    }
  }

  /** QoS 0; false when it was dropped because the socket is behind. */
  publishLossy(topic: string, payload: string, properties: Properties): boolean {
    if (this.#ended || (this.#socket?.writableLength ?? 0) > lossyBytes) return false;
    this.#client.publish(topic, payload, { qos: 0, ...this.#metadata(properties) });
    return true;
  }

  /** Rejects with FETTLE_MQTT_REFUSED when the broker refuses a filter. */
  async subscribe(filters: readonly string[], qos: 0 | 1): Promise<void> {
    const granted = await Promise.race([
      this.#client.subscribeAsync([...filters], { qos }).catch((error: unknown) => {
        throw this.#ended ?? refused(this.#options.url, `subscription to ${filters[0]}: ${errorText(error)}`);
      }),
      this.closed.then((reason) => Promise.reject(reason)),
    ]);
    if (granted.some((grant) => grant.qos >= 128)) throw refused(this.#options.url, `subscription to ${filters.join(', ')} is not allowed`);
  }

  async unsubscribe(filters: readonly string[]): Promise<void> {
    await Promise.race([this.#client.unsubscribeAsync([...filters]), this.closed]);
  }

  /** Ends the connection as broken: the broker publishes the will. */
  drop(reason: FettleError): void {
    if (this.#ended) return;
    this.#ended = reason;
    this.#window.close(reason);
    this.#close(reason);
    for (const refuse of this.#open) refuse(reason);
    this.#client.end(true);
    this.#socket?.destroy();
  }

  /** Says DISCONNECT (no will) and ends. */
  async end(): Promise<void> {
    if (!this.#ended) {
      const waited = new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500);
        this.#client.end(false, {}, () => {
          clearTimeout(timer);
          resolve();
        });
      });
      await waited;
    }
    this.drop(unreachable(this.#options.url, 'closed by us'));
  }

  #publishFailure(error: Error): Error {
    const code = (error as { code?: unknown }).code;
    if (typeof code !== 'number') return this.#ended ?? unreachable(this.#options.url, error.message);
    return refusedForGood.has(code) ? new MessageRefused(error.message) : refused(this.#options.url, error.message);
  }

  #metadata(properties: Properties): { properties?: Properties } {
    return this.#options.protocolVersion === 5 ? { properties } : {};
  }
}

function openSocket({ url, tls }: LinkOptions): Socket {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const secure = protocol === 'mqtts:';
  const socket = secure
    ? connectTls({ host, port: Number(port || 8883), ...(isIP(host) === 0 && { servername: host }), ...tls })
    : connectTcp({ host, port: Number(port || 1883) });
  // An alert is one small packet: Nagle would hold it until the last one is acknowledged.
  socket.setNoDelay(true);
  return socket;
}

function clientOptions(options: LinkOptions): IClientOptions {
  const five = options.protocolVersion === 5;
  return {
    protocolId: 'MQTT',
    protocolVersion: options.protocolVersion,
    clientId: options.clientId,
    ...(options.username !== undefined && { username: options.username }),
    ...(options.password !== undefined && { password: options.password }),
    clean: true,
    keepalive: keepaliveSeconds,
    reconnectPeriod: 0,
    connectTimeout: options.timeoutMs,
    queueQoSZero: false,
    resubscribe: false,
    will: {
      topic: options.will.topic,
      payload: Buffer.from(options.will.payload),
      qos: 1,
      retain: true,
      ...(five && { properties: { contentType: 'application/json', payloadFormatIndicator: true } }),
    },
  };
}

const unreachable = (url: string, why: string): FettleError =>
  new FettleError('FETTLE_MQTT_UNREACHABLE', `${new URL(url).host}: ${why}`, {
    hint: 'Check that the broker runs and that the network leads there; alarms wait here until then.',
  });

const refused = (url: string, why: string): FettleError =>
  new FettleError('FETTLE_MQTT_REFUSED', `${new URL(url).host}: ${why}`, {
    hint: 'Check user name, password, client id and what the broker allows them.',
  });
