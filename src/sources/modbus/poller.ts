import type { FettleError } from '../../core/errors.ts';
import { quality } from '../../core/quality.ts';
import type { SourceContext } from '../../core/source.ts';
import { ActiveBlock, type BlockFailure } from './active-block.ts';
import type { ModbusCounters } from './counters.ts';
import { Cycle } from './cycle.ts';
import type { Histogram } from './histogram.ts';
import { type Knowledge, kindOf } from './knowledge.ts';
import type { Line, LineMember, Outcome } from './line.ts';
import { type ModbusExceptionError, qualityOf } from './modbus-error.ts';
import { type PlanLimits, planReads } from './plan.ts';
import type { Point } from './point.ts';
import { PollHealth } from './poll-health.ts';
import type { Turn } from './poll-queue.ts';
import { SampleWriter } from './sample-writer.ts';
import type { Unit } from './unit.ts';
import { isUnitsOwnWord, verdictOf } from './verdict.ts';

export interface PollerOptions {
  readonly context: SourceContext;
  readonly line: Line;
  readonly points: readonly Point[];
  readonly limits: PlanLimits;
  readonly knowledge: Knowledge;
  /** Whether more is to be found out. */
  readonly learns: boolean;
  readonly inFlight: number;
  readonly timeoutMs: number;
  readonly turnaroundMs: number;
  readonly minIntervalMs: number;
  readonly counters: ModbusCounters;
  readonly jitter: Histogram;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Waking at least this often notices a clock that was set back. */
const longestSleepMs = 5000;

/** Says what of a source is due on its line, and turns every answer, or the lack of one, into samples. */
export class Poller implements LineMember {
  readonly #options: PollerOptions;
  readonly #samples: SampleWriter;
  /** Those of this source. */
  readonly units: readonly Unit[];
  /** One a period and unit, so that a slow unit delays only itself. */
  readonly cycles: readonly Cycle[];
  readonly #health: ReadonlyMap<Unit, PollHealth>;
  readonly inFlight: number;
  readonly timeoutMs: number;
  readonly turnaroundMs: number;
  readonly minIntervalMs: number;
  /** Why there is no connection, until one has brought an answer. */
  connectionError: FettleError | undefined;
  /** There is none at present: cycles bring bad samples. */
  #isUnreachable = false;
  #timer: NodeJS.Timeout | undefined;
  /** Something was found out since the last save. */
  #unsaved = false;
  /** Whether anything of this source was answered on this connection. */
  #hasHeard = false;

