import { errorText, FettleError } from '../../core/errors.ts';
import { quality } from '../../core/quality.ts';
import type { SourceContext } from '../../core/source.ts';
import { ActiveBlock } from './active-block.ts';
import type { ModbusCounters } from './counters.ts';
import { Cycle } from './cycle.ts';
import type { Histogram } from './histogram.ts';
import { qualityOf } from './modbus-error.ts';
import type { Block } from './plan.ts';
import type { Point } from './point.ts';
import { type Turn, takeNext } from './poll-queue.ts';
import { SampleWriter } from './sample-writer.ts';
import type { ModbusTransport } from './transport.ts';
import { Unit } from './unit.ts';
import { isUnitsOwnWord, verdictOf } from './verdict.ts';

export interface PollerOptions {
  readonly context: SourceContext;
  readonly blocks: readonly Block<Point>[];
  readonly inFlight: number;
  readonly counters: ModbusCounters;
  readonly jitter: Histogram;
  /** In [0, 1). */
  readonly random: () => number;
  /** Called with the first answer of a connection. */
  readonly heard: () => void;
}

/** So many unanswered requests in a row, of any unit, speak of the connection. */
const timeoutBurst = 2;
/** Waking at least this often notices a clock that was set back. */
const longestSleepMs = 5000;

/** Asks for what is due over the connection it is given, and turns every answer, or the lack of one, into samples. */
export class Poller {
  readonly #options: PollerOptions;
  readonly #samples: SampleWriter;
  readonly units = new Map<number, Unit>();
  readonly cycles: readonly Cycle[];
  #transport: ModbusTransport | undefined;
  #connectionFailure: FettleError | undefined;
  /** No further request on this connection, which ends when those under way are done. */
  #isDraining = false;
  #underWay = 0;
  #timeoutsInARow = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  /** Whether anything was asked, and answered, on this connection. */
  hasAsked = false;
  hasHeard = false;

  constructor(options: PollerOptions) {
    this.#options = options;
    const { blocks, random, context, counters } = options;
    this.#samples = new SampleWriter(context.inlet, counters);
    for (const { unit } of blocks) if (!this.units.has(unit)) this.units.set(unit, new Unit(unit, random));
    const periods = [...new Set(blocks.map(({ pollMs }) => pollMs))].sort((a, b) => a - b);
    this.cycles = periods.map((periodMs) => {
      const ofPeriod = blocks.filter(({ pollMs }) => pollMs === periodMs);
      return new Cycle(
        periodMs,
        ofPeriod.map((block) => new ActiveBlock(block, this.units.get(block.unit) as Unit, random)),
      );
    });
  }

  start(): void {
    for (const cycle of this.cycles) cycle.schedule(this.#options.context.clock.wallMs());
    this.#tick();
  }

  /** No sample after this. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  attach(transport: ModbusTransport): void {
    this.#transport = transport;
    this.#connectionFailure = undefined;
    this.#isDraining = false;
    this.#timeoutsInARow = 0;
    this.hasAsked = false;
    this.hasHeard = false;
    this.#pump();
  }

  /** The connection has ended; what is still to be asked for waits for the next one. */
  detach(): void {
    this.#options.counters.lateReplies += this.#transport?.lateReplies ?? 0;
    this.#transport = undefined;
    if (this.hasHeard) this.#options.context.inlet.setConnected(false);
  }

  /** No connection can be had for now: until `attach`, cycles bring bad samples. */
  unreachable(failure: FettleError): void {
    if (this.#isStopped) return;
    this.#connectionFailure = failure;
    this.#drop(() => true, quality.badNoCommunication);
    this.#options.context.inlet.endOfBurst();
  }

  /** Of this connection. */
  get lateReplies(): number {
    return this.#transport?.lateReplies ?? 0;
  }

  /** Begins the cycles that are due and sleeps until the next. */
  #tick(): void {
    const { context, counters } = this.#options;
    const nowMs = context.clock.wallMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const cycle of this.cycles) {
      const { begins, skipped } = cycle.advance(nowMs);
      counters.lateCycles += skipped;
      if (begins && context.inlet.full) counters.lateCycles++;
      else if (begins) this.#begin(cycle);
      nextMs = Math.min(nextMs, cycle.dueMs);
    }
    this.#timer = setTimeout(() => this.#tick(), Math.min(Math.max(nextMs - context.clock.wallMs(), 1), longestSleepMs));
    this.#pump();
  }

