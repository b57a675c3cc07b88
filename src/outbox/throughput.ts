const secondsKept = 10;

/** Points a second over the last ten seconds, in one-second bins. */
export class Throughput {
  readonly #bins = new Float64Array(secondsKept);
  #second = Number.NEGATIVE_INFINITY;
  #firstMs: number | undefined;

  add(points: number, nowMs: number): void {
    this.#firstMs ??= nowMs;
    const second = this.#moveTo(nowMs);
    this.#bins[second % secondsKept] = (this.#bins[second % secondsKept] as number) + points;
  }

  perSecond(nowMs: number): number {
    if (this.#firstMs === undefined) return 0;
    this.#moveTo(nowMs);
    const span = Math.min(secondsKept - 1 + (nowMs / 1000 - this.#second), (nowMs - this.#firstMs) / 1000);
    return this.#bins.reduce((sum, points) => sum + points, 0) / Math.max(1, span);
  }

  #moveTo(nowMs: number): number {
    const second = Math.floor(nowMs / 1000);
    for (let empty = Math.max(this.#second + 1, second - secondsKept + 1); empty <= second; empty++) this.#bins[empty % secondsKept] = 0;
    this.#second = Math.max(this.#second, second);
    return second;
  }
}
