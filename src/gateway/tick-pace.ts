/** Samples a millisecond above which windows wait for company: below it a run of one is over before the next is due. */
const denseSamplesPerMs = 40;
const restMs = 2;
/** Input comes in bursts: a rate is what arrived over this long. */
const measuredMs = 20;

/**
 * When the next tick begins. At once at ordinary rates: an alarm must not wait. Where input is dense, ticks keep a distance, so that windows meet in one
 * run and a commit's work is done once: a run of one window costs nearly as much as one of sixteen.
 */
export class TickPace {
  #beganMs = Number.NEGATIVE_INFINITY;
  #measuredFromMs = Number.NEGATIVE_INFINITY;
  #samples = 0;
  #dense = false;

  began(nowMs: number, samples: number): void {
    this.#beganMs = nowMs;
    const elapsedMs = nowMs - this.#measuredFromMs;
    if (elapsedMs >= measuredMs) {
      this.#dense = this.#samples > denseSamplesPerMs * elapsedMs;
      this.#measuredFromMs = nowMs;
      this.#samples = 0;
    }
    this.#samples += samples;
  }

  /** Milliseconds to wait; 0: not at all. */
  waitMs(nowMs: number): number {
    return this.#dense ? Math.max(0, this.#beganMs + restMs - nowMs) : 0;
  }
}
