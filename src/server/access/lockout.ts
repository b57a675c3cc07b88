import type { Clock } from '../../core/clock.ts';

const freeFailures = 5;
const firstLockMs = 30_000;
const longestLockMs = 900_000;
const forgottenMs = 3_600_000;
const knownBound = 10_000;

interface Failures {
  count: number;
  lastMs: number;
  lockedUntilMs: number;
}

/** Slows down who guesses: after five failures in a row a name, or an address, waits half a minute, then twice as long, 15 minutes at most (IEC 62443-4-2 CR 1.11). */
export class Lockout {
  readonly #clock: Clock;
  readonly #failures = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long to wait yet, ms; 0: may try. */
  waitMs(...keys: readonly string[]): number {
    const nowMs = this.#clock.monotonicMs();
    return Math.max(0, ...keys.map((key) => (this.#failures.get(key)?.lockedUntilMs ?? 0) - nowMs));
  }

  failed(...keys: readonly string[]): void {
    const nowMs = this.#clock.monotonicMs();
    for (const key of keys) {
      const known = this.#failures.get(key);
      const failures = known !== undefined && nowMs - known.lastMs < forgottenMs ? known : { count: 0, lastMs: nowMs, lockedUntilMs: 0 };
      failures.count++;
      failures.lastMs = nowMs;
      if (failures.count >= freeFailures)
        failures.lockedUntilMs = nowMs + Math.min(longestLockMs, firstLockMs * 2 ** (failures.count - freeFailures));
      this.#failures.delete(key);
      this.#failures.set(key, failures);
    }
    // The oldest go first: whoever floods with names forgets the own ones.
    for (const key of this.#failures.keys()) {
      if (this.#failures.size <= knownBound) break;
      this.#failures.delete(key);
    }
  }

  succeeded(...keys: readonly string[]): void {
    for (const key of keys) this.#failures.delete(key);
  }
}
