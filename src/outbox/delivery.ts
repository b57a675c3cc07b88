import { Backoff } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import { errorText, FettleError, hasCode } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { type DeliveryReport, type Lane, lanes, type OutboxEntry, type OutboxStore, type Sink } from '../core/sink.ts';
import { Bell } from './bell.ts';
import { LaneProgress, type Stretch } from './lane-progress.ts';
import { ReadAhead } from './read-ahead.ts';
import { Removal } from './removal.ts';
import { type DeliveryStatus, emptyDepth, oldestAgeMs } from './status.ts';
import { Throughput } from './throughput.ts';

export interface DeliveryOptions {
  readonly retryBaseMs?: number;
  /** Also how often a sink that refuses access is asked again. */
  readonly retryMaxMs?: number;
  /** While an alarm waits, the link is tried at least this often (a Retry-After is respected all the same). */
  readonly alarmRetryMs?: number;
  /** A lane with more than this many full batches at recovery is sent as backlog, beside what is new. */
  readonly backlogBatches?: number;
  /** Points a second of backlog, at most, for a link that has to be shared. */
  readonly backlogPointsPerSecond?: number;
  /** Batches are made smaller until one takes no longer: an alarm waits for the batch on its way. */
  readonly batchTargetMs?: number;
  readonly depthEveryMs?: number;
  readonly random?: () => number;
}

const defaults = {
  retryBaseMs: 500,
  retryMaxMs: 30_000,
  alarmRetryMs: 3000,
  backlogBatches: 2,
  backlogPointsPerSecond: Number.POSITIVE_INFINITY,
  batchTargetMs: 1000,
  depthEveryMs: 1000,
  random: Math.random,
};

const stretches: readonly Stretch[] = [
  { lane: 'alarms', part: 'live' },
  { lane: 'results', part: 'live' },
  { lane: 'samples', part: 'live' },
  { lane: 'results', part: 'backlog' },
  { lane: 'samples', part: 'backlog' },
];
/** However busy the others are, what waits goes at least every fifth time; alarms are never passed over. */
const passedOverLimit = 4;
const fullReadsUntilBehind = 8;
const smallestScale = 1 / 64;

/**
 * Durable outbox → one sink. Alarms go before live results and samples, these before what an outage left behind; one
 * batch is on its way and at most one more in memory. An entry is removed when the sink has accepted or refused it for good, and stays
 * otherwise, however long that takes. Starts and stops nothing but itself: the sink is started before and stopped after it.
 */
export class SinkDelivery {
  readonly #sink: Sink;
  readonly #store: OutboxStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #options: Required<DeliveryOptions>;
  readonly #backoff: Backoff;
  readonly #bell = new Bell();
  readonly #progress: Readonly<Record<Lane, LaneProgress>>;
  readonly #passedOver = new Map<Stretch, number>();
  readonly #throughput = new Throughput();
  readonly #removal: Removal;
  readonly #reader: ReadAhead;
  readonly #counters = { delivered: 0, rejected: 0, retried: 0, batches: 0 };
  #running: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  #depth = emptyDepth;
  #depthStale = true;
  #inFlight = 0;
  #scale = 1;
  #backlogNotBeforeMs = 0;
  #state: DeliveryStatus['state'] = 'stopped';
  #link: { up: boolean; sinceMs: number };
  /** At the start, after a failure, or when a lane falls behind: what waits is to be cut in backlog and live. */
  #cutWanted = true;
  /** The sink failed since it last took something. */
  #failing = false;
  #problem: { lastError: string; hint?: string } | undefined;

  constructor(sink: Sink, store: OutboxStore, clock: Clock, log: Logger, options: DeliveryOptions = {}) {
    this.#sink = sink;
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#options = { ...defaults, ...options };
    this.#backoff = new Backoff({ baseMs: this.#options.retryBaseMs, maxMs: this.#options.retryMaxMs, random: this.#options.random });
    this.#removal = new Removal(store, sink.id, log, this.#options.random);
    this.#reader = new ReadAhead(store);
    this.#progress = { alarms: new LaneProgress('alarms'), results: new LaneProgress('results'), samples: new LaneProgress('samples') };
    this.#link = { up: false, sinceMs: clock.wallMs() };
  }

