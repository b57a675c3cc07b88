import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { FettleError } from '../core/errors.ts';
import { type Logger, silentLogger } from '../core/logger.ts';
import { Secret } from '../core/secret.ts';
import type { Sink } from '../core/sink.ts';
import { parseTimestamp } from '../core/timestamp.ts';
import { Names } from '../gateway/names.ts';
import { JournalOutboxStore } from '../gateway/outbox-store.ts';
import type { CommitBatch } from '../journal/batch.ts';
import { Journal } from '../journal/journal.ts';
import { SinkDelivery } from '../outbox/delivery.ts';
import { influxdbSink } from '../sinks/influxdb/index.ts';
import { lineHead, lineOf, nanoseconds, numberField, textField } from '../sinks/influxdb/line-protocol.ts';
import { HttpMessageSink, type HttpTarget, MqttMessageSink, type MqttTarget, type StoredMessage } from './message-sinks.ts';
import { parsedFlow } from './plan-flow.ts';

export interface InfluxdbTarget {
  readonly type: 'influxdb';
  /** InfluxDB 1, 2 or 3, VictoriaMetrics or QuestDB: http://influxdb:8086 */
  readonly url: string;
  readonly database: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
}

export interface FlowOutboxOptions {
  /** A directory of its own: what waits stands there. */
  readonly directory: string;
  readonly target: InfluxdbTarget | HttpTarget | MqttTarget;
  /** Largest size on the disk; beyond it the oldest goes, counted. */
  readonly maxBytes?: number;
  readonly log?: Logger;
}

/** A message to be kept until it has been delivered. */
export interface OutgoingMessage {
  readonly topic?: string | undefined;
  readonly payload: unknown;
  /** MQTT. */
  readonly retain?: boolean;
  /** InfluxDB: the measurement; the topic where absent. */
  readonly measurement?: string | undefined;
}

export interface FlowOutboxStatus {
  /** Messages (InfluxDB: points) that wait. */
  readonly depth: number;
  readonly oldestMs: number | null;
  /** The receiver took the last one. */
  readonly up: boolean;
  readonly problem: string | undefined;
  readonly delivered: number;
  /** Refused for good by the receiver, kept apart with its words. */
  readonly rejected: number;
  /** Lost because `maxBytes` was reached. */
  readonly dropped: number;
}

const defaultBytes = 500_000_000;
const keptForMs = 365 * 86_400_000;
const mostWaiting = 10_000;
const sink = 'target';
const encoder = new TextEncoder();

interface Waiting {
  readonly entry: CommitBatch['outbox'][number];
  readonly done: () => void;
  readonly fail: (error: unknown) => void;
}

/** Messages of a flow, kept on the disk until their receiver has them: the gateway's own journal and outbox, for whatever a flow sends. Delivered in order, at least once. */
export class FlowOutbox {
  readonly #journal: Journal;
  readonly #sink: Sink;
  readonly #delivery: SinkDelivery;
  readonly #type: FlowOutboxOptions['target']['type'];
  #waiting: Waiting[] = [];
  #committing: Promise<void> | undefined;
  #isClosed = false;
  #dropped = 0;

  private constructor(journal: Journal, made: Sink, { target, log = silentLogger }: FlowOutboxOptions) {
    this.#journal = journal;
    this.#sink = made;
    this.#type = target.type;
    this.#dropped = journal.opened.retention.droppedOutboxPoints;
    const names = new Names(journal.opened.names, { tags: 1, texts: 1 });
    const store = new JournalOutboxStore(journal, made, names, new Set(), systemClock);
    // A flow wants its messages in the order it sent them: what an outage left behind goes first.
    this.#delivery = new SinkDelivery(made, store, systemClock, log, { backlogBatches: Number.POSITIVE_INFINITY });
  }

  /** Throws FETTLE_CONFIG_INVALID with what is wrong of the target, FETTLE_DATA_LOCKED, FETTLE_DATA_TOO_NEW, FETTLE_JOURNAL_FAILED. */
  static async open(options: FlowOutboxOptions): Promise<FlowOutbox> {
    const { directory, maxBytes = defaultBytes } = options;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const made = sinkOf(options);
    const journal = await Journal.open({ directory, maxBytes, maxAgeMs: keptForMs });
    const outbox = new FlowOutbox(journal, made, options);
    const signal = new AbortController().signal;
    await made.start(signal);
    await outbox.#delivery.start(signal);
    return outbox;
  }

