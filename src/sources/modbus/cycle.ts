import type { ActiveBlock } from './active-block.ts';

/** From this period on the first poll does not wait for its phase: nobody wants to see the first value after an hour. */
const longPeriodMs = 10_000;

/** The first multiple of the period after `nowMs`. */
export const nextMultiple = (nowMs: number, periodMs: number): number => (Math.floor(nowMs / periodMs) + 1) * periodMs;

/**
 * All reads of one period on one connection. Cycles begin at multiples of the period since the epoch (wall time), so that
 * values of different devices belong to the same moments; a cycle that is not done when the next is due makes it skip.
 */
export class Cycle {
  readonly periodMs: number;
  /** In the order they are asked for. */
  blocks: ActiveBlock[];
  /** Still to be asked for in this cycle. */
  pending: ActiveBlock[] = [];
  underWay = 0;
  /** More is known of the unit than when the reads were planned. */
  isOutdated = false;
  /** When the next cycle begins. */
  dueMs = Number.POSITIVE_INFINITY;
  /** The moment this cycle stands for. */
  startedMs = 0;
  #isMeasured = true;
  #hasBegun = false;
  /** Planned blocks that may be whole again. */
  readonly #recovering = new Set<ActiveBlock>();

  constructor(periodMs: number, blocks: ActiveBlock[]) {
    this.periodMs = periodMs;
    this.blocks = blocks;
  }

  schedule(nowMs: number): void {
    this.dueMs = nextMultiple(nowMs, this.periodMs) - (this.periodMs > longPeriodMs ? this.periodMs : 0);
  }

  get isRunning(): boolean {
    return this.pending.length > 0 || this.underWay > 0;
  }

  get deadlineMs(): number {
    return this.startedMs + this.periodMs;
  }

  /** Whether a new cycle begins now, and how many were skipped. */
  advance(nowMs: number): { readonly begins: boolean; readonly skipped: number } {
    // The clock was set back.
    if (this.dueMs - nowMs > this.periodMs) this.dueMs = nextMultiple(nowMs, this.periodMs);
    if (nowMs < this.dueMs) return { begins: false, skipped: 0 };
    const latest = nextMultiple(nowMs, this.periodMs) - this.periodMs;
    const missed = Math.round((latest - this.dueMs) / this.periodMs);
    this.dueMs = latest + this.periodMs;
    if (this.isRunning) return { begins: false, skipped: missed + 1 };
    this.startedMs = latest;
    this.#isMeasured = !this.#hasBegun;
    this.#hasBegun = true;
    for (const origin of this.#recovering) this.#mend(origin);
    this.#recovering.clear();
    return { begins: true, skipped: missed };
  }

  /** Whether the request sent now shows how late the cycle began: the first of each, but for the first cycle, which waits for its connection. */
  takesMeasure(): boolean {
    const isFirst = !this.#isMeasured;
    this.#isMeasured = true;
    return isFirst;
  }

  /** Puts the parts in the place of a block that was refused; they are asked for next. */
  split(block: ActiveBlock, parts: readonly ActiveBlock[]): void {
    this.blocks.splice(this.blocks.indexOf(block), 1, ...parts);
    this.pending.unshift(...parts);
  }

  /** Other reads from now on; nothing of the cycle may be under way. */
  replan(blocks: ActiveBlock[]): void {
    this.blocks = blocks;
    this.#recovering.clear();
  }

  /** A part that was refused has been read: the planned block is tried again with the next cycle, once none of its parts is refused. */
  recovers(origin: ActiveBlock): void {
    this.#recovering.add(origin);
  }

  #mend(origin: ActiveBlock): void {
    const parts = this.blocks.filter((block) => block.origin === origin);
    if (parts.length < 2 || parts.some(({ kind }) => kind === 'absent')) return;
    const first = this.blocks.indexOf(parts[0] as ActiveBlock);
    this.blocks = this.blocks.filter((block) => block.origin !== origin);
    this.blocks.splice(first, 0, origin);
    origin.answered();
  }
}
