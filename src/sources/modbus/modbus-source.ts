import { Backoff } from '../../core/backoff.ts';
import { sleep } from '../../core/clock.ts';
import { errorText, FettleError } from '../../core/errors.ts';
import type { Source, SourceContext, SourceStatus } from '../../core/source.ts';
import type { ModbusSourceConfig } from './config.ts';
import { ModbusCounters } from './counters.ts';
import { Histogram } from './histogram.ts';
import { planReads } from './plan.ts';
import { pointsOf } from './point.ts';
import { Poller } from './poller.ts';
import { sourceState, unitStatus } from './status.ts';
import { TcpTransport } from './tcp-transport.ts';
import type { ModbusTransport, OpenTransport } from './transport.ts';

/** A connection this old was a good one. */
const stableMs = 10_000;

export interface ModbusSourceRim {
  /** Modbus TCP when absent. */
  readonly open?: OpenTransport;
  /** In [0, 1), for back-off. */
  readonly random?: () => number;
}

/**
 * Modbus → samples: every tag at its period, in as few reads as the device allows. A poll that fails gives one bad sample a tag
 * with the reason, and again once a period until it succeeds; never a value from before. It only reads, ever.
 */
export class ModbusSource implements Source {
  readonly id: string;
  readonly #context: SourceContext;
  readonly #open: OpenTransport;
  readonly #backoff: Backoff;
  readonly #counters = new ModbusCounters();
  readonly #jitter = new Histogram();
  readonly #poller: Poller;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;
  #connectionError: FettleError | undefined;

  constructor(config: ModbusSourceConfig, context: SourceContext, { open, random = Math.random }: ModbusSourceRim = {}) {
    this.id = config.id;
    this.#context = context;
    this.#open = open ?? ((signal) => TcpTransport.open({ url: config.url, timeoutMs: config.timeout }, signal));
    this.#backoff = new Backoff({ baseMs: 250, maxMs: 15_000, random });
    this.#poller = new Poller({
      context,
      blocks: planReads(pointsOf(config, context.tags, context.texts), config),
      inFlight: config.inFlight,
      counters: this.#counters,
      jitter: this.#jitter,
      random,
      heard: () => this.#heard(),
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    if (signal.aborted) this.#stopped.abort();
    signal.addEventListener('abort', () => this.#stopped.abort(), { once: true });
    this.#stopped.signal.addEventListener('abort', () => this.#poller.stop(), { once: true });
    this.#poller.start();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  /** Nobody waits for an acknowledgement of a poll. */
  committed(): void {}

  /** The next cycle begins by itself. */
  resume(): void {}

  status(): SourceStatus {
    const blocks = this.#poller.cycles.flatMap((cycle) => cycle.blocks);
    const units = [...this.#poller.units.values()].map((unit) => unitStatus(unit, blocks, this.#connectionError));
    const isStopped = this.#running === undefined || this.#stopped.signal.aborted;
    return {
      state: isStopped ? 'stopped' : sourceState(units),
      units,
      counters: {
        ...this.#counters,
        lateReplies: this.#counters.lateReplies + this.#poller.lateReplies,
        jitterP50Ms: this.#jitter.quantile(0.5),
        jitterP99Ms: this.#jitter.quantile(0.99),
      },
    };
  }

  /** One connection after the other, for ever. */
  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    for (let connections = 0; !signal.aborted; connections++) {
      const transport = await this.#connect(signal);
      if (transport === undefined) return;
      if (connections > 0) this.#counters.reconnects++;
      const openedMs = this.#context.clock.monotonicMs();
      this.#poller.attach(transport);
      const close = () => transport.close();
      signal.addEventListener('abort', close, { once: true });
      if (signal.aborted) close();
      const reason = await transport.closed;
      signal.removeEventListener('abort', close);
      this.#poller.detach();
      if (signal.aborted) return;
      const { hasAsked, hasHeard } = this.#poller;
      // Many devices close a connection that is idle for a while; that is no failure.
      if (this.#context.clock.monotonicMs() - openedMs > stableMs) this.#backoff.reset();
      if (reason !== undefined && hasAsked && !hasHeard) this.#fail(reason);
      // One that served and was given up on purpose is replaced at once.
      if (reason !== undefined || !hasHeard) await sleep(this.#backoff.next(), signal).catch(() => {});
    }
  }

  /** Tries until there is a connection; undefined once stopped. */
  async #connect(signal: AbortSignal): Promise<ModbusTransport | undefined> {
    while (!signal.aborted) {
      try {
        return await this.#open(signal);
      } catch (error) {
        if (signal.aborted) return undefined;
        this.#fail(error instanceof FettleError ? error : new FettleError('FETTLE_MODBUS_UNREACHABLE', errorText(error), { cause: error }));
        await sleep(this.#backoff.next(), signal).catch(() => {});
      }
    }
    return undefined;
  }

  #heard(): void {
    this.#backoff.reset();
    if (this.#connectionError !== undefined) this.#context.log.info({ source: this.id }, 'connected again');
    this.#connectionError = undefined;
  }

  #fail(error: FettleError): void {
    if (this.#connectionError?.message !== error.message)
      this.#context.log.warn({ source: this.id, code: error.code, hint: error.hint }, error.message);
    this.#connectionError = error;
    this.#poller.unreachable(error);
  }
}
