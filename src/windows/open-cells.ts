/**
 * The steps the watermark has not passed yet: a ring of cells, `[step, column]`. A cell keeps sum and count for the mean, and the
 * newest usable sample. It grows by doubling to a bound; beyond it the oldest steps must be closed first.
 */
export class OpenCells {
  readonly #columns: number;
  readonly #maxSteps: number;
  #steps: number;
  sum: Float64Array;
  count: Uint32Array;
  lastMs: Float64Array;
  lastValue: Float64Array;
  /** Quality code of a bad sample newer than any usable one in the cell, else 0. */
  bad: Uint8Array;

  /** `steps` is a power of two. */
  constructor(columns: number, maxSteps: number, steps = 8) {
    this.#columns = columns;
    this.#maxSteps = maxSteps;
    this.#steps = steps;
    const cells = steps * columns;
    this.sum = new Float64Array(cells);
    this.count = new Uint32Array(cells);
    this.lastMs = new Float64Array(cells).fill(Number.NEGATIVE_INFINITY);
    this.lastValue = new Float64Array(cells);
    this.bad = new Uint8Array(cells);
  }

  /** How many steps are open at once. */
  get steps(): number {
    return this.#steps;
  }

  /** Index of the first cell of an absolute step. */
  offset(step: number): number {
    // `&` takes a step modulo 2^32, of which the ring's size (a power of two) is a divisor: right for fine grids too.
    return (step & (this.#steps - 1)) * this.#columns;
  }

  /** Makes room for `span` steps from `firstStep` on; false when that is more than the bound. */
  reserve(firstStep: number, span: number): boolean {
    if (span <= this.#steps) return true;
    if (span > this.#maxSteps) return false;
    let steps = this.#steps;
    while (steps < span) steps *= 2;
    const next = new OpenCells(this.#columns, this.#maxSteps, steps);
    for (let step = firstStep; step < firstStep + this.#steps; step++) {
      const from = this.offset(step);
      const to = next.offset(step);
      for (let column = 0; column < this.#columns; column++) {
        next.sum[to + column] = this.sum[from + column] as number;
        next.count[to + column] = this.count[from + column] as number;
        next.lastMs[to + column] = this.lastMs[from + column] as number;
        next.lastValue[to + column] = this.lastValue[from + column] as number;
        next.bad[to + column] = this.bad[from + column] as number;
      }
    }
    this.#steps = steps;
    this.sum = next.sum;
    this.count = next.count;
    this.lastMs = next.lastMs;
    this.lastValue = next.lastValue;
    this.bad = next.bad;
    return true;
  }

  /** Empties the cells of a step. */
  clear(step: number): void {
    const from = this.offset(step);
    const to = from + this.#columns;
    this.sum.fill(0, from, to);
    this.count.fill(0, from, to);
    this.lastMs.fill(Number.NEGATIVE_INFINITY, from, to);
    this.lastValue.fill(0, from, to);
    this.bad.fill(0, from, to);
  }
}
