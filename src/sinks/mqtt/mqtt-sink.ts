import { readFileSync } from 'node:fs';
import type { AlarmTransition, AssetAlarmState } from '../../core/alarm.ts';
import { errorText, FettleError, hasCode } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Score } from '../../core/score.ts';
import type { DeliveryReport, Lane, LiveSink, OutboxEntry, SinkContext, SinkStatus } from '../../core/sink.ts';
import { type CommandHandler, Commands } from './commands.ts';
import type { AlertsConfig } from './config.ts';
import { Connection } from './connection.ts';
import { eventDocument, isoTime, scoreDocument, stateDocument } from './documents.ts';
import { EventPublisher, eventMessageOf, messageKey } from './event-publisher.ts';
import { type Link, MessageRefused, type Properties } from './link.ts';
import { type RetainedState, reconcileStates } from './reconcile.ts';
import { RetainedDocuments } from './retained-documents.ts';
import { type Found, RetainedReader } from './retained-reader.ts';
import { type DescribeDocument, type MessageKind, messageKinds, type StatusDocument, schemaId } from './schemas.ts';
import { Topics } from './topics.ts';

/** What the gateway knows of itself, for `…/describe` and `…/status`. */
export type GatewayDescription = Pick<DescribeDocument, 'version' | 'assets' | 'models'>;

const scoreExpirySeconds = 300;
const farewellMs = 1000;

/**
 * Alerts over MQTT (DESIGN section 5). Events are published the moment they are announced and once more by `deliver`
 * when no PUBACK had come; states, status and description stand retained. Nothing is queued in memory but the latest
 * document of each retained topic: what could not be published waits in the outbox.
 */
export class MqttSink implements LiveSink {
  readonly id: string;
  readonly type = 'mqtt';
  readonly maxBatch = { points: 200, bytes: 1_000_000 };
  readonly wants: ReadonlySet<Lane> = new Set(['alarms']);
  readonly #config: AlertsConfig;
  readonly #context: SinkContext;
  readonly #log: Logger;
  readonly #topics: Topics;
  readonly #events: EventPublisher;
  readonly #retained: RetainedDocuments;
  readonly #commands: Commands;
  readonly #reader: RetainedReader;
  readonly #counters = { announced: 0, notAnnounced: 0, delivered: 0, rejected: 0, scores: 0, scoresDropped: 0 };
  #connection: Connection | undefined;
  #commandProblem: string | undefined;
  #status: StatusDocument = { online: true };

