import type { WindowBatch } from '../core/window.ts';
import type { Baseline } from './baseline.ts';

/** The last rows of one asset as its model is to see them, `[length, channels]`: without the slow part, oldest first. */
export class RowWindow {
  readonly #length: number;
  readonly #channels: number;
  /** A ring of rows, corrected, and as they came (NaN: out). */
  readonly #corrected: Float64Array;
  readonly #usable: Float64Array;
  #at = 0;
  #filled = 0;

  constructor(length: number, channels: number) {
    this.#length = length;
    this.#channels = channels;
    this.#corrected = new Float64Array(length * channels);
    this.#usable = new Float64Array(length * channels);
  }

  get isFull(): boolean {
    return this.#filled >= this.#length;
  }

  /** What is in it does not belong to what comes. */
  empty(): void {
    this.#filled = 0;
  }

  /** A value of the row that `next` ends; `usable`: NaN where the channel is out. */
  set(c: number, corrected: number, usable: number): void {
    const to = this.#at * this.#channels + c;
    this.#corrected[to] = corrected;
    this.#usable[to] = usable;
  }

  next(): void {
    this.#at = (this.#at + 1) % this.#length;
    this.#filled++;
  }

  /** The level is known by now: its rows were corrected by what was known before. */
  correctAnew(baseline: Baseline): void {
    this.#usable.forEach((value, at) => {
      this.#corrected[at] = baseline.corrected(at % this.#channels, value);
    });
  }

  copyTo({ values }: Pick<WindowBatch, 'values'>, to: number): void {
    const oldest = this.#at * this.#channels;
    for (let i = 0; i < this.#corrected.length; i++) values[to + i] = this.#corrected[(oldest + i) % this.#corrected.length] as number;
  }

  save(): SavedWindow {
    return {
      ring: [...this.#corrected],
      usable: Array.from(this.#usable, (value) => (Number.isNaN(value) ? null : value)),
      filled: this.#filled,
      at: this.#at,
    };
  }

  restore({ ring, usable = [], filled, at }: SavedWindow): void {
    this.#corrected.set(ring);
    this.#usable.set(usable.map((value) => value ?? Number.NaN));
    this.#filled = filled;
    this.#at = at;
  }
}

export interface SavedWindow {
  readonly ring: readonly number[];
  /** Absent in what earlier versions kept. */
  readonly usable?: readonly (number | null)[];
  readonly filled: number;
  readonly at: number;
}
