import { Backoff } from '../../core/backoff.ts';
import { type Clock, sleep } from '../../core/clock.ts';
import { errorText, FettleError, hasCode } from '../../core/errors.ts';
import type { Cycle } from './cycle.ts';
import { type Turn, takeNext } from './poll-queue.ts';
import type { ModbusTransport, OpenTransport } from './transport.ts';
import { Unit } from './unit.ts';
import { isUnitsOwnWord } from './verdict.ts';

/** What came of a read. Wall times frame it; `sentMs` is monotonic. */
export interface Outcome {
  readonly data: Buffer | undefined;
  readonly error: FettleError | undefined;
  readonly sentWallMs: number;
  readonly doneWallMs: number;
  readonly sentMs: number;
}

/** A source on the line: its reads, and what it wants to hear. */
export interface LineMember {
  readonly cycles: readonly Cycle[];
  /** Most requests under way at a time on the line. */
  readonly inFlight: number;
  readonly timeoutMs: number;
  /** Pause of the line after an answer to this source, ms. */
  readonly turnaroundMs: number;
  /** Least time between two requests of this source to one unit, ms. */
  readonly minIntervalMs: number;
  asks(turn: Turn, nowWallMs: number): void;
  settled(turn: Turn, outcome: Outcome): void;
  /** Some source's read says that this unit does not answer. */
  unitFailed(unit: Unit, error: FettleError): void;
  /** A connection stands; `isFirst`: the first of the line. */
  attached(isFirst: boolean): void;
  /** It has ended. */
  detached(lateReplies: number): void;
  /** The device is known to close what is idle: a connection is made when something is due. */
  readonly dropsIdle: boolean;
  /** It closes connections that are idle for so long. */
  droppedIdle(idleMs: number): void;
  /** None can be had for now. */
  unreachable(error: FettleError): void;
}

export interface LineOptions {
  readonly open: OpenTransport;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Resolves when the port may be opened: the line of the same name before this one has closed it. */
  readonly after?: Promise<void>;
}

/** A connection this old was a good one. */
const stableMs = 10_000;
/** So many unanswered requests in a row, of any unit, speak of the connection. */
const timeoutBurst = 2;
/** So many closed in idleness are a habit of the device. */
const idleDropsToLearn = 3;
/** Timers are late by up to this; the rest is waited for turn by turn. */
const timerSlackMs = 1;

/**
 * One wire, serial or network, and everybody who reads over it: one connection after the other, one queue, whoever has the
 * earliest deadline next. Opens with the first member, closes with the last.
 */
