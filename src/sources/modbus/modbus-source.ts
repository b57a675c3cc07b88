import { Backoff } from '../../core/backoff.ts';
import { sleep } from '../../core/clock.ts';
import { FettleError, hasCode } from '../../core/errors.ts';
import { quality } from '../../core/quality.ts';
import type { Source, SourceContext, SourceStatus } from '../../core/source.ts';
import type { ModbusSourceConfig } from './config.ts';
import { halve } from './plan.ts';
import { type PollRead, planPolls, pointsOf } from './point.ts';
import { Schedule, type ScheduledRead } from './schedule.ts';
import { TcpTransport } from './tcp-transport.ts';
import { ModbusException } from './transport.ts';
import { UnitState } from './unit-state.ts';

/** A tag the device says it does not have is asked for again this often: devices get new firmware. */
const quarantineMs = 600_000;
/** Bad samples of a failed unit are given this often, so that windows see why. */
const badSampleMs = 1_000;
/** So many unanswered requests in a row speak of the connection, not of a unit. */
const timeoutsToReconnect = 3;

/**
 * Modbus TCP → samples. Planned reads at multiples of their period, one queue a connection, earliest deadline first; a unit that does not answer is
 * probed ever more rarely and delays nobody; what cannot be read gives bad samples with the reason, never a last value.
 */
export class ModbusSource implements Source {
  readonly id: string;
  readonly #config: ModbusSourceConfig;
  readonly #context: SourceContext;
  readonly #transport: TcpTransport;
  readonly #schedule: Schedule;
  readonly #units = new Map<number, UnitState>();
  readonly #stopped = new AbortController();
  readonly #connectBackoff = new Backoff({ baseMs: 250, maxMs: 10_000 });
  readonly #counters = { requests: 0, replies: 0, timeouts: 0, exceptions: 0, framing: 0, connections: 0, samples: 0, badSamples: 0, splits: 0, quarantined: 0 };
  #running: Promise<unknown> = Promise.resolve();
  #connecting: Promise<void> | undefined;
  #timeoutsInARow = 0;
  #started = false;
  #connectionError: FettleError | undefined;
  #resume: (() => void) | undefined;

  constructor(config: ModbusSourceConfig, context: SourceContext) {
    this.id = config.id;
    this.#config = config;
    this.#context = context;
    this.#transport = new TcpTransport(config.url, config.timeout);
    const reads = planPolls(pointsOf(config, context.tags, context.texts), config);
    this.#schedule = new Schedule(reads);
    for (const { unit } of reads) if (!this.#units.has(unit)) this.#units.set(unit, new UnitState(unit, Math.random));
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#stop(), { once: true });
    this.#started = true;
    // A device that is away gives bad samples, whose times go on: it never holds back windows as a queue would.
    this.#context.inlet.setConnected(true);
    this.#schedule.begin(this.#context.clock.wallMs());
    this.#running = Promise.all(Array.from({ length: this.#config.inFlight }, () => this.#poll()));
  }

  async stop(): Promise<void> {
    this.#stop();
    await this.#running;
    this.#started = false;
  }

  /** Nobody waits for an acknowledgement of a poll. */
  committed(): void {}

  resume(): void {
    this.#resume?.();
    this.#resume = undefined;
  }

  status(): SourceStatus {
    const units = [...this.#units.values()].map((unit) => ({
      name: `unit ${unit.unit}`,
      state: unit.failed ? ('failed' as const) : unit.lastGoodMs === undefined ? ('connecting' as const) : ('good' as const),
      ...(unit.lastError !== undefined && { lastError: unit.lastError }),
      ...(unit.hint !== undefined && { hint: unit.hint }),
      ...(unit.lastGoodMs !== undefined && { lastGoodMs: unit.lastGoodMs }),
    }));
    const quarantined = this.#schedule.reads.filter(({ quarantined: since }) => since !== undefined);
    for (const { problem } of quarantined) if (problem !== undefined) units.push({ name: 'tag', state: 'failed', lastError: problem.message, ...(problem.hint !== undefined && { hint: problem.hint }) });
    const failed = units.filter(({ state }) => state === 'failed').length;
    const state = !this.#started ? 'stopped' : failed === units.length ? 'failed' : failed > 0 ? 'degraded' : units.some((unit) => unit.state === 'connecting') ? 'connecting' : 'good';
    return {
      state,
      units,
      counters: { ...this.#counters, lateReplies: this.#transport.lateReplies, lateCycles: this.#schedule.lateCycles, reads: this.#schedule.reads.length, ...this.#schedule.jitter() },
    };
  }