  constructor(options: PollerOptions) {
    this.#options = options;
    const { points, context, counters, line } = options;
    this.inFlight = options.inFlight;
    this.timeoutMs = options.timeoutMs;
    this.turnaroundMs = options.turnaroundMs;
    this.minIntervalMs = options.minIntervalMs;
    this.#samples = new SampleWriter(context.inlet, counters);
    this.units = [...new Set(points.map(({ unit }) => unit))].map((id) => line.unit(id));
    for (const unit of this.units) unit.gapMs = Math.max(unit.gapMs, options.knowledge.of(unit.id).gapMs);
    const groups = Map.groupBy(points, ({ pollMs, unit }) => `${pollMs}/${unit}`);
    this.cycles = [...groups.values()]
      .map((group) => new Cycle((group[0] as Point).pollMs, this.#plan(group)))
      .sort((a, b) => a.periodMs - b.periodMs);
    const shortest = (unit: Unit): number => Math.min(...points.filter((point) => point.unit === unit.id).map(({ pollMs }) => pollMs));
    this.#health = new Map(this.units.map((unit) => [unit, new PollHealth(shortest(unit))]));
  }

  healthOf(unit: Unit): PollHealth {
    return this.#health.get(unit) as PollHealth;
  }

  start(): void {
    for (const cycle of this.cycles) cycle.schedule(this.#options.context.clock.wallMs());
    this.#options.line.join(this);
    this.#tick();
  }

  /** No sample after this. Resolves when the line is left. */
  stop(): Promise<void> {
    this.#save();
    clearTimeout(this.#timer);
    return this.#options.line.leave(this);
  }

  attached(isFirst: boolean): void {
    if (!isFirst) this.#options.counters.reconnects++;
    this.#isUnreachable = false;
    this.#hasHeard = false;
  }

  /** What is still to be asked for waits for the next connection. */
  detached(lateReplies: number): void {
    this.#options.counters.lateReplies += lateReplies;
    if (this.#hasHeard) this.#options.context.inlet.setConnected(false);
  }

  get dropsIdle(): boolean {
    return this.#options.knowledge.idleMs > 0;
  }

  droppedIdle(idleMs: number): void {
    if (!this.#options.learns) return;
    this.#options.knowledge.idleMs = idleMs;
    this.#unsaved = true;
  }

  unreachable(error: FettleError): void {
    if (this.connectionError?.message !== error.message) this.#warn(error, error.message);
    this.connectionError = error;
    this.#isUnreachable = true;
    this.#drop(() => true, quality.badNoCommunication);
    this.#options.context.inlet.endOfBurst();
  }

  unitFailed(unit: Unit, error: FettleError): void {
    this.#drop((active) => active.unit === unit, qualityOf(error));
    this.#options.context.inlet.endOfBurst();
  }

  asks({ cycle, active }: Turn, nowWallMs: number): void {
    const { counters, jitter } = this.#options;
    if (cycle.takesMeasure()) {
      jitter.add(nowWallMs - cycle.startedMs);
      this.healthOf(active.unit).jitter.add(nowWallMs - cycle.startedMs);
    }
    counters.requests++;
  }

  settled(turn: Turn, { data, error, sentWallMs, doneWallMs, sentMs }: Outcome): void {
    // The device sampled somewhere between request and reply.
    if (data !== undefined) this.#answered(turn, data, (sentWallMs + doneWallMs) / 2);
    else this.#failed(turn, error as FettleError, sentMs);
    this.#options.context.inlet.endOfBurst();
  }

  /** Begins the cycles that are due and sleeps until the next. */
  #tick(): void {
    const { context } = this.#options;
    const nowMs = context.clock.wallMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const cycle of this.cycles) {
      const { begins, skipped } = cycle.advance(nowMs);
      this.#leaveOut(cycle, skipped);
      if (begins) this.#save();
      if (begins && context.inlet.full) this.#leaveOut(cycle, 1);
      else if (begins) this.#begin(cycle);
      nextMs = Math.min(nextMs, cycle.dueMs);
    }
    this.#timer = setTimeout(() => this.#tick(), Math.min(Math.max(nextMs - context.clock.wallMs(), 1), longestSleepMs));
    this.#options.line.wake();
  }

  #leaveOut(cycle: Cycle, count: number): void {
    this.#options.counters.lateCycles += count;
    const [first] = cycle.blocks;
    if (first !== undefined) this.healthOf(first.unit).leftOut += count;
  }

  /** The reads of these values, which are of one unit, by what is known of it. */
  #plan(points: readonly Point[]): ActiveBlock[] {
    const { limits, knowledge, line, random } = this.#options;
    const known = knowledge.of((points[0] as Point).unit);
    const blocks = planReads(points, {
      bridgeRegisters: limits.bridgeRegisters,
      maxRegisters: known.tryLength('registers', Math.max(limits.maxRegisters, 1)),
      maxBits: known.tryLength('bits', limits.maxBits),
      isCut: ({ table, address }) => known.isCut(table, address),
    });
    return blocks.map((block) => new ActiveBlock(block, line.unit(block.unit), random));
  }

  /** Longer reads may do, or shorter ones have to: once all reads of a cycle do well, it is planned by what is known now. */
  #replan(cycle: Cycle): void {
    if (!cycle.isOutdated || cycle.blocks.some(({ failure }) => failure !== undefined)) return;
    cycle.isOutdated = false;
    const points = [...new Set(cycle.blocks.flatMap(({ block }) => block.points))];
    const planned = this.#plan(points);
    const isSame =
      planned.length === cycle.blocks.length &&
      planned.every(({ block }, i) => block.address === cycle.blocks[i]?.block.address && block.count === cycle.blocks[i]?.block.count);
    if (!isSame) cycle.replan(planned);
  }

  /** Something was found out. */
  #learned(unit: Unit): void {
    this.#unsaved = true;
    for (const cycle of this.cycles) if (cycle.blocks[0]?.unit === unit) cycle.isOutdated = true;
  }

  #save(): void {
    if (!this.#unsaved) return;
    this.#unsaved = false;
    this.#options.context.memory?.save(this.#options.knowledge.toJSON());
  }

  #begin(cycle: Cycle): void {
    this.#replan(cycle);
    const { clock, inlet } = this.#options.context;
    const nowMs = clock.monotonicMs();
    let isBad = false;
    for (const active of cycle.blocks) {
      const code = this.#refusal(active, nowMs);
      if (code === undefined) cycle.pending.push(active);
      else {
        this.#samples.bad(active.block, clock.wallMs(), code);
        this.healthOf(active.unit).took(false);
        isBad = true;
      }
    }
    if (isBad) inlet.endOfBurst();
  }