export class Line {
  readonly #options: LineOptions;
  readonly #backoff: Backoff;
  readonly #stopped = new AbortController();
  readonly #owner = new Map<Cycle, LineMember>();
  readonly #members = new Set<LineMember>();
  readonly #units = new Map<number, Unit>();
  #cycles: Cycle[] = [];
  #inFlight = 1;
  #running: Promise<void> | undefined;
  #transport: ModbusTransport | undefined;
  #connections = 0;
  /** No further request on this connection, which ends when those under way are done. */
  #isDraining = false;
  #underWay = 0;
  #timeoutsInARow = 0;
  #hasAsked = false;
  #hasHeard = false;
  #failure: FettleError | undefined;
  /** A read was under way when the connection ended. */
  #brokeOff = false;
  #activeMs = 0;
  #idleDrops: number[] = [];
  /** Called when something is due while there is no connection. */
  #wanted: (() => void) | undefined;
  /** Nothing is sent before, monotonic: the turnaround. */
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ baseMs: 250, maxMs: 15_000, random: options.random });
  }

  /** Of the connection that stands. */
  get lateReplies(): number {
    return this.#transport?.lateReplies ?? 0;
  }

  /** The unit of this id, one for all sources. */
  unit(id: number): Unit {
    const known = this.#units.get(id);
    if (known !== undefined) return known;
    const unit = new Unit(id, this.#options.random);
    this.#units.set(id, unit);
    return unit;
  }

  /** Whether the unit may not be asked for now because it may still answer something else. */
  isHeld(unit: Unit): boolean {
    return this.#transport !== undefined && this.#transport.readyInMs(unit.id) > this.#transport.readyInMs();
  }

  join(member: LineMember): void {
    this.#members.add(member);
    this.#gather();
    if (this.#failure !== undefined) member.unreachable(this.#failure);
    else if (this.#transport !== undefined) member.attached(true);
    this.#running ??= this.#run();
    this.wake();
  }

  /** No word to the member after this. Resolves, for the last one, when the connection has ended. */
  async leave(member: LineMember): Promise<void> {
    this.#members.delete(member);
    this.#gather();
    if (this.#members.size > 0) return;
    this.#stopped.abort();
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    await this.#running;
  }

  /** Something is to be asked for. */
  wake(): void {
    const { clock } = this.#options;
    if (this.#transport === undefined && this.#cycles.some(({ pending }) => pending.length > 0)) this.#wanted?.();
    while (this.#transport !== undefined && !this.#stopped.signal.aborted) {
      const transport = this.#transport;
      if (transport.isWorn) this.#isDraining = true;
      if (this.#isDraining) {
        if (this.#underWay > 0) return;
        // What is still owed is to come into this connection, not the next.
        const wait = transport.readyInMs();
        if (wait > 0) this.#wakeIn(wait);
        else transport.close();
        return;
      }
      if (this.#underWay >= this.#inFlight) return;
      const nowMs = clock.monotonicMs();
      const wait = Math.max(this.#notBeforeMs - nowMs, transport.readyInMs());
      if (wait > 0) {
        this.#wakeIn(wait);
        return;
      }
      const turn = takeNext(this.#cycles, nowMs, (unit) => transport.readyInMs(unit.id) === 0);
      if (turn === undefined) {
        this.#wakeForPending(transport, nowMs);
        return;
      }
      void this.#ask(transport, turn);
    }
  }

  async #ask(transport: ModbusTransport, turn: Turn): Promise<void> {
    const { clock } = this.#options;
    const { cycle, active } = turn;
    const { unit } = active;
    const member = this.#owner.get(cycle) as LineMember;
    const sentWallMs = clock.wallMs();
    const sentMs = clock.monotonicMs();
    member.asks(turn, sentWallMs);
    this.#hasAsked = true;
    this.#underWay++;
    cycle.underWay++;
    unit.asking++;
    unit.notBeforeMs = sentMs + member.minIntervalMs;
    let data: Buffer | undefined;
    let error: FettleError | undefined;
    try {
      data = await transport.read(active.block, {
        timeoutMs: member.timeoutMs,
        isProbe: unit.failure !== undefined || unit.isInDoubt || active.failure !== undefined,
      });
    } catch (reason) {
      error = asFettleError(reason);
    }
    this.#activeMs = clock.monotonicMs();
    if (hasCode(error, 'FETTLE_MODBUS_UNREACHABLE')) this.#brokeOff = true;
    else if (error !== undefined && !isUnitsOwnWord(error)) unit.isInDoubt = true;
    this.#underWay--;
    cycle.underWay--;
    unit.asking--;
    if (error === undefined || isUnitsOwnWord(error)) this.#spoke(unit, member.turnaroundMs);
    else if (hasCode(error, 'FETTLE_MODBUS_TIMEOUT') && ++this.#timeoutsInARow >= timeoutBurst) this.#isDraining = true;
    if (this.#members.has(member)) {
      const hadFailed = unit.failure !== undefined;
      member.settled(turn, { data, error, sentWallMs, doneWallMs: clock.wallMs(), sentMs });
      if (!hadFailed && unit.failure !== undefined) for (const other of this.#members) other.unitFailed(unit, unit.failure);
    }
    this.wake();
  }

  #spoke(unit: Unit, turnaroundMs: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#notBeforeMs = nowMs + turnaroundMs;
    unit.heardMs = nowMs;
    unit.notBeforeMs = Math.max(unit.notBeforeMs, nowMs + unit.gapMs);
    this.#timeoutsInARow = 0;
    this.#hasHeard = true;
    this.#failure = undefined;
    this.#backoff.reset();
  }

  /** The queue of all members; the most modest one says how much may be under way. */
  #gather(): void {
    this.#owner.clear();
    this.#inFlight = Number.POSITIVE_INFINITY;
    for (const member of this.#members) {
      for (const cycle of member.cycles) this.#owner.set(cycle, member);
      this.#inFlight = Math.min(this.#inFlight, member.inFlight);
    }
    this.#cycles = [...this.#owner.keys()];
  }

  /** All that is left has to wait for its unit. */
  #wakeForPending(transport: ModbusTransport, nowMs: number): void {
    let soonest = Number.POSITIVE_INFINITY;
    for (const { pending } of this.#cycles)
      for (const { unit } of pending)
        if (unit.failure === undefined || unit.asking === 0)
          soonest = Math.min(soonest, Math.max(unit.waitMs(nowMs), transport.readyInMs(unit.id)));
    if (soonest < Number.POSITIVE_INFINITY) this.#wakeIn(soonest);
  }

  #wakeIn(ms: number): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    if (ms <= timerSlackMs) this.#immediate = setImmediate(() => this.wake());
    else this.#timer = setTimeout(() => this.wake(), ms - timerSlackMs);
  }

  /** One connection after the other, for ever. */
  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const { clock, after } = this.#options;
    await after;
    while (!signal.aborted) {
      const transport = await this.#connect(signal);
      if (transport === undefined) return;
      const openedMs = clock.monotonicMs();
      this.#attach(transport);
      const close = () => transport.close();
      signal.addEventListener('abort', close, { once: true });
      if (signal.aborted) close();
      const reason = await transport.closed;
      signal.removeEventListener('abort', close);
      this.#transport = undefined;
      for (const member of this.#members) member.detached(transport.lateReplies);
      if (signal.aborted) return;
      // Many devices close a connection that is idle for a while; that is no failure.
      if (clock.monotonicMs() - openedMs > stableMs) this.#backoff.reset();
      const isNonsense = hasCode(reason, 'FETTLE_MODBUS_FRAMING');
      if (reason !== undefined && !this.#hasHeard && (this.#hasAsked || isNonsense)) this.#fail(reason);
      if (reason !== undefined && this.#hasHeard && !this.#brokeOff) this.#idleDrop(clock.monotonicMs() - this.#activeMs);
      if (reason !== undefined && this.#hasHeard && [...this.#members].some(({ dropsIdle }) => dropsIdle)) {
        await this.#somethingDue(signal);
        continue;
      }
      // One that served and was given up on purpose, or for nonsense that one of its units sent, is replaced at once.
      if (!this.#hasHeard || (reason !== undefined && !isNonsense)) await sleep(this.#backoff.next(), signal).catch(() => {});
    }
  }

  #idleDrop(idleMs: number): void {
    this.#idleDrops.push(idleMs);
    if (this.#idleDrops.length < idleDropsToLearn) return;
    for (const member of this.#members) member.droppedIdle(Math.round(Math.min(...this.#idleDrops)));
    this.#idleDrops = [];
  }

  /** Resolves at once when something waits, or the line is closed. */
  #somethingDue(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        this.#wanted = undefined;
        resolve();
      };
      signal.addEventListener('abort', done, { once: true });
      this.#wanted = done;
      if (signal.aborted) done();
      else this.wake();
    });
  }

  #attach(transport: ModbusTransport): void {
    this.#transport = transport;
    this.#failure = undefined;
    this.#isDraining = false;
    this.#timeoutsInARow = 0;
    this.#hasAsked = false;
    this.#hasHeard = false;
    this.#brokeOff = false;
    const isFirst = this.#connections++ === 0;
    for (const member of this.#members) member.attached(isFirst);
    this.wake();
  }

  /** Tries until there is a connection; undefined once stopped. */
  async #connect(signal: AbortSignal): Promise<ModbusTransport | undefined> {
    while (!signal.aborted) {
      try {
        const transport = await this.#options.open(signal);
        if (!signal.aborted) return transport;
        transport.close();
        await transport.closed;
      } catch (error) {
        if (signal.aborted) return undefined;
        this.#fail(error instanceof FettleError ? error : new FettleError('FETTLE_MODBUS_UNREACHABLE', errorText(error), { cause: error }));
        await sleep(this.#backoff.next(), signal).catch(() => {});
      }
    }
    return undefined;
  }

  #fail(error: FettleError): void {
    this.#failure = error;
    for (const member of this.#members) member.unreachable(error);
  }
}

/** A transport rejects with nothing else; a defect of ours must not stop the other reads. */
const asFettleError = (error: unknown): FettleError =>
  error instanceof FettleError ? error : new FettleError('FETTLE_MODBUS_FRAMING', errorText(error), { cause: error });
