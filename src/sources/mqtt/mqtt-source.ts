import { readFileSync } from 'node:fs';
import { connect as connectSocket, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type IClientOptions, MqttClient } from 'mqtt';
import { Backoff } from '../../core/backoff.ts';
import { sleep } from '../../core/clock.ts';
import { type ErrorCode, errorText, FettleError } from '../../core/errors.ts';
import type { Source, SourceContext, SourceStatus } from '../../core/source.ts';
import { AcknowledgementQueue } from './acknowledgement-queue.ts';
import type { MqttSourceConfig } from './config.ts';
import { readPublishProperties } from './publish-properties.ts';
import { PublishTap } from './publish-tap.ts';
import { Subscriptions } from './subscriptions.ts';

const otherName = 'use the name that stands in the certificate in the URL, or say it as serverName';
const refusedProtocol = new Set([1, 132]);

/**
 * MQTT → samples. A persistent session at QoS 1; each message is acknowledged when the commit that holds its samples is on the disk.
 * What cannot be read is counted, its last example kept, and acknowledged too, so that it cannot block the broker's queue.
 */
export class MqttSource implements Source {
  readonly id: string;
  readonly #config: MqttSourceConfig;
  readonly #context: SourceContext;
  readonly #subscriptions: Subscriptions;
  readonly #acknowledgements = new AcknowledgementQueue();
  readonly #stopped = new AbortController();
  readonly #counters = {
    messages: 0,
    redelivered: 0,
    connections: 0,
    bytes: 0,
  };
  #version: 4 | 5;
  #tap: PublishTap | undefined;
  #running: Promise<void> = Promise.resolve();
  #state: SourceStatus['state'] = 'stopped';
  #lastError: string | undefined;
  #hint: string | undefined;
  #code: ErrorCode | undefined;
  #lastGoodMs: number | undefined;

  constructor(config: MqttSourceConfig, context: SourceContext) {
    this.id = config.id;
    this.#config = config;
    this.#context = context;
    this.#version = config.protocolVersion === 4 ? 4 : 5;
    this.#subscriptions = new Subscriptions(config, context);
  }

  async start(signal: AbortSignal): Promise<void> {
    const tls = this.#tlsOptions();
    this.#state = 'connecting';
    signal.addEventListener('abort', () => this.#stopped.abort(), { once: true });
    this.#running = this.#run(tls);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    this.#state = 'stopped';
  }

  committed(mark: number): void {
    this.#tap?.acknowledge(this.#acknowledgements.takeUpTo(mark));
  }

  resume(): void {
    this.#tap?.resumeSocket();
  }

  status(): SourceStatus {
    const { units, learned, counters, lastRejected } = this.#subscriptions;
    return {
      state: this.#state,
      units: [
        {
          name: `broker ${this.#config.url}`,
          state: this.#state,
          ...(this.#lastError !== undefined && { lastError: this.#lastError }),
          ...(this.#code !== undefined && { code: this.#code }),
          ...(this.#hint !== undefined && { hint: this.#hint }),
          ...(this.#lastGoodMs !== undefined && { lastGoodMs: this.#lastGoodMs }),
          ...(learned.length > 0 && { learned }),
        },
        ...units,
      ],
      counters: { ...this.#counters, ...counters, unacknowledged: this.#acknowledgements.size },
      ...(lastRejected !== undefined && { lastRejected }),
    };
  }

  /** Connects for ever, with a back-off that a good connection resets. */
  async #run(tls: object): Promise<void> {
    const { signal } = this.#stopped;
    const backoff = new Backoff({ baseMs: 250, maxMs: 15_000 });
    let closedEarly = 0;
    while (!signal.aborted) {
      const outcome = await this.#connection(tls, () => {
        backoff.reset();
        closedEarly = 0;
      });
      if (signal.aborted) return;
      if (
        this.#config.protocolVersion === 'auto' &&
        this.#version === 5 &&
        (outcome === 'refusedProtocol' || (outcome === 'closedEarly' && ++closedEarly >= 2))
      ) {
        this.#context.log.info({ source: this.id }, 'the broker does not speak MQTT 5; going on with 3.1.1');
        this.#version = 4;
        continue;
      }
      await sleep(backoff.next(), signal).catch(() => {});
    }
  }

  /** One connection from CONNECT to close. */
  #connection(tls: object, onGood: () => void): Promise<'closed' | 'closedEarly' | 'refusedProtocol'> {
    const { signal } = this.#stopped;
    const { inlet } = this.#context;
    return new Promise((resolve) => {
      let outcome: 'closed' | 'closedEarly' | 'refusedProtocol' = 'closedEarly';
      const client = new MqttClient(() => this.#open(tls), this.#clientOptions());
      const close = () => client.end(true);
      signal.addEventListener('abort', close, { once: true });
      client.on('connect', () => {
        outcome = 'closed';
        this.#counters.connections++;
        client.subscribe(
          Object.fromEntries(
            this.#subscriptions.filters.map((filter) => [filter, { qos: this.#config.qos, ...(this.#version === 5 && { rh: 1 }) }]),
          ),
          (error, granted) => {
            const refused = granted?.filter(({ qos }) => qos >= 128).map(({ topic }) => topic) ?? [];
            if (error !== null || refused.length > 0) {
              const what = refused.length > 0 ? `the broker refused to subscribe ${refused.join(', ')}` : errorText(error);
              this.#fail(
                new FettleError('FETTLE_MQTT_REFUSED', what, {
                  hint: `check the access rules of the broker for ${this.#config.username ?? 'anonymous clients'}`,
                }),
                'degraded',
              );
              return;
            }
            onGood();
            this.#state = 'good';
            this.#lastError = undefined;
            this.#hint = undefined;
            this.#code = undefined;
            inlet.setConnected(true);
            this.#context.log.info({ source: this.id, url: this.#config.url, mqtt: this.#version === 5 ? '5' : '3.1.1' }, 'connected');
          },
        );
      });
      client.on('error', (error) => {
        const code = 'code' in error ? Number(error.code) : Number.NaN;
        if (refusedProtocol.has(code)) outcome = 'refusedProtocol';
        this.#fail(toFettleError(error, code, this.#config.url), 'connecting');
      });
      client.on('close', () => {
        signal.removeEventListener('abort', close);
        inlet.setConnected(false);
        this.#tap = undefined;
        // The broker sends again what was not acknowledged; these packet ids mean nothing on the next connection.
        this.#acknowledgements.clear();
        if (this.#state === 'good')
          this.#fail(new FettleError('FETTLE_MQTT_UNREACHABLE', `the connection to ${this.#config.url} was closed`), 'connecting');
        client.removeAllListeners();
        client.on('error', () => {});
        client.end(true);
        resolve(outcome);
      });
    });
  }

  #open(tls: object): PublishTap {
    const { protocol, hostname, port } = new URL(this.#config.url);
    const secure = protocol === 'mqtts:';
    const target = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (secure ? 8883 : 1883) };
    const socket: Socket = secure
      ? connectTls({ ...target, ...(isIP(target.host) === 0 && { servername: target.host }), ...tls })
      : connectSocket(target);
    // Nagle's algorithm holds small packets back for tens of milliseconds.
    socket.setNoDelay(true);
    const tap: PublishTap = new PublishTap(socket, this.#version, this.#config.maxPayload, {
      publish: (buffer, topicStart, topicEnd, end, flags, packetId) =>
        this.#publish(tap, buffer, topicStart, topicEnd, end, flags, packetId),
      oversize: (topic, bytes, packetId) => {
        this.#subscriptions.oversize(topic, bytes);
        this.#mark(packetId);
      },
      endOfBurst: () => {
        const { inlet } = this.#context;
        inlet.endOfBurst();
        if (inlet.full) tap.pauseSocket();
      },
    });
    this.#tap = tap;
    return tap;
  }

  #publish(tap: PublishTap, buffer: Buffer, topicStart: number, topicEnd: number, end: number, flags: number, packetId: number): void {
    const { inlet, clock } = this.#context;
    const start = tap.payloadStart;
    this.#counters.messages++;
    this.#lastGoodMs = clock.wallMs();
    this.#counters.bytes += end - topicStart;
    const retained = (flags & 0x01) !== 0;
    // A retained message may have been read at an earlier connection, like a redelivered one.
    const isRepeatable = (flags & 0x08) !== 0 || retained;
    if (isRepeatable) {
      this.#counters.redelivered++;
      inlet.redelivered();
    }
    const topic = buffer.toString('utf8', topicStart, topicEnd);
    const subscriptions = this.#subscriptions;
    if (topicEnd - topicStart > this.#config.maxTopic) subscriptions.longTopic(topic);
    else {
      const known = subscriptions.of(topic);
      const properties = known.wantsProperties ? readPublishProperties(buffer, tap.propertiesStart, start) : undefined;
      subscriptions.message(known, { buffer, start, end, arrivalMs: this.#lastGoodMs, retained, isRepeatable, properties }, inlet);
    }
    this.#mark(packetId);
  }

  #mark(packetId: number): void {
    if (packetId !== 0) this.#acknowledgements.add(this.#context.inlet.mark(), packetId);
  }

  #fail(error: FettleError, state: SourceStatus['state']): void {
    const first = this.#lastError !== error.message;
    this.#state = state;
    this.#lastError = error.message;
    this.#hint = error.hint;
    this.#code = error.code;
    if (first && !this.#stopped.signal.aborted)
      this.#context.log.warn({ source: this.id, code: error.code, hint: error.hint }, error.message);
  }

  #tlsOptions(): object {
    const read = (key: 'ca' | 'cert' | 'key') => {
      const file = this.#config[key];
      return file === undefined ? {} : { [key]: readFileSync(file) };
    };
    const { serverName } = this.#config;
    return { ...read('ca'), ...read('cert'), ...read('key'), ...(serverName !== undefined && { servername: serverName }) };
  }

  #clientOptions(): IClientOptions {
    const { clientId, username, password, cleanSession, keepalive, sessionExpiry, maxInFlight, maxPayload } = this.#config;
    return {
      protocolVersion: this.#version,
      clientId: clientId ?? `fettle-${this.#context.site}-${this.id}`,
      clean: cleanSession,
      keepalive: Math.max(1, Math.round(keepalive / 1000)),
      reconnectPeriod: 0,
      connectTimeout: 10_000,
      resubscribe: false,
      queueQoSZero: false,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password: password.reveal() }),
      ...(this.#version === 5 && {
        properties: {
          sessionExpiryInterval: cleanSession ? 0 : Math.round(sessionExpiry / 1000),
          receiveMaximum: maxInFlight,
          maximumPacketSize: maxPayload + 66_000,
        },
      }),
    };
  }
}

function toFettleError(error: Error, code: number, url: string): FettleError {
  if (refusedProtocol.has(code))
    return new FettleError('FETTLE_MQTT_REFUSED', `${url} does not accept this protocol version`, { cause: error });
  if (code === 4 || code === 5 || code === 134 || code === 135) {
    return new FettleError('FETTLE_MQTT_REFUSED', `${url} refused the login: ${error.message}`, {
      cause: error,
      hint: 'check username and password, and the access rules of the broker',
    });
  }
  return new FettleError('FETTLE_MQTT_UNREACHABLE', `no connection to ${url}: ${errorText(error)}`, {
    cause: error,
    hint: 'code' in error && error.code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? otherName : 'is the broker running, and does the address fit?',
  });
}