  /** Quality of samples that cannot be asked for now; undefined when they can. */
  #refusal(active: ActiveBlock, nowMs: number): number | undefined {
    const { unit, block, failure } = active;
    if (this.#isUnreachable) return quality.badNoCommunication;
    const missing = unit.refuses(block.table, nowMs);
    if (missing !== undefined) {
      // Another source may have found out.
      if (failure === undefined) active.failed('missing', missing, nowMs);
      return quality.badConfigurationError;
    }
    if (unit.failure !== undefined && (unit.isAsleep(nowMs) || this.#options.line.isHeld(unit))) return qualityOf(unit.failure);
    if (active.kind === 'missing') return undefined;
    return failure !== undefined && active.isAsleep(nowMs) ? qualityOf(failure) : undefined;
  }

  #answered({ cycle, active }: Turn, data: Buffer, timeMs: number): void {
    const { context, counters } = this.#options;
    counters.replies++;
    this.healthOf(active.unit).took(true);
    this.#spoke(active.unit);
    active.unit.has(active.block.table);
    this.#learnFromAnswer(cycle, active);
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

  /** Its length is allowed; the cuts of a block that was refused are known once all its parts are answered. */
  #learnFromAnswer(cycle: Cycle, active: ActiveBlock): void {
    if (!this.#options.learns) return;
    const { block, unit, origin } = active;
    const known = this.#options.knowledge.of(unit.id);
    if (known.answered(kindOf(block.table), block.count)) this.#learned(unit);
    active.isProven = true;
    if (origin === active || origin.refusal !== 2) return;
    const parts = cycle.blocks.filter((part) => part.origin === origin);
    if (parts.some((part) => part !== active && !part.isProven)) return;
    for (const part of parts.slice(1)) known.cuts.add(`${part.block.table}/${part.block.address}`);
    origin.refusal = undefined;
    this.#learned(unit);
  }

  /** A unit has said something, if only an exception. */
  #spoke(unit: Unit): void {
    const { context } = this.#options;
    if (!this.#hasHeard) {
      this.#hasHeard = true;
      context.inlet.setConnected(true);
      if (this.connectionError !== undefined) context.log.info({ source: context.id }, 'connected again');
      this.connectionError = undefined;
    }
    if (unit.answered(context.clock.wallMs())) context.log.info({ source: context.id }, `unit ${unit.id} answers again`);
  }

  #failed({ cycle, active }: Turn, error: FettleError, sentMs: number): void {
    const { clock } = this.#options.context;
    const { unit, block } = active;
    this.#count(error);
    this.healthOf(unit).took(false);
    if (isUnitsOwnWord(error)) this.#spoke(unit);
    const verdict = verdictOf(error);
    switch (verdict.reach) {
      case 'parts': {
        const halves = active.halves();
        const exception = (error as ModbusExceptionError).exception;
        if (exception === 3 && this.#options.learns && this.#options.knowledge.of(unit.id).refused(kindOf(block.table), block.count))
          this.#learned(unit);
        if (active === active.origin) active.refusal = exception;
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
        break;
      case 'connection':
        // The line notices too. A device that closes what is idle may do so just then: once more in this cycle.
        if (active.retriedMs !== cycle.startedMs) {
          active.retriedMs = cycle.startedMs;
          cycle.pending.unshift(active);
          return;
        }
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

  #blockFails(active: ActiveBlock, kind: BlockFailure, error: FettleError): void {
    // What comes back later was no matter of the plan.
    if (kind === 'absent') active.origin.refusal = undefined;
    if (active.failure === undefined) this.#warn(error, `${namesOf(active)}: ${error.message}`);
    active.failed(kind, error, this.#options.context.clock.monotonicMs());
  }

  #tableIsMissing(active: ActiveBlock, error: FettleError): void {
    const { unit, block } = active;
    const nowMs = this.#options.context.clock.monotonicMs();
    const isOfTable = (other: ActiveBlock) => other.unit === unit && other.block.table === block.table;
    if (active.kind !== 'missing') this.#warn(error, `${error.message}; asked for again rarely`);
    unit.lacks(block.table, error, nowMs);
    for (const cycle of this.cycles) for (const other of cycle.blocks) if (isOfTable(other)) other.failed('missing', error, nowMs);
    this.#drop(isOfTable, quality.badConfigurationError);
  }

  /** A first unanswered read is held against the read; only the next one in a row against the unit. */
  #unitFails(active: ActiveBlock, error: FettleError, sentMs: number): void {
    const { unit } = active;
    const nowMs = this.#options.context.clock.monotonicMs();
    const isTimeout = error.code === 'FETTLE_MODBUS_TIMEOUT';
    const hadFailed = unit.failure !== undefined;
    if (isTimeout && !hadFailed && this.#options.learns && this.#options.knowledge.of(unit.id).unanswered(sentMs - unit.heardMs)) {
      unit.gapMs = this.#options.knowledge.of(unit.id).gapMs;
      this.#learned(unit);
    }
    if (isTimeout && !unit.timedOut(error, sentMs, nowMs)) {
      this.#blockFails(active, 'faulty', error);
      return;
    }
    if (!isTimeout) unit.failed(error, sentMs, nowMs);
    if (hadFailed) this.#drop((other) => other.unit === unit, qualityOf(error));
    // The line tells all its sources, this one too.
    else this.#warn(error, `unit ${unit.id} is asked rarely until it answers: ${error.message}`);
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

const namesOf = ({ block: { points } }: ActiveBlock): string =>
  points.length === 1 ? (points[0] as Point).name : `${(points[0] as Point).name} and ${points.length - 1} more`;
