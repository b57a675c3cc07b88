import { Backoff } from '../../core/backoff.ts';
import type { FettleError } from '../../core/errors.ts';
import type { ModbusTable } from './table.ts';

const probeBaseMs = 1000;
const probeMaxMs = 60_000;
/** A table that is not there may come with the end of a start, or a new firmware. */
const tableBaseMs = 10_000;
const tableMaxMs = 600_000;
/** One lost answer is no dead unit. */
const timeoutsToFail = 2;

/**
 * How one unit fares. A failed unit is asked again by a single probe, ever more rarely, up to once a minute: with one request
 * in flight each probe of a dead unit costs everyone on the connection one timeout. Times are monotonic.
 */
export class Unit {
  readonly id: number;
  readonly #backoff: Backoff;
  /** Tables the unit answered exception 1 to. */
  readonly #missingTables = new Map<ModbusTable, MissingTable>();
  readonly #random: () => number;
  failure: FettleError | undefined;
  /** Its last read brought no answer, or none that fitted. */
  isInDoubt = false;
  /** Wall time of the last answer. */
  lastGoodMs: number | undefined;
  #timeouts = 0;
  #probeMs = 0;
  #failedMs = Number.NEGATIVE_INFINITY;
  /** Requests under way. */
  asking = 0;
  /** It wants no request before, monotonic. */
  notBeforeMs = Number.NEGATIVE_INFINITY;
  /** Pause it needs after an answer. */
  gapMs = 0;
  /** Of its last answer, monotonic. */
  heardMs = Number.NEGATIVE_INFINITY;

  constructor(id: number, random: () => number) {
    this.id = id;
    this.#random = random;
    this.#backoff = new Backoff({ baseMs: probeBaseMs, maxMs: probeMaxMs, random });
  }

  /** No request, not even a probe, before its time. */
  isAsleep(nowMs: number): boolean {
    return this.failure !== undefined && nowMs < this.#probeMs;
  }

  /** May this unit be asked now, given that a failed one gets a single probe? */
  mayBeAsked(nowMs: number): boolean {
    return this.waitMs(nowMs) <= 0 && (this.failure === undefined || this.asking === 0);
  }

  /** Until it may be asked. */
  waitMs(nowMs: number): number {
    return (this.failure === undefined ? this.notBeforeMs : Math.max(this.notBeforeMs, this.#probeMs)) - nowMs;
  }

  /** The unit does not have this table. */
  lacks(table: ModbusTable, error: FettleError, nowMs: number): void {
    if (this.#missingTables.has(table)) return;
    const backoff = new Backoff({ baseMs: tableBaseMs, maxMs: tableMaxMs, random: this.#random });
    this.#missingTables.set(table, { error, backoff, retryMs: nowMs + backoff.next() });
  }

  /** Why a table is not asked for. Once in a while it is not refused, to one read: it may be there by now. */
  refuses(table: ModbusTable, nowMs: number): FettleError | undefined {
    const missing = this.#missingTables.get(table);
    if (missing === undefined || nowMs < missing.retryMs) return missing?.error;
    missing.retryMs = nowMs + missing.backoff.next();
    return undefined;
  }

  /** Something of this table was read. */
  has(table: ModbusTable): void {
    this.#missingTables.delete(table);
  }

  /** It answered. Returns whether it had failed before. */
  answered(wallMs: number): boolean {
    const recovered = this.failure !== undefined;
    this.isInDoubt = false;
    this.failure = undefined;
    this.lastGoodMs = wallMs;
    this.#timeouts = 0;
    if (recovered) this.#backoff.reset();
    return recovered;
  }

  /** It did not answer the request sent at `sentMs`. Returns whether it is failed now. */
  timedOut(error: FettleError, sentMs: number, nowMs: number): boolean {
    if (++this.#timeouts < timeoutsToFail && this.failure === undefined) return false;
    this.failed(error, sentMs, nowMs);
    return true;
  }

  failed(error: FettleError, sentMs: number, nowMs: number): void {
    this.failure = error;
    // Requests that were under way together are one failure.
    if (sentMs < this.#failedMs) return;
    this.#failedMs = nowMs;
    this.#probeMs = nowMs + this.#backoff.next();
  }
}

interface MissingTable {
  readonly error: FettleError;
  readonly backoff: Backoff;
  retryMs: number;
}
