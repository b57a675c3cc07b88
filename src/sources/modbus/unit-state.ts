import { Backoff } from '../../core/backoff.ts';

const firstProbeMs = 1_000;
const longestProbeMs = 60_000;

/** How a unit fares. After a failure it is left alone but for a probe now and then, so that a dead unit costs the others one time-out a probe. */
export class UnitState {
  readonly unit: number;
  readonly #backoff: Backoff;
  failed = false;
  /** Unanswered requests in a row. */
  timeouts = 0;
  /** While failed: when the next probe may go out (monotonic). */
  probeMs = 0;
  lastError: string | undefined;
  hint: string | undefined;
  lastGoodMs: number | undefined;

  constructor(unit: number, random: () => number) {
    this.unit = unit;
    this.#backoff = new Backoff({ baseMs: firstProbeMs, maxMs: longestProbeMs, random });
  }

  mayAsk(monotonicMs: number): boolean {
    return !this.failed || monotonicMs >= this.probeMs;
  }

  good(wallMs: number): void {
    this.failed = false;
    this.timeouts = 0;
    this.lastError = undefined;
    this.hint = undefined;
    this.lastGoodMs = wallMs;
    this.#backoff.reset();
  }

  bad(monotonicMs: number, message: string, hint: string | undefined): void {
    this.failed = true;
    this.probeMs = monotonicMs + this.#backoff.next();
    this.lastError = message;
    this.hint = hint;
  }
}
