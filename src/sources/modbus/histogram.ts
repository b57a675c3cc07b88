/** Upper ends of the buckets, ms. */
const bounds = [1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 2000, 5000, 10_000, 60_000];

/** Counts of durations in fixed buckets, halved now and then so that old ones fade. Nothing is allocated after the start. */
export class Histogram {
  readonly #counts = new Float64Array(bounds.length + 1);
  #total = 0;

  add(ms: number): void {
    let bucket = 0;
    while (bucket < bounds.length && ms > (bounds[bucket] as number)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    if (++this.#total < 100_000) return;
    this.#total = 0;
    for (let i = 0; i < this.#counts.length; i++) {
      this.#counts[i] = (this.#counts[i] as number) / 2;
      this.#total += this.#counts[i] as number;
    }
  }

  /** Upper end of the bucket that holds the quantile, a minute for anything longer; 0 while empty. */
  quantile(share: number): number {
    let left = this.#total * share;
    if (left === 0) return 0;
    for (let bucket = 0; bucket < bounds.length; bucket++) {
      left -= this.#counts[bucket] as number;
      if (left <= 0) return bounds[bucket] as number;
    }
    return bounds.at(-1) as number;
  }
}