  #begin(cycle: Cycle): void {
    const { clock, inlet } = this.#options.context;
    const nowMs = clock.monotonicMs();
    let isBad = false;
    for (const active of cycle.blocks) {
      const code = this.#refusal(active, nowMs);
      if (code === undefined) cycle.pending.push(active);
      else {
        this.#samples.bad(active.block, clock.wallMs(), code);
        isBad = true;
      }
    }
    if (isBad) inlet.endOfBurst();
  }

  /** Quality of samples that cannot be asked for now; undefined when they can. */
  #refusal(active: ActiveBlock, nowMs: number): number | undefined {
    const { unit, block, failure } = active;
    if (this.#connectionFailure !== undefined) return quality.badNoCommunication;
    if (unit.missingTables.has(block.table)) return quality.badConfigurationError;
    if (unit.failure !== undefined && unit.isAsleep(nowMs)) return qualityOf(unit.failure);
    return failure !== undefined && active.isAsleep(nowMs) ? qualityOf(failure) : undefined;
  }

  #pump(): void {
    const { inFlight, context } = this.#options;
    while (this.#transport !== undefined && !this.#isStopped) {
      if (this.#transport.isWorn) this.#isDraining = true;
      if (this.#isDraining) {
        if (this.#underWay === 0) this.#transport.close();
        return;
      }
      const turn = this.#underWay < inFlight ? takeNext(this.cycles, context.clock.monotonicMs()) : undefined;
      if (turn === undefined) return;
      void this.#ask(this.#transport, turn);
    }
  }

  async #ask(transport: ModbusTransport, turn: Turn): Promise<void> {
    const { counters, jitter } = this.#options;
    const { clock, inlet } = this.#options.context;
    const { cycle, active } = turn;
    const sentWallMs = clock.wallMs();
    const sentMs = clock.monotonicMs();
    if (cycle.takesMeasure()) jitter.add(sentWallMs - cycle.startedMs);
    counters.requests++;
    this.hasAsked = true;
    this.#underWay++;
    cycle.underWay++;
    active.unit.asking++;
    let data: Buffer | undefined;
    let failure: unknown;
    try {
      data = await transport.read(active.block);
    } catch (error) {
      failure = error;
    }
    this.#underWay--;
    cycle.underWay--;
    active.unit.asking--;
    if (this.#isStopped) return;
    // The device sampled somewhere between request and reply.
    if (data !== undefined) this.#answered(turn, data, (sentWallMs + clock.wallMs()) / 2);
    else this.#failed(turn, asFettleError(failure), sentMs);
    inlet.endOfBurst();
    this.#pump();
  }

  #answered({ cycle, active }: Turn, data: Buffer, timeMs: number): void {
    const { context, counters } = this.#options;
    counters.replies++;
    this.#spoke(active.unit);
    if (active.failure !== undefined) {
      if (active.kind === 'absent') {
        counters.quarantined--;
        cycle.recovers(active.origin);
      }
      active.answered();
      context.log.info({ source: context.id, tags: namesOf(active) }, 'answered again');
    }
    this.#samples.reply(active.block, data, timeMs);
  }

  /** A unit has said something, if only an exception. */
  #spoke(unit: Unit): void {
    const { context, heard } = this.#options;
    this.#timeoutsInARow = 0;
    if (!this.hasHeard) {
      this.hasHeard = true;
      context.inlet.setConnected(true);
      heard();
    }
    if (unit.answered(context.clock.wallMs())) context.log.info({ source: context.id }, `unit ${unit.id} answers again`);
  }

  #failed({ cycle, active }: Turn, error: FettleError, sentMs: number): void {
    const { clock } = this.#options.context;
    const { unit, block } = active;
    this.#count(error);
    if (isUnitsOwnWord(error)) this.#spoke(unit);
    const verdict = verdictOf(error);
    switch (verdict.reach) {
      case 'parts': {
        const halves = active.halves();
        if (halves !== undefined) {
          this.#options.counters.splits++;
          this.#options.context.log.info(
            { source: this.#options.context.id, hint: error.hint },
            `${error.message}; read in halves from now on`,
          );
          cycle.split(active, halves);
          return;
        }
        if (active.kind !== 'absent') this.#options.counters.quarantined++;
        this.#blockFails(active, 'absent', error);
        break;
      }
      case 'table':
        this.#tableIsMissing(active, error);
        break;
      case 'unit':
        this.#unitFails(active, error, sentMs);
        break;
      case 'read':
        this.#blockFails(active, verdict.kind, error);
        if (verdict.replaceConnection === true) this.#isDraining = true;
        break;
      case 'connection':
        // Its owner notices too.
        break;
    }
    this.#samples.bad(block, clock.wallMs(), qualityOf(error));
  }

  #count({ code }: FettleError): void {
    const { counters } = this.#options;
    if (code === 'FETTLE_MODBUS_EXCEPTION') counters.exceptions++;
    else if (code === 'FETTLE_MODBUS_TIMEOUT') counters.timeouts++;
    else if (code === 'FETTLE_MODBUS_FRAMING') counters.framing++;
  }

  #blockFails(active: ActiveBlock, kind: 'faulty' | 'busy' | 'absent', error: FettleError): void {
    if (active.failure === undefined) this.#warn(error, `${namesOf(active)}: ${error.message}`);
    active.failed(kind, error, this.#options.context.clock.monotonicMs());
  }

  #tableIsMissing({ unit, block }: ActiveBlock, error: FettleError): void {
    const isOfTable = (other: ActiveBlock) => other.unit === unit && other.block.table === block.table;
    this.#warn(error, `${error.message}; not asked for again until the next start`);
    unit.missingTables.add(block.table);
    for (const cycle of this.cycles)
      for (const other of cycle.blocks) if (isOfTable(other)) other.failed('absent', error, this.#options.context.clock.monotonicMs());
    this.#drop(isOfTable, quality.badConfigurationError);
  }

  /** A first unanswered read is held against the read; only the next one in a row against the unit. */
  #unitFails(active: ActiveBlock, error: FettleError, sentMs: number): void {
    const { unit } = active;
    const nowMs = this.#options.context.clock.monotonicMs();
    const isTimeout = error.code === 'FETTLE_MODBUS_TIMEOUT';
    const hadFailed = unit.failure !== undefined;
    if (isTimeout && ++this.#timeoutsInARow >= timeoutBurst) this.#isDraining = true;
    if (isTimeout && !unit.timedOut(error, sentMs, nowMs)) {
      this.#blockFails(active, 'faulty', error);
      return;
    }
    if (!isTimeout) unit.failed(error, sentMs, nowMs);
    if (!hadFailed) this.#warn(error, `unit ${unit.id} is asked rarely until it answers: ${error.message}`);
    this.#drop((other) => other.unit === unit, qualityOf(error));
  }

  /** Takes these off what is still to be asked for, with bad samples in their place. */
  #drop(which: (active: ActiveBlock) => boolean, code: number): void {
    const nowMs = this.#options.context.clock.wallMs();
    for (const cycle of this.cycles) {
      for (const active of cycle.pending) if (which(active)) this.#samples.bad(active.block, nowMs, code);
      cycle.pending = cycle.pending.filter((active) => !which(active));
    }
  }

  #warn({ code, hint }: FettleError, message: string): void {
    const { log, id } = this.#options.context;
    log.warn({ source: id, code, hint }, message);
  }
}

/** A transport rejects with nothing else; a defect of ours must not stop the other reads. */
const asFettleError = (error: unknown): FettleError =>
  error instanceof FettleError ? error : new FettleError('FETTLE_MODBUS_FRAMING', errorText(error), { cause: error });

const namesOf = ({ block: { points } }: ActiveBlock): string =>
  points.length === 1 ? (points[0] as Point).name : `${(points[0] as Point).name} and ${points.length - 1} more`;