  /** Resolves once the loop runs. It ends at `stop` or with the signal. */
  start(signal: AbortSignal): Promise<void> {
    if (this.#running) return Promise.resolve();
    this.#state = 'connecting';
    this.#link = { up: false, sinceMs: this.#clock.wallMs() };
    const stop = new AbortController();
    const onAbort = () => stop.abort(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const depthTimer = setInterval(() => void this.#refreshDepth(), this.#options.depthEveryMs);
    depthTimer.unref();
    const done = this.#run(stop.signal).finally(() => {
      clearInterval(depthTimer);
      signal.removeEventListener('abort', onAbort);
      this.#state = 'stopped';
      this.#running = undefined;
    });
    this.#running = { stop, done };
    return Promise.resolve();
  }

  /** Resolves when the batch on its way was given up or finished. What is not delivered stays in the outbox. */
  async stop(): Promise<void> {
    this.#running?.stop.abort(new Error('delivery stops'));
    await this.#running?.done;
  }

  /** Call after each commit that put something into this lane. */
  wake(lane: Lane): void {
    this.#progress[lane].wake(this.#clock.monotonicMs());
    this.#depthStale = true;
    this.#bell.ring();
  }

  status(): DeliveryStatus {
    return {
      state: this.#state,
      link: this.#link,
      lanes: this.#depth,
      oldestAgeMs: oldestAgeMs(this.#depth, this.#clock.wallMs()),
      inFlight: this.#inFlight,
      backlog: lanes.some((lane) => this.#progress[lane].backlog !== undefined),
      counters: { ...this.#counters },
      drainPointsPerSecond: this.#throughput.perSecond(this.#clock.monotonicMs()),
      ...this.#problem,
    };
  }

  async #run(signal: AbortSignal): Promise<void> {
    this.#cutWanted = true;
    while (!signal.aborted) {
      try {
        if (this.#cutWanted) await this.#cutBacklog();
        const stretch = this.#next();
        if (!stretch) await this.#bell.wait(this.#nextDueMs() - this.#clock.monotonicMs(), signal);
        else await this.#send(stretch, signal);
      } catch (error) {
        if (signal.aborted) break;
        this.#tell(error);
        await this.#pause(this.#backoff.next(error), error, signal);
      }
    }
    await this.#removal.settled();
  }

  /** The first that is due, unless another has been passed over too often. */
  #next(): Stretch | undefined {
    const due = stretches.filter((stretch) => this.#dueMs(stretch) <= this.#clock.monotonicMs());
    const [first] = due;
    if (!first) return undefined;
    const starving = due.find((stretch) => (this.#passedOver.get(stretch) ?? 0) >= passedOverLimit);
    const chosen = first.lane === 'alarms' ? first : (starving ?? first);
    if (first.lane !== 'alarms') for (const stretch of due) this.#passedOver.set(stretch, (this.#passedOver.get(stretch) ?? 0) + 1);
    this.#passedOver.set(chosen, 0);
    return chosen;
  }

  #dueMs({ lane, part }: Stretch): number {
    if (!this.#sink.wants.has(lane)) return Number.POSITIVE_INFINITY;
    const progress = this.#progress[lane];
    if (part === 'backlog') return progress.backlog ? this.#backlogNotBeforeMs : Number.POSITIVE_INFINITY;
    return progress.dueMs(lane === 'alarms' ? 0 : (this.#sink.maxBatch.waitMs ?? 0));
  }

  #nextDueMs(): number {
    return Math.min(...stretches.map((stretch) => this.#dueMs(stretch)));
  }

  async #send({ lane, part }: Stretch, signal: AbortSignal): Promise<void> {
    const progress = this.#progress[lane];
    const live = part === 'live';
    const atMs = this.#clock.monotonicMs();
    const { more } = progress;
    // Taken back before the read, so that a wake from here on is not lost.
    if (live) progress.freshSinceMs = undefined;
    try {
      const maxPoints = Math.max(1, Math.floor(this.#sink.maxBatch.points * this.#scale));
      const maxBytes = Math.max(1, Math.floor(this.#sink.maxBatch.bytes * this.#scale));
      const query = { sink: this.#sink.id, lane, ...progress.range(part), maxPoints, maxBytes };
      const entries = await this.#reader.read(query);
      const last = entries.at(-1);
      if (live) progress.more = false;
      if (!last) {
        if (!live) progress.backlog = undefined;
        return;
      }
      const points = sumOf(entries, (entry) => entry.count);
      const full = points * 2 > maxPoints || sumOf(entries, (entry) => entry.payload.length) * 2 > maxBytes;
      // The rest after full batches waits for company again.
      if (live && more && !full && lane !== 'alarms') return progress.wake(atMs);
      if (full) this.#reader.begin({ ...query, afterId: last.id });
      const report = await this.#deliver(entries, points, signal);
      progress.advance(part, last.id);
      await this.#removal.begin(entries, report, signal);
      if (live && full) {
        progress.more = true;
        progress.wake(atMs);
      }
      progress.fullInARow = live && full ? progress.fullInARow + 1 : 0;
      if (!live) this.#backlogNotBeforeMs = atMs + (points / this.#options.backlogPointsPerSecond) * 1000;
      if (this.#failing) this.#log.info({ sink: this.#sink.id }, `${this.#sink.id} takes deliveries again`);
      if (this.#failing || (progress.fullInARow >= fullReadsUntilBehind && !progress.backlog)) this.#cutWanted = true;
      this.#failing = false;
    } catch (error) {
      if (live) progress.wake(atMs);
      throw error;
    }
  }

  async #deliver(entries: readonly OutboxEntry[], points: number, signal: AbortSignal): Promise<DeliveryReport> {
    const startedMs = this.#clock.monotonicMs();
    this.#inFlight = points;
    try {
      const report = await this.#sink.deliver(entries, signal);
      this.#delivered(points, report, this.#clock.monotonicMs() - startedMs);
      return report;
    } catch (error) {
      if (!signal.aborted) this.#failed(points);
      throw error;
    } finally {
      this.#inFlight = 0;
    }
  }

  #delivered(points: number, report: DeliveryReport, tookMs: number): void {
    const rejected = sumOf(report.rejected, ({ count }) => count);
    if (!this.#link.up) this.#link = { up: true, sinceMs: this.#clock.wallMs() };
    this.#state = 'good';
    this.#problem = undefined;
    this.#backoff.reset();
    this.#counters.batches++;
    this.#counters.delivered += points - rejected;
    this.#counters.rejected += rejected;
    this.#throughput.add(points, this.#clock.monotonicMs());
    this.#depthStale = true;
    const targetMs = this.#options.batchTargetMs;
    if (tookMs > targetMs) this.#scale = Math.max(smallestScale, (this.#scale * targetMs) / tookMs);
    else if (tookMs * 2 < targetMs) this.#scale = Math.min(1, this.#scale * 2);
    for (const { count, reason, example } of report.rejected) {
      this.#log.warn({ sink: this.#sink.id, count, example }, `${this.#sink.id} refused ${count} points for good: ${reason}`);
    }
  }

  #failed(points: number): void {
    this.#counters.retried += points;
    if (this.#link.up || !this.#failing) this.#link = { up: false, sinceMs: this.#clock.wallMs() };
    this.#failing = true;
  }

  /** What waits now, if it is more than a few batches, is backlog from here on. */
  async #cutBacklog(): Promise<void> {
    await this.#removal.settled();
    this.#depth = await this.#store.depth(this.#sink.id);
    const nowMs = this.#clock.monotonicMs();
    for (const lane of lanes) {
      const progress = this.#progress[lane];
      progress.wake(nowMs);
      const { points, highestId } = this.#depth[lane];
      if (lane !== 'alarms' && points > this.#options.backlogBatches * this.#sink.maxBatch.points) progress.cut(highestId);
    }
    this.#cutWanted = false;
  }

  #tell(error: unknown): void {
    const text = errorText(error);
    const hint = error instanceof FettleError ? error.hint : undefined;
    // Once a problem, not once a try.
    if (this.#problem?.lastError !== text) this.#log.warn({ sink: this.#sink.id, hint }, `delivery to ${this.#sink.id} waits: ${text}`);
    const needsAPerson = hasCode(error, 'FETTLE_INFLUXDB_DENIED') || hasCode(error, 'FETTLE_MQTT_REFUSED');
    this.#state = needsAPerson ? 'failed' : 'degraded';
    this.#problem = { lastError: text, ...(hint !== undefined && { hint }) };
  }

  /** Waits before the next try; an alarm that waits or comes in shortens it, unless the receiver named the time. */
  async #pause(ms: number, error: unknown, signal: AbortSignal): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    const named = error instanceof FettleError && error.retryAfterMs !== undefined;
    while (!signal.aborted) {
      const alarmWaits = this.#sink.wants.has('alarms') && this.#progress.alarms.freshSinceMs !== undefined;
      const untilMs = startedMs + (alarmWaits && !named ? Math.min(ms, this.#options.alarmRetryMs) : ms);
      const restMs = untilMs - this.#clock.monotonicMs();
      if (restMs <= 0) return;
      await this.#bell.wait(restMs, signal);
    }
  }

  async #refreshDepth(): Promise<void> {
    if (!this.#depthStale) return;
    this.#depthStale = false;
    try {
      this.#depth = await this.#store.depth(this.#sink.id);
    } catch (error) {
      this.#depthStale = true;
      this.#log.debug({ sink: this.#sink.id }, `the depth of the outbox could not be read: ${errorText(error)}`);
    }
  }
}

const sumOf = <T>(items: readonly T[], of: (item: T) => number): number => items.reduce((sum, item) => sum + of(item), 0);
