import { FettleError, isRetriable } from './errors.ts';

export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** Seedable, in [0, 1). */
  readonly random?: () => number;
}

/** Exponential back-off with full jitter (AWS Architecture Blog, 2015), which a server's Retry-After overrides. */
export class Backoff {
  readonly #options: BackoffOptions;
  attempts = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** The next wait in milliseconds. */
  next(error?: unknown): number {
    const { baseMs, maxMs, random = Math.random } = this.#options;
    const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(this.attempts++, 30));
    if (error instanceof FettleError && error.retryAfterMs !== undefined) return error.retryAfterMs;
    if (error !== undefined && !isRetriable(error)) return maxMs;
    return ceiling / 2 + (random() * ceiling) / 2;
  }

  reset(): void {
    this.attempts = 0;
  }
}
