/**
 * Event-time progress of one asset: the minimum over its sources of the newest event time, less the allowed lateness. A source that is connected, caught up and
 * silent is idle and does not count until it speaks again.
 */
export class Watermark {
  readonly #sources: readonly number[];
  readonly #newestMs: Float64Array;
  readonly #idle: Uint8Array;
  readonly #latenessMs: number;
  /** No sample before this time is expected any more; -Infinity until every source has spoken or is idle. */
  timeMs = Number.NEGATIVE_INFINITY;

  constructor(sources: readonly number[], latenessMs: number) {
    this.#sources = sources;
    this.#newestMs = new Float64Array(sources.length).fill(Number.NEGATIVE_INFINITY);
    this.#idle = new Uint8Array(sources.length);
    this.#latenessMs = latenessMs;
  }

  /** Position of a source within this asset, for `advance`. */
  slotOf(source: number): number {
    return this.#sources.indexOf(source);
  }

  /** The source has reached `timeMs`. Returns true when the watermark moved. */
  advance(slot: number, timeMs: number): boolean {
    this.#idle[slot] = 0;
    if (timeMs <= (this.#newestMs[slot] as number)) return false;
    this.#newestMs[slot] = timeMs;
    return this.#recompute();
  }

  /** The source has nothing to say. Returns true when the watermark moved. */
  idle(source: number): boolean {
    const slot = this.slotOf(source);
    if (slot < 0) return false;
    this.#idle[slot] = 1;
    return this.#recompute();
  }

  /** The clock passed `timeMs` while every source was idle; a source whose stamps lag takes its lag along. Returns true when the watermark moved. */
  clock(timeMs: number, lags: ReadonlyMap<number, number>): boolean {
    if (this.#idle.includes(0)) return false;
    const lag = Math.max(...this.#sources.map((source) => lags.get(source) ?? 0));
    return this.#raise(timeMs - lag - this.#latenessMs);
  }

  save(): { timeMs: number | null; newestMs: (number | null)[]; idle: number[] } {
    const finite = (ms: number): number | null => (Number.isFinite(ms) ? ms : null);
    return { timeMs: finite(this.timeMs), newestMs: [...this.#newestMs].map(finite), idle: [...this.#idle] };
  }

  restore(saved: ReturnType<Watermark['save']>): void {
    this.timeMs = saved.timeMs ?? Number.NEGATIVE_INFINITY;
    saved.newestMs.forEach((ms, slot) => {
      this.#newestMs[slot] = ms ?? Number.NEGATIVE_INFINITY;
    });
    this.#idle.set(saved.idle);
  }

  #recompute(): boolean {
    let low = Number.POSITIVE_INFINITY;
    for (let slot = 0; slot < this.#newestMs.length; slot++) {
      if (this.#idle[slot] === 1) continue;
      const newest = this.#newestMs[slot] as number;
      if (newest < low) low = newest;
    }
    return low !== Number.POSITIVE_INFINITY && this.#raise(low - this.#latenessMs);
  }

  #raise(timeMs: number): boolean {
    if (timeMs <= this.timeMs) return false;
    this.timeMs = timeMs;
    return true;
  }
}