  /** On the disk when it resolves. Throws FETTLE_API_REQUEST for what cannot be sent there, FETTLE_SOURCE_BUSY where too many wait for the disk, FETTLE_JOURNAL_FULL. */
  put(message: OutgoingMessage): Promise<void> {
    if (this.#isClosed || this.#waiting.length >= mostWaiting)
      return Promise.reject(new FettleError('FETTLE_SOURCE_BUSY', `${mostWaiting} messages wait for the disk`, { retryAfterMs: 1000 }));
    return new Promise((done, fail) => {
      const payload = encoder.encode(this.#type === 'influxdb' ? lineOfMessage(message) : JSON.stringify(storedOf(message)));
      this.#waiting.push({ entry: { sink, lane: 'results', count: 1, payload }, done, fail });
      this.#committing ??= this.#commit();
    });
  }

  status(): FlowOutboxStatus {
    const { link, lanes, oldestAgeMs, counters, lastError, hint } = this.#delivery.status();
    const problem = lastError === undefined ? undefined : `${lastError}${hint === undefined ? '' : ` → ${hint}`}`;
    const { delivered, rejected } = counters;
    return { depth: lanes.results.points, oldestMs: oldestAgeMs, up: link.up, problem, delivered, rejected, dropped: this.#dropped };
  }

  /** What waits stays on the disk. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#committing;
    await this.#delivery.stop();
    await this.#sink.stop();
    await this.#journal.close();
  }

  /** What comes while the disk is busy goes together. */
  async #commit(): Promise<void> {
    while (this.#waiting.length > 0) {
      const together = this.#waiting;
      this.#waiting = [];
      const empty = { segment: null, names: [], scores: null, invalid: [], transitions: [], snapshot: null };
      try {
        await this.#journal.commit({ ...empty, wallMs: Date.now(), outbox: together.map(({ entry }) => entry) });
        this.#delivery.wake('results');
        for (const { done } of together) done();
        this.#dropped = (await this.#journal.retention()).droppedOutboxPoints;
      } catch (error) {
        for (const { fail } of together) fail(error);
      }
    }
    this.#committing = undefined;
  }
}

function sinkOf({ target, directory }: FlowOutboxOptions): Sink {
  if (target.type === 'influxdb') {
    const { password, token, type: _, ...rest } = target;
    const document = { site: 'flow', sinks: [{ id: sink, type: 'influxdb', send: ['scores'], ...rest }] };
    const [config] = parsedFlow(document, 'sinks[0]').config.sinks;
    if (config?.type !== 'influxdb') throw new FettleError('FETTLE_CONFIG_INVALID', 'there is no InfluxDB to send to');
    // Of a flow's credentials, not by reference as in a file.
    const secrets = {
      ...(password !== undefined && { password: new Secret(password) }),
      ...(token !== undefined && { token: new Secret(token) }),
    };
    return influxdbSink.create({ ...config, ...secrets }, { id: sink, site: 'flow', clock: systemClock, log: silentLogger });
  }
  const scheme = target.type === 'http' ? /^https?:$/ : /^(mqtts?|wss?):$/;
  if (!URL.canParse(target.url) || !scheme.test(new URL(target.url).protocol))
    throw new FettleError(
      'FETTLE_CONFIG_INVALID',
      `url must be an address like ${target.type === 'http' ? 'https://host/path' : 'mqtt://host:1883'}`,
    );
  return target.type === 'http' ? new HttpMessageSink(target, keysOf(directory)) : new MqttMessageSink(target);
}

/** Tells the outboxes apart that send to one receiver; made once. */
function keysOf(directory: string): string {
  const file = join(directory, 'id');
  if (!existsSync(file)) writeFileSync(file, randomBytes(9).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}

const storedOf = ({ topic = '', payload, retain }: OutgoingMessage): StoredMessage => ({
  topic,
  body:
    typeof payload === 'string'
      ? payload
      : payload instanceof Uint8Array
        ? Buffer.from(payload).toString()
        : JSON.stringify(payload ?? null),
  ...(retain === true && { retain }),
});

/**
 * A point of InfluxDB: line protocol as it is, or an object of fields with the measurement's name in `measurement` or the topic; `[fields, tags]` as node-red-contrib-influxdb has it. Texts, numbers and
 * booleans are fields; `time` (ISO 8601 or ms) is its time, else it is now. Its key is fixed here, so that a repeat overwrites itself.
 */
function lineOfMessage({ topic = '', payload, measurement = topic }: OutgoingMessage): string {
  if (typeof payload === 'string' && /^\S+ \S+/.test(payload.trim())) return payload.trim();
  const [fields, tags] = Array.isArray(payload) ? (payload as unknown[]) : [payload, {}];
  const values = typeof fields === 'object' && fields !== null ? (fields as Record<string, unknown>) : { value: fields };
  if (measurement === '') throw refused('has no measurement: set msg.measurement or msg.topic');
  const { time, ...rest } = values;
  const timeMs = time === undefined ? Date.now() : parseTimestamp(time as string | number);
  if (Number.isNaN(timeMs)) throw refused(`has a time that is none: ${String(time)}`);
  let line = '';
  for (const [key, value] of Object.entries(rest)) {
    const name = key.replace(/[,= ]/g, '\\$&');
    if (typeof value === 'number') line += numberField(name, value);
    else if (typeof value === 'boolean') line += `${name}=${value},`;
    else if (typeof value === 'string') line += `${name}=${textField(value)},`;
  }
  const texts = Object.fromEntries(
    Object.entries(typeof tags === 'object' && tags !== null ? tags : {}).map(([key, value]) => [key, String(value)]),
  );
  const whole = lineOf(lineHead(measurement.replace(/[, ]/g, '\\$&'), texts), line, nanoseconds(timeMs));
  if (whole === '') throw refused('has no number, text or boolean to store');
  return whole;
}

const refused = (what: string): FettleError => new FettleError('FETTLE_API_REQUEST', `the message ${what}`);
