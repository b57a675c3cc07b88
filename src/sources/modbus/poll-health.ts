import type { PollStatus } from '../../core/source.ts';
import { Histogram } from './histogram.ts';

/** So many polls, the newest, count for how it goes now. */
const remembered = 100;

/** How the polls of one unit go, for status pages. */
export class PollHealth {
  readonly jitter = new Histogram();
  readonly periodMs: number;
  answered = 0;
  failed = 0;
  /** Not begun, because the one before, or the gateway, was not done. */
  leftOut = 0;
  #share = 1;

  constructor(periodMs: number) {
    this.periodMs = periodMs;
  }

  /** A read that was due brought values, or did not. */
  took(isAnswered: boolean): void {
    if (isAnswered) this.answered++;
    else this.failed++;
    const known = Math.min(this.answered + this.failed, remembered);
    this.#share += (Number(isAnswered) - this.#share) / known;
  }

  status(): PollStatus {
    const { periodMs, answered, failed, leftOut, jitter } = this;
    return {
      periodMs,
      answered,
      failed,
      leftOut,
      answeredShare: this.#share,
      jitterMs: { p50: jitter.quantile(0.5), p99: jitter.quantile(0.99) },
    };
  }
}
