import { Backoff } from '../../core/backoff.ts';
import type { FettleError } from '../../core/errors.ts';
import { type Block, splitBlock } from './plan.ts';
import type { Point } from './point.ts';
import type { Unit } from './unit.ts';

/** How soon a block that failed by itself is asked again, and how rarely at most. */
const failures = {
  /** The device has a fault, or answers nothing or nonsense to this very request: once more with the next cycle, then less often. */
  faulty: { baseMs: 1000, maxMs: 60_000 },
  /** The device asked for time. */
  busy: { baseMs: 500, maxMs: 10_000 },
  /** The device does not have this address; a new firmware, or the end of its start, may bring it. */
  absent: { baseMs: 10_000, maxMs: 600_000 },
  /** The device does not have the whole table; the unit says when one of its reads is tried again. */
  missing: { baseMs: 1000, maxMs: 1000 },
} as const;
export type BlockFailure = keyof typeof failures;

/** A planned read with what has become of it. Times are monotonic. */
export class ActiveBlock {
  readonly block: Block<Point>;
  readonly unit: Unit;
  /** The planned block this is a part of, after splits. */
  readonly origin: ActiveBlock;
  readonly #random: () => number;
  failure: FettleError | undefined;
  kind: BlockFailure | undefined;
  /** Exception the planned block was refused with, until its parts were answered. */
  refusal: number | undefined;
  /** Cycle in which it was asked for again because the connection ended. */
  retriedMs: number | undefined;
  /** It was answered at least once. */
  isProven = false;
  #backoff: Backoff | undefined;
  #retryMs = 0;

  constructor(block: Block<Point>, unit: Unit, random: () => number, origin?: ActiveBlock) {
    this.block = block;
    this.unit = unit;
    this.#random = random;
    this.origin = origin ?? this;
  }

  isAsleep(nowMs: number): boolean {
    return this.failure !== undefined && nowMs < this.#retryMs;
  }

  failed(kind: BlockFailure, error: FettleError, nowMs: number): void {
    const isFirst = this.kind !== kind;
    if (isFirst) this.#backoff = new Backoff({ ...failures[kind], random: this.#random });
    this.kind = kind;
    this.failure = error;
    this.#retryMs = nowMs + (isFirst && kind === 'faulty' ? 0 : (this.#backoff as Backoff).next());
  }

  answered(): void {
    this.failure = undefined;
    this.kind = undefined;
    this.#backoff = undefined;
  }

  /** Two blocks with half the values each; undefined when the device refuses what cannot be asked for in parts. */
  halves(): readonly ActiveBlock[] | undefined {
    return splitBlock(this.block)?.map((half) => new ActiveBlock(half, this.unit, this.#random, this.origin));
  }
}
