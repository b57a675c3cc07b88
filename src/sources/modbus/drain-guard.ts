import type { ExpectedReply } from './rtu-frame.ts';

export interface DrainTimes {
  /** Silence after a request that was given up, ms. */
  readonly drainMs: number;
  /** Silence before any request, ms: t3.5. */
  readonly quietMs: number;
}

interface Owed {
  readonly expected: ExpectedReply;
  readonly drainMs: number;
  untilMs: number;
  /** The whole line waits, not only the unit. */
  readonly holdsLine: boolean;
}

/** The reply that ends a drain may have company. */
const settleMs = 20;
/** A unit that answers after its drain is given ever longer ones, up to this. */
const longestDrainMs = 60_000;
/** A line that is never silent for so many drains is no Modbus line. */
const drainsToGiveUp = 5;

/**
 * When something may be sent on an RTU line, whose replies carry no number: the answer to a read that was given up must not be
 * taken for the answer to the next. What a request that was given up still owes is remembered here, also while the port is
 * reopened. Until its reply has come (and was thrown away), or the line has been silent for the drain window:
 *
 * - nothing at all is sent, when the unit was answering before: its reply is likely to come and would collide with others;
 * - nothing is sent to that unit, when its last read, or this one before, had not been answered either: probes of a dead unit must not stop the others, and a reply that
 *   comes all the same has that unit's id, so that nobody else can take it for theirs.
 *
 * Times are monotonic milliseconds.
 */
export class DrainGuard {
  readonly #times: DrainTimes;
  readonly #owed = new Map<number, Owed>();
  /** Units that answered later than their drain. */
  readonly #longer = new Map<number, number>();
  #quietUntilMs = Number.NEGATIVE_INFINITY;
  #noisySinceMs: number | undefined;

  constructor(times: DrainTimes) {
    this.#times = times;
  }

  get owed(): Iterable<ExpectedReply> {
    return this.#owed.size === 0 ? [] : [...this.#owed.values()].map(({ expected }) => expected);
  }

  /** The line was busy until `atMs`: ours, or a reply's. */
  busy(atMs: number): void {
    this.#quietUntilMs = Math.max(this.#quietUntilMs, atMs + this.#times.quietMs);
  }

  /** The reply of this request is not waited for any more. */
  gaveUp(expected: ExpectedReply, nowMs: number, holdsLine: boolean): void {
    const drainMs = this.#longer.get(expected.unit) ?? this.#times.drainMs;
    this.#owed.set(expected.unit, { expected, drainMs, untilMs: nowMs + drainMs, holdsLine });
  }

  /** The reply of a request that was given up has come. */
  cameLate(unit: number, nowMs: number): void {
    this.#owed.delete(unit);
    this.#quietUntilMs = Math.max(this.#quietUntilMs, nowMs + settleMs);
    this.#noisySinceMs = undefined;
  }

  /** Nobody had asked this unit, but it answered: twice, or after its drain. */
  cameUnasked(expected: ExpectedReply, nowMs: number): void {
    this.#longer.set(expected.unit, Math.min((this.#longer.get(expected.unit) ?? this.#times.drainMs) * 2, longestDrainMs));
    this.gaveUp(expected, nowMs, false);
  }

  /** Bytes that are no answer to anything: the line is to be silent anew. Returns false when it never is. */
  noise(nowMs: number): boolean {
    this.busy(nowMs);
    let isDraining = false;
    for (const owed of this.#owed.values()) {
      if (nowMs >= owed.untilMs) continue;
      isDraining = true;
      owed.untilMs = nowMs + owed.drainMs;
    }
    if (!isDraining) this.#noisySinceMs = undefined;
    else this.#noisySinceMs ??= nowMs;
    return this.#noisySinceMs === undefined || nowMs - this.#noisySinceMs < drainsToGiveUp * this.#times.drainMs;
  }

  /** Milliseconds until something may be sent, to this unit if one is given. */
  readyInMs(nowMs: number, unit?: number): number {
    let untilMs = this.#quietUntilMs;
    for (const [id, owed] of this.#owed) {
      if (nowMs >= owed.untilMs) this.#owed.delete(id);
      else if (owed.holdsLine || id === unit) untilMs = Math.max(untilMs, owed.untilMs);
    }
    if (this.#owed.size === 0) this.#noisySinceMs = undefined;
    return Math.max(0, untilMs - nowMs);
  }
}
