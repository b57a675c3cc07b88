import type { FettleError } from '../../core/errors.ts';
import type { PollRead } from './point.ts';

/** A read and when it is next due (wall time). */
export interface ScheduledRead extends PollRead {
  dueMs: number;
  underWay: boolean;
  /** Since when the device refuses it (monotonic); and why. */
  quarantined: number | undefined;
  problem: FettleError | undefined;
  badGivenMs: number;
}

const jitterKept = 512;

/**
 * Which read comes next: of those that are due the one with the earliest deadline. Cycles lie at multiples of their period since the epoch, so that devices are asked in
 * phase; a cycle that could not begin before the next one is skipped and counted, never piled up.
 */
export class Schedule {
  reads: ScheduledRead[];
  lateCycles = 0;
  readonly #jitterMs = new Float64Array(jitterKept);
  #jitters = 0;

  constructor(reads: readonly PollRead[]) {
    this.reads = reads.map((read) => scheduled(read, 0));
  }

  begin(nowMs: number): void {
    for (const read of this.reads) read.dueMs = nextCycle(nowMs, read.pollMs);
  }

  /** The read to send now; undefined when none is due. */
  take(nowMs: number): ScheduledRead | undefined {
    let best: ScheduledRead | undefined;
    for (const read of this.reads) {
      if (read.underWay) continue;
      // The clock was set back: the cycles are those of the new time.
      if (read.dueMs > nowMs + read.pollMs * 2) read.dueMs = nextCycle(nowMs, read.pollMs);
      if (read.dueMs <= nowMs && (best === undefined || read.dueMs + read.pollMs < best.dueMs + best.pollMs)) best = read;
    }
    if (best !== undefined) {
      best.underWay = true;
      this.#jitterMs[this.#jitters++ % jitterKept] = nowMs - best.dueMs;
    }
    return best;
  }

  done(read: ScheduledRead, nowMs: number): void {
    read.underWay = false;
    const next = nextCycle(Math.max(nowMs, read.dueMs), read.pollMs);
    const following = (Math.floor(read.dueMs / read.pollMs) + 1) * read.pollMs;
    this.lateCycles += Math.round((Math.max(next, following) - following) / read.pollMs);
    read.dueMs = Math.max(next, following);
  }

  nextDueMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { dueMs, underWay } of this.reads) if (!underWay && dueMs < next) next = dueMs;
    return next;
  }

  /** Puts parts in the place of a read that the device refuses; they are asked for at once. */
  replace(read: ScheduledRead, parts: readonly PollRead[], nowMs: number): void {
    this.reads = this.reads.flatMap((other) => (other === read ? parts.map((part) => scheduled(part, nowMs)) : [other]));
  }

  /** How late the last requests went out, ms. */
  jitter(): { jitterP50Ms: number; jitterP99Ms: number } {
    const sorted = this.#jitterMs.slice(0, Math.min(this.#jitters, jitterKept)).sort();
    const at = (p: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? 0;
    return { jitterP50Ms: at(0.5), jitterP99Ms: at(0.99) };
  }
}

const scheduled = (read: PollRead, dueMs: number): ScheduledRead => ({
  ...read,
  dueMs,
  underWay: false,
  quarantined: undefined,
  problem: undefined,
  badGivenMs: Number.NEGATIVE_INFINITY,
});

const nextCycle = (nowMs: number, pollMs: number): number => Math.ceil(nowMs / pollMs) * pollMs;