  /** `id` is the sink's name in the outbox. */
  constructor(id: string, config: AlertsConfig, context: SinkContext) {
    this.id = id;
    this.#config = config;
    this.#context = context;
    this.#log = context.log;
    this.#topics = new Topics(config.root, context.site);
    this.#events = new EventPublisher(this.#topics);
    this.#retained = new RetainedDocuments(context.log);
    this.#reader = new RetainedReader(this.#topics);
    this.#commands = new Commands(this.#topics, context.log, ({ topic, payload, properties }) => {
      this.#connection?.link?.publish(topic, payload, false, properties).catch((error: unknown) => {
        this.#log.warn({ topic }, `the answer to a command was not taken: ${errorText(error)}`);
      });
    });
  }

  /** Resolves once connecting has begun. Throws FETTLE_CONFIG_INVALID where a certificate file cannot be read. */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#connection) return;
    const { url, username, password, timeout, protocolVersion } = this.#config;
    const tls = certificates(this.#config);
    this.#status = { ...this.#status, startedAt: isoTime(this.#context.clock.wallMs()) };
    this.#connection = new Connection(
      {
        url,
        tls,
        username,
        password: password?.reveal(),
        clientId: this.#config.clientId ?? `fettle-${this.#context.site}-${this.id}`,
        protocolVersion,
        timeoutMs: timeout,
        will: { topic: this.#topics.status, payload: JSON.stringify({ online: false }) },
        onMessage: (topic, payload, packet) => {
          this.#reader.handle(topic, payload, packet);
          this.#commands.handle(topic, payload, packet);
        },
      },
      this.#context.clock,
      this.#log,
      (link) => this.#up(link),
    );
    this.#setRetained('status', this.#topics.status, this.#status);
    this.#connection.start(signal);
  }

  /** Publishes `{"online":false}` and closes; the outbox keeps what is open. */
  async stop(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#retained.stop();
    await connection?.stop(async (link) => {
      const payload = JSON.stringify({ ...this.#status, online: false });
      const sent = link.publish(this.#topics.status, payload, true, propertiesOf('status'));
      await Promise.race([sent, new Promise((resolve) => setTimeout(resolve, farewellMs).unref())]);
    });
  }

  /** What `…/describe` says; may be called again. */
  setDescription(description: GatewayDescription): void {
    const { alarm, event, score } = {
      alarm: this.#topics.alarm('<asset>'),
      event: this.#topics.event('<asset>'),
      score: this.#topics.score('<asset>'),
    };
    const document: DescribeDocument = {
      site: this.#context.site,
      ...description,
      topics: { state: alarm, event, score, status: this.#topics.status, describe: this.#topics.describe, command: this.#topics.commands },
      schemas: Object.fromEntries(messageKinds.map((kind) => [kind, schemaId(kind)])),
    };
    this.#setRetained('describe', this.#topics.describe, document);
    this.#status = { ...this.#status, version: description.version };
    if (this.#connection) this.#setRetained('status', this.#topics.status, this.#status);
  }

  /** Who carries out commands; without one none are heard. */
  setCommandHandler(handler: CommandHandler): void {
    this.#commands.handler = handler;
    const link = this.#connection?.link;
    if (link) void this.#subscribe(link);
  }

  announce(transition: AlarmTransition): void {
    const link = this.#connection?.link;
    const message = {
      key: messageKey(transition.id, transition.withdrawn === true),
      asset: transition.asset,
      payload: JSON.stringify(eventDocument(transition)),
    };
    if (link && this.#events.announce(link, message)) this.#counters.announced++;
    else this.#counters.notAnnounced++;
  }

  publishState(state: AssetAlarmState): void {
    const document = stateDocument(state);
    const { at: _, ...rest } = document;
    this.#setRetained('state', this.#topics.alarm(state.asset), document, JSON.stringify(rest));
  }

  publishScore(score: Score): void {
    if (!this.#config.scores) return;
    const payload = JSON.stringify(scoreDocument(score));
    const properties = { ...propertiesOf('score'), messageExpiryInterval: scoreExpirySeconds };
    if (this.#connection?.link?.publishLossy(this.#topics.score(score.asset), payload, properties)) this.#counters.scores++;
    else this.#counters.scoresDropped++;
  }

  encodeTransition(transition: AlarmTransition): Uint8Array {
    return Buffer.from(JSON.stringify(eventDocument(transition)));
  }

  /** Scores and samples are not sent through the outbox: on MQTT a late one is of no use. */
  encodeScores(): undefined {
    return undefined;
  }

  encodeSamples(): undefined {
    return undefined;
  }

  async deliver(entries: readonly OutboxEntry[], signal: AbortSignal): Promise<DeliveryReport> {
    const link = await this.#linkFor(signal);
    const rejected: { entryId: number; count: number; reason: string; example: string }[] = [];
    const published = entries.map(async (entry) => {
      try {
        await this.#events.deliver(link, eventMessageOf(entry.payload));
        this.#counters.delivered += entry.count;
      } catch (error) {
        const never =
          error instanceof MessageRefused ||
          error instanceof SyntaxError ||
          (error instanceof FettleError && error.code === 'FETTLE_MQTT_PAYLOAD');
        if (!never) throw error;
        this.#counters.rejected += entry.count;
        rejected.push({
          entryId: entry.id,
          count: entry.count,
          reason: errorText(error),
          example: Buffer.from(entry.payload).toString().slice(0, 500),
        });
      }
    });
    await untilAborted(Promise.all(published), signal);
    return { rejected };
  }

  /**
   * Compares the retained states on the broker with the recovered ones, once, after start: clears the topics of assets
   * that left the configuration, publishes the true states, and returns the documents that name transitions recovery
   * does not know, with those transitions. Until it has read the broker, states given to `publishState` are kept back.
   * Waits for a connection as long as it takes. Rejects with the signal's reason or FETTLE_MQTT_REFUSED.
   */
  async reconcile(states: readonly AssetAlarmState[], signal: AbortSignal): Promise<readonly RetainedState[]> {
    this.#retained.hold((topic) => this.#topics.assetOfAlarm(topic) !== undefined);
    try {
      for (const state of states) this.publishState(state);
      const { ahead, gone } = reconcileStates(await this.#readRetained(signal), states);
      for (const asset of gone) this.#retained.set(this.#topics.alarm(asset), '', {});
      if (gone.length > 0)
        this.#log.info({ assets: gone }, `cleared the alarm states of ${gone.length} assets that left the configuration`);
      return ahead;
    } finally {
      this.#retained.release();
    }
  }

  async #readRetained(signal: AbortSignal): Promise<readonly Found[]> {
    for (;;) {
      const link = await this.#linkFor(signal, Number.POSITIVE_INFINITY);
      try {
        return await this.#reader.read(link, JSON.stringify(this.#status), signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!hasCode(error, 'FETTLE_MQTT_UNREACHABLE')) throw error;
        await link.closed;
      }
    }
  }

  status(): SinkStatus {
    const connection = this.#connection;
    const lastError = connection?.failure?.message ?? this.#commandProblem ?? this.#retained.lastError;
    const hint = connection?.failure?.hint;
    const state = connection?.state ?? 'stopped';
    return {
      state: state === 'good' && lastError !== undefined ? 'degraded' : state,
      ...(lastError !== undefined && { lastError }),
      ...(hint !== undefined && { hint }),
      counters: {
        ...this.#counters,
        connects: connection?.connects ?? 0,
        retainedPublished: this.#retained.published,
        retainedOpen: this.#retained.open,
        commands: this.#commands.received,
        commandsRefused: this.#commands.refused,
      },
    };
  }

  #up(link: Link): void {
    this.#retained.use(link);
    if (this.#commands.handler) void this.#subscribe(link);
  }

  async #subscribe(link: Link): Promise<void> {
    try {
      await link.subscribe([this.#topics.commands], 1);
      this.#commandProblem = undefined;
    } catch (error) {
      this.#commandProblem = `commands cannot be heard: ${errorText(error)}`;
      this.#log.warn({ topic: this.#topics.commands }, this.#commandProblem);
    }
  }

  async #linkFor(signal: AbortSignal, withinMs: number = this.#config.timeout): Promise<Link> {
    const link = await this.#connection?.linkWithin(withinMs, signal);
    if (link) return link;
    throw this.#connection?.failure ?? new FettleError('FETTLE_MQTT_UNREACHABLE', `not connected to ${this.#config.url}`);
  }

  #setRetained(kind: MessageKind, topic: string, document: object, key?: string): void {
    this.#retained.set(topic, JSON.stringify(document), propertiesOf(kind), key);
  }
}

const propertiesOf = (kind: MessageKind): Properties => ({
  contentType: 'application/json',
  payloadFormatIndicator: true,
  userProperties: { schema: schemaId(kind) },
});

function certificates({ ca, cert, key }: AlertsConfig): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  const read = (path: string): Buffer => {
    try {
      return readFileSync(path);
    } catch (error) {
      const message = `alerts: the file ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`;
      throw new FettleError('FETTLE_CONFIG_INVALID', message, { cause: error, hint: 'Check ca, cert and key.' });
    }
  };
  return {
    ...(ca !== undefined && { ca: read(ca) }),
    ...(cert !== undefined && { cert: read(cert) }),
    ...(key !== undefined && { key: read(key) }),
  };
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
