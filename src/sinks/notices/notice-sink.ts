import type { AlarmTransition } from '../../core/alarm.ts';
import { errorText, FettleError } from '../../core/errors.ts';
import type { DeliveryReport, Lane, OutboxEntry, Sink, SinkContext, SinkStatus } from '../../core/sink.ts';
import type { NoticeConfig } from './config.ts';
import { isWanted, NoticeFilter } from './selection.ts';

/** How one kind of notice leaves. `rejected`: why the receiver will never take it; throws what can be tried again. */
export interface NoticeSender {
  /** `quiet`: how many were kept back in quiet hours before. */
  send(transitions: readonly AlarmTransition[], quiet: number, signal: AbortSignal): Promise<{ readonly rejected?: string }>;
  stop(): void;
}

/** Alarms to people: by mail, by webhook. From the outbox like everything else, so an outage delays them and loses none. */
export class NoticeSink implements Sink {
  readonly id: string;
  readonly type: string;
  readonly maxBatch: Sink['maxBatch'];
  readonly wants: ReadonlySet<Lane> = new Set<Lane>(['alarms']);
  readonly #config: NoticeConfig;
  readonly #context: SinkContext;
  readonly #filter: NoticeFilter;
  readonly #sender: NoticeSender;
  #state: SinkStatus['state'] = 'connecting';
  #problem: Pick<SinkStatus, 'lastError' | 'hint'> = {};
  #rejected = 0;

  /** `together`: how many transitions one notice may hold. */
  constructor(type: string, config: NoticeConfig, context: SinkContext, sender: NoticeSender, together: number) {
    this.id = context.id;
    this.type = type;
    this.#config = config;
    this.#context = context;
    this.#filter = new NoticeFilter(config);
    this.#sender = sender;
    this.maxBatch = { points: together, bytes: 1_000_000 };
  }

  async start(): Promise<void> {
    this.#state = 'connecting';
  }

  async stop(): Promise<void> {
    this.#sender.stop();
    this.#state = 'stopped';
  }

  encodeTransition(transition: AlarmTransition): Uint8Array | undefined {
    return isWanted(transition, this.#config) ? Buffer.from(JSON.stringify(transition)) : undefined;
  }

  encodeScores(): undefined {
    return undefined;
  }

  encodeSamples(): undefined {
    return undefined;
  }

  async deliver(entries: readonly OutboxEntry[], signal: AbortSignal): Promise<DeliveryReport> {
    const transitions = entries.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()) as AlarmTransition);
    const { tell, done } = this.#filter.choose(transitions, this.#context.clock.wallMs());
    try {
      const { rejected } = tell.length === 0 ? {} : await this.#sender.send(tell, this.#filter.quietSince, signal);
      if (rejected !== undefined) return this.#refused(entries, tell, rejected);
      done();
      if (tell.length > 0) this.#state = 'good';
      this.#problem = {};
      return { rejected: [] };
    } catch (error) {
      if (!signal.aborted) {
        this.#state = 'degraded';
        const hint = error instanceof FettleError ? error.hint : undefined;
        this.#problem = { lastError: errorText(error), ...(hint !== undefined && { hint }) };
      }
      throw error;
    }
  }

  status(): SinkStatus {
    return { state: this.#state, ...this.#problem, counters: { ...this.#filter.counters, rejected: this.#rejected } };
  }

  #refused(entries: readonly OutboxEntry[], tell: readonly AlarmTransition[], reason: string): DeliveryReport {
    this.#state = 'failed';
    this.#problem = { lastError: reason, hint: 'what was refused is in quarantine; it is not sent again' };
    this.#rejected += tell.length;
    const example = tell[0]?.message ?? '';
    return { rejected: entries.map(({ id: entryId, count }) => ({ entryId, count, reason, example })) };
  }
}
