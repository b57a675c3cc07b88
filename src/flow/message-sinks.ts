import mqtt, { type MqttClient } from 'mqtt';
import { errorText, FettleError } from '../core/errors.ts';
import type { DeliveryReport, OutboxEntry, Sink, SinkStatus } from '../core/sink.ts';

/** A message as it waits in the outbox. */
export interface StoredMessage {
  readonly topic: string;
  /** As it is sent. */
  readonly body: string;
  readonly retain?: boolean;
}

export interface HttpTarget {
  readonly type: 'http';
  readonly url: string;
  /** Authorization and others. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface MqttTarget {
  readonly type: 'mqtt';
  /** mqtt://broker:1883 or mqtts://broker:8883 */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

const patienceMs = 15_000;
/** Busy, or not there at the moment: worth trying again (RFC 9110). */
const passing = new Set([401, 403, 404, 408, 425, 429]);
const longestReason = 300;

/** One message after the other, in order. Of a batch that failed in the middle, the first ones are not sent again. */
abstract class MessageSink implements Sink {
  readonly id = 'target';
  abstract readonly type: string;
  readonly maxBatch = { points: 100, bytes: 4_000_000 };
  readonly wants: ReadonlySet<'results'> = new Set(['results'] as const);
  #taken = new Set<number>();
  #delivered = 0;
  #problem: string | undefined;

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  encodeTransition(): undefined {}
  encodeScores(): undefined {}
  encodeSamples(): undefined {}

  async deliver(entries: readonly OutboxEntry[], signal: AbortSignal): Promise<DeliveryReport> {
    const rejected: { entryId: number; count: number; reason: string; example: string }[] = [];
    try {
      for (const { id, count, payload } of entries) {
        if (this.#taken.has(id)) continue;
        const text = Buffer.from(payload).toString();
        const reason = await this.send(JSON.parse(text) as StoredMessage, id, AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]));
        if (reason !== undefined)
          rejected.push({ entryId: id, count, reason: reason.slice(0, longestReason), example: text.slice(0, longestReason) });
        else this.#delivered++;
        this.#taken.add(id);
      }
    } catch (error) {
      this.#problem = errorText(error);
      throw error;
    }
    this.#problem = undefined;
    this.#taken = new Set();
    return { rejected };
  }

  status(): SinkStatus {
    const state = this.#problem === undefined ? 'good' : 'degraded';
    return { state, counters: { delivered: this.#delivered }, ...(this.#problem !== undefined && { lastError: this.#problem }) };
  }

  /** Returns why the receiver will never take it. Throws FETTLE_SINK_UNAVAILABLE where it may take it later. */
  protected abstract send(message: StoredMessage, id: number, signal: AbortSignal): Promise<string | undefined>;
}

/** A POST for each message; `Idempotency-Key` is the same for every repetition. */
export class HttpMessageSink extends MessageSink {
  readonly type = 'http';
  readonly #target: HttpTarget;
  readonly #keys: string;

  /** `keys`: of this outbox, so that two of them do not share idempotency keys. */
  constructor(target: HttpTarget, keys: string) {
    super();
    this.#target = target;
    this.#keys = keys;
  }

  protected override async send({ topic, body }: StoredMessage, id: number, signal: AbortSignal): Promise<string | undefined> {
    const { url, headers } = this.#target;
    const own = {
      'content-type': 'application/json',
      'idempotency-key': `${this.#keys}-${id}`,
      ...(topic !== '' && { 'x-topic': encodeURI(topic.toWellFormed()) }),
    };
    const response = await fetch(url, { method: 'POST', headers: { ...own, ...headers }, body, signal }).catch((error: unknown) => {
      throw new FettleError('FETTLE_SINK_UNAVAILABLE', `${url}: ${errorText(error)}`, { cause: error });
    });
    const text = await response.text().catch(() => '');
    if (response.ok) return undefined;
    const said = `${url} answered ${response.status} ${text}`.trim().slice(0, longestReason);
    if (response.status < 500 && !passing.has(response.status)) return said;
    const wait = Number(response.headers.get('retry-after'));
    throw new FettleError('FETTLE_SINK_UNAVAILABLE', said, Number.isFinite(wait) && wait > 0 ? { retryAfterMs: wait * 1000 } : {});
  }
}

/** A publish with QoS 1 for each message; it counts when the broker has acknowledged it. */
export class MqttMessageSink extends MessageSink {
  readonly type = 'mqtt';
  readonly #target: MqttTarget;
  #client: MqttClient | undefined;

  constructor(target: MqttTarget) {
    super();
    this.#target = target;
  }

  override async stop(): Promise<void> {
    await this.#client?.endAsync(true);
    this.#client = undefined;
  }

  protected override async send(
    { topic, body, retain = false }: StoredMessage,
    _id: number,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (topic === '' || /[+#\0]/.test(topic)) return `"${topic}" is no topic that can be published to`;
    const client = await this.#connected();
    const gone = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(new Error('no acknowledgement in time')), { once: true }),
    );
    await Promise.race([client.publishAsync(topic, body, { qos: 1, retain }), gone]).catch((error: unknown) => {
      // A new connection for the next one: what this one still holds back would come twice.
      void this.stop();
      throw this.#away(error);
    });
    return undefined;
  }

  async #connected(): Promise<MqttClient> {
    if (this.#client?.connected === true) return this.#client;
    await this.stop();
    const { url, username, password } = this.#target;
    const login = { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
    this.#client = await mqtt
      .connectAsync(url, { ...login, reconnectPeriod: 0, connectTimeout: patienceMs }, false)
      .catch((error: unknown) => {
        throw this.#away(error);
      });
    this.#client.on('error', () => {});
    return this.#client;
  }

  #away(error: unknown): FettleError {
    return new FettleError('FETTLE_SINK_UNAVAILABLE', `${this.#target.url}: ${errorText(error)}`, { cause: error });
  }
}
