import { Backoff } from '../../core/backoff.ts';
import { type Clock, sleep } from '../../core/clock.ts';
import { errorText, FettleError, hasCode } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { SinkStatus } from '../../core/sink.ts';
import { Link, type LinkOptions, VersionRefused } from './link.ts';

const reconnectBaseMs = 200;
const reconnectMaxMs = 30_000;

/** Keeps one link to the broker up: connects, falls back from MQTT 5 to 3.1.1, reconnects with jittered back-off for ever. */
export class Connection {
  readonly #options: LinkOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #onUp: (link: Link) => void;
  readonly #backoff = new Backoff({ baseMs: reconnectBaseMs, maxMs: reconnectMaxMs });
  readonly #waiters = new Set<() => void>();
  #protocolVersion: 4 | 5;
  #running: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  #state: SinkStatus['state'] = 'stopped';
  /** Why there is no link. */
  failure: FettleError | undefined;
  /** The link while it is up. */
  link: Link | undefined;
  connects = 0;

  constructor(options: LinkOptions, clock: Clock, log: Logger, onUp: (link: Link) => void) {
    this.#options = options;
    this.#protocolVersion = options.protocolVersion;
    this.#clock = clock;
    this.#log = log;
    this.#onUp = onUp;
  }

  get state(): SinkStatus['state'] {
    return this.#state;
  }

  /** The version spoken, or to be tried next. */
  get protocolVersion(): 4 | 5 {
    return this.#protocolVersion;
  }

  start(signal: AbortSignal): void {
    if (this.#running) return;
    const stop = new AbortController();
    const onAbort = () => stop.abort(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#state = 'connecting';
    const done = this.#run(stop.signal).finally(() => {
      signal.removeEventListener('abort', onAbort);
      this.#state = 'stopped';
    });
    this.#running = { stop, done };
  }

  /** `farewell` is sent over the link, if it is up, before DISCONNECT. */
  async stop(farewell: (link: Link) => Promise<void>): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (!running) return;
    const { link } = this;
    if (link) {
      await farewell(link).catch(() => {});
      await link.end();
    }
    running.stop.abort(new Error('the connection is closed'));
    for (const wake of [...this.#waiters]) wake();
    await running.done;
  }

  /** The link, now or within `ms`; undefined when there was none in time. Rejects with the signal's reason. */
  async linkWithin(ms: number, signal: AbortSignal): Promise<Link | undefined> {
    signal.throwIfAborted();
    if (this.link) return this.link;
    await new Promise<void>((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        this.#waiters.delete(finish);
        resolve();
      };
      const timer = Number.isFinite(ms) ? setTimeout(finish, ms) : undefined;
      signal.addEventListener('abort', finish, { once: true });
      this.#waiters.add(finish);
    });
    signal.throwIfAborted();
    return this.link;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let reason: unknown;
      try {
        const link = await Link.open({ ...this.#options, protocolVersion: this.#protocolVersion }, signal);
        reason = await this.#use(link, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof VersionRefused && this.#protocolVersion === 5) {
          this.#protocolVersion = 4;
          this.#log.info({ url: this.#options.url }, `the broker refuses MQTT 5 (${error.message}); 3.1.1 is used`);
          continue;
        }
        reason = error;
      }
      if (signal.aborted) return;
      this.#tell(reason);
      await sleep(this.#backoff.next(reason), signal).catch(() => {});
    }
  }

  async #use(link: Link, signal: AbortSignal): Promise<FettleError> {
    const upSinceMs = this.#clock.monotonicMs();
    this.connects++;
    this.link = link;
    this.#state = 'good';
    this.failure = undefined;
    this.#log.info({ url: this.#options.url }, `connected to ${this.#options.url} (MQTT ${this.#protocolVersion === 5 ? '5' : '3.1.1'})`);
    const onAbort = () => link.drop(new FettleError('FETTLE_MQTT_UNREACHABLE', 'closed by us'));
    signal.addEventListener('abort', onAbort, { once: true });
    this.#onUp(link);
    for (const wake of [...this.#waiters]) wake();
    const reason = await link.closed;
    signal.removeEventListener('abort', onAbort);
    this.link = undefined;
    // Not at the connection itself: a broker that accepts and closes at once must not be asked five times a second.
    if (this.#clock.monotonicMs() - upSinceMs > this.#options.timeoutMs) this.#backoff.reset();
    return reason;
  }

  #tell(reason: unknown): void {
    const failure =
      reason instanceof FettleError ? reason : new FettleError('FETTLE_MQTT_UNREACHABLE', errorText(reason), { cause: reason });
    const { message, hint } = failure;
    // Once a problem, not once a try.
    if (this.failure?.message !== message) this.#log.warn({ url: this.#options.url, hint }, `no connection to the broker: ${message}`);
    this.#state = hasCode(failure, 'FETTLE_MQTT_REFUSED') ? 'failed' : 'degraded';
    this.failure = failure;
  }
}