  #stop(): void {
    this.#stopped.abort();
    this.#transport.close();
    this.resume();
  }

  async #poll(): Promise<void> {
    const { signal } = this.#stopped;
    const { clock, inlet } = this.#context;
    while (!signal.aborted) {
      const nowMs = clock.wallMs();
      const read = this.#schedule.take(nowMs);
      if (read === undefined) {
        await sleep(Math.max(1, Math.min(1000, this.#schedule.nextDueMs() - clock.wallMs())), signal).catch(() => {});
        continue;
      }
      await this.#perform(read);
      this.#schedule.done(read, clock.wallMs());
      inlet.endOfBurst();
      if (inlet.full) await new Promise<void>((resolve) => (signal.aborted ? resolve() : (this.#resume = resolve)));
    }
  }

  async #perform(read: ScheduledRead): Promise<void> {
    const { clock } = this.#context;
    const unit = this.#units.get(read.unit) as UnitState;
    const monotonicMs = clock.monotonicMs();
    if (read.quarantined !== undefined && monotonicMs - read.quarantined < quarantineMs) return this.#giveBad(read, quality.badConfigurationError);
    if (!unit.mayAsk(monotonicMs)) return this.#giveBad(read, quality.badNoCommunication);
    if (!this.#transport.connected && !(await this.#connect(unit))) return this.#giveBad(read, quality.badNoCommunication);
    this.#counters.requests++;
    const sentMs = clock.wallMs();
    try {
      const data = await this.#transport.read(read);
      // The device sampled somewhere between request and reply.
      this.#take(read, data, (sentMs + clock.wallMs()) / 2);
      this.#counters.replies++;
      this.#timeoutsInARow = 0;
      read.quarantined = undefined;
      if (unit.failed) this.#context.log.info({ unit: unit.unit }, `unit ${unit.unit} answers again`);
      unit.good(clock.wallMs());
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      this.#failed(read, unit, error as FettleError);
    }
  }

  #take(read: PollRead, data: Buffer, timeMs: number): void {
    const { inlet } = this.#context;
    const { address, items } = read;
    for (let i = 0; i < items.length; i++) {
      const { tag, decode } = items[i] as PollRead['items'][number];
      const value = decode(data, address);
      const missing = Number.isNaN(value);
      inlet.append(tag, timeMs, value, missing ? quality.badNotAvailable : quality.good);
      if (missing) this.#counters.badSamples++;
    }
    this.#counters.samples += items.length;
  }

  /** Bad samples, but not more often than windows need them. */
  #giveBad(read: ScheduledRead, code: number): void {
    const { clock, inlet } = this.#context;
    const monotonicMs = clock.monotonicMs();
    if (monotonicMs - read.badGivenMs < badSampleMs) return;
    read.badGivenMs = monotonicMs;
    const nowMs = clock.wallMs();
    for (const { tag } of read.items) inlet.append(tag, nowMs, Number.NaN, code);
    this.#counters.badSamples += read.items.length;
    this.#counters.samples += read.items.length;
  }

  #failed(read: ScheduledRead, unit: UnitState, error: FettleError): void {
    const monotonicMs = this.#context.clock.monotonicMs();
    read.badGivenMs = Number.NEGATIVE_INFINITY;
    if (error instanceof ModbusException) {
      this.#counters.exceptions++;
      this.#timeoutsInARow = 0;
      return this.#refused(read, unit, error);
    }
    if (hasCode(error, 'FETTLE_MODBUS_TIMEOUT')) {
      this.#counters.timeouts++;
      if (++this.#timeoutsInARow >= timeoutsToReconnect) {
        this.#timeoutsInARow = 0;
        this.#transport.close();
      }
    } else if (hasCode(error, 'FETTLE_MODBUS_FRAMING')) this.#counters.framing++;
    this.#giveBad(read, quality.badNoCommunication);
    // One lost answer of a unit that was well is no failure yet: the next cycle tells.
    if (!unit.failed && hasCode(error, 'FETTLE_MODBUS_TIMEOUT') && ++unit.timeouts < 2) return;
    this.#unitFails(unit, monotonicMs, error);
  }

  /** The unit answered with an exception: what it means for the plan. */
  #refused(read: ScheduledRead, unit: UnitState, error: ModbusException): void {
    const monotonicMs = this.#context.clock.monotonicMs();
    switch (error.exception) {
      case 2:
      case 3: {
        const halves = halve(read);
        if (halves !== undefined) {
          this.#counters.splits++;
          this.#schedule.replace(read, halves.map((half) => ({ ...half, unit: read.unit, table: read.table, pollMs: read.pollMs })), this.#context.clock.wallMs());
          return;
        }
        this.#quarantine(read, monotonicMs, error);
        return;
      }
      case 1:
        this.#quarantine(read, monotonicMs, error);
        return;
      case 5:
      case 6:
        // Busy: the next cycle asks again.
        this.#giveBad(read, quality.badDeviceFailure);
        return;
      default:
        this.#unitFails(unit, monotonicMs, error);
        this.#giveBad(read, error.exception === 10 || error.exception === 11 ? quality.badNoCommunication : quality.badDeviceFailure);
    }
  }

  #quarantine(read: ScheduledRead, monotonicMs: number, error: FettleError): void {
    if (read.quarantined === undefined) {
      this.#counters.quarantined += read.items.length;
      this.#context.log.warn({ tags: read.items.map(({ name }) => name), hint: error.hint }, error.message);
    }
    read.quarantined = monotonicMs;
    read.problem = error;
    this.#giveBad(read, quality.badConfigurationError);
  }

  #unitFails(unit: UnitState, monotonicMs: number, error: FettleError): void {
    if (!unit.failed) this.#context.log.warn({ unit: unit.unit, hint: error.hint }, error.message);
    unit.bad(monotonicMs, error.message, error.hint);
  }

  /** Connects, at most one attempt at a time and not before its back-off is over. */
  async #connect(unit: UnitState): Promise<boolean> {
    const { signal } = this.#stopped;
    this.#connecting ??= this.#transport
      .connect(signal)
      .then(() => {
        this.#counters.connections++;
        this.#connectBackoff.reset();
        this.#connectionError = undefined;
        this.#context.log.info({ url: this.#config.url }, 'connected');
        for (const known of this.#units.values()) known.probeMs = 0;
      })
      .finally(() => {
        this.#connecting = undefined;
      });
    try {
      await this.#connecting;
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      const failure = error instanceof FettleError ? error : new FettleError('FETTLE_MODBUS_UNREACHABLE', String(error));
      if (this.#connectionError === undefined) this.#context.log.warn({ hint: failure.hint }, failure.message);
      this.#connectionError = failure;
      const again = this.#context.clock.monotonicMs() + this.#connectBackoff.next();
      for (const known of this.#units.values()) {
        known.bad(0, failure.message, failure.hint);
        known.probeMs = again;
      }
      unit.probeMs = again;
      return false;
    }
  }
}
