import type { Source, SourceContext, SourceStatus } from '../../core/source.ts';
import type { ModbusSourceConfig } from './config.ts';
import { ModbusCounters } from './counters.ts';
import { Histogram } from './histogram.ts';
import { Knowledge } from './knowledge.ts';
import type { Line } from './line.ts';
import { type LineRegistry, lines as linesOfProcess } from './line-registry.ts';
import { transportOpener } from './open-transport.ts';
import { pointsOf } from './point.ts';
import { Poller } from './poller.ts';
import { sharedLineOf } from './shared-line.ts';
import { sourceState, unitStatus } from './status.ts';
import type { OpenTransport } from './transport.ts';

export interface ModbusSourceRim {
  /** By the URL when absent. */
  readonly open?: OpenTransport;
  /** In [0, 1), for back-off. */
  readonly random?: () => number;
  /** Those of the process when absent. */
  readonly lines?: LineRegistry;
}

/**
 * Modbus → samples: every tag at its period, in as few reads as the device allows. A poll that fails gives one bad sample a tag
 * with the reason, and again once a period until it succeeds; never a value from before. It only reads, ever.
 */
export class ModbusSource implements Source {
  readonly id: string;
  readonly #config: ModbusSourceConfig;
  readonly #context: SourceContext;
  readonly #rim: Required<Omit<ModbusSourceRim, 'open'>> & { readonly open: OpenTransport };
  readonly #key: string;
  readonly #counters = new ModbusCounters();
  readonly #jitter = new Histogram();
  readonly #knowledge: Knowledge;
  #running: Running | undefined;
  /** What `stop` waits for. */
  #ended: Promise<void> | undefined;
  readonly #onAbort = () => void this.#end();

  constructor(config: ModbusSourceConfig, context: SourceContext, rim: ModbusSourceRim = {}) {
    this.id = config.id;
    this.#config = config;
    this.#context = context;
    this.#rim = { random: Math.random, lines: linesOfProcess, ...rim, open: rim.open ?? transportOpener(config) };
    this.#knowledge = new Knowledge(config.learn ? context.memory?.load() : undefined);
    this.#key = sharedLineOf(config).line;
  }

  /** Throws FETTLE_CONFIG_INVALID when another source has the line with other settings. */
  async start(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#running !== undefined) return;
    signal.addEventListener('abort', this.#onAbort, { once: true });
    const { open, random, lines } = this.#rim;
    const { settings } = sharedLineOf(this.#config);
    const { inFlight, timeout, turnaround, minInterval } = this.#config;
    const line = lines.acquire(this.#key, JSON.stringify(settings), { open, random, clock: this.#context.clock });
    const poller = new Poller({
      context: this.#context,
      line,
      points: pointsOf(this.#config, this.#context.tags, this.#context.texts),
      limits: this.#config,
      knowledge: this.#knowledge,
      learns: this.#config.learn,
      inFlight,
      timeoutMs: timeout,
      turnaroundMs: turnaround,
      minIntervalMs: minInterval,
      counters: this.#counters,
      jitter: this.#jitter,
      random,
    });
    this.#running = { line, poller };
    poller.start();
  }

  async stop(): Promise<void> {
    await this.#end();
  }

  #end(): Promise<void> | undefined {
    if (this.#running === undefined || this.#ended !== undefined) return this.#ended;
    this.#ended = this.#running.poller.stop();
    this.#rim.lines.release(this.#key, this.#ended);
    return this.#ended;
  }

  /** Nobody waits for an acknowledgement of a poll. */
  committed(): void {}

  /** The next cycle begins by itself. */
  resume(): void {}

  status(): SourceStatus {
    const { poller, line } = this.#running ?? {};
    const blocks = poller?.cycles.flatMap((cycle) => cycle.blocks) ?? [];
    const units =
      poller?.units.map((unit) => ({
        ...unitStatus(unit, blocks, poller.connectionError, this.#knowledge.texts(unit.id)),
        polls: poller.healthOf(unit).status(),
      })) ?? [];
    return {
      state: poller === undefined || this.#ended !== undefined ? 'stopped' : sourceState(units),
      units,
      counters: {
        ...this.#counters,
        lateReplies: this.#counters.lateReplies + (line?.lateReplies ?? 0),
      },
      jitterMs: { p50: this.#jitter.quantile(0.5), p99: this.#jitter.quantile(0.99) },
    };
  }
}

interface Running {
  readonly line: Line;
  readonly poller: Poller;
}
