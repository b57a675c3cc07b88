import { type ModbusTagConfig, typeOf } from './tag-config.ts';
import { integerRange, isInteger } from './value-type.ts';

/** A raw value that counts up and begins anew at its end → by how much it rose, a second. */
export class Counter {
  /** Values there are: it begins anew behind the last. */
  readonly #size: number;
  readonly #scale: number;
  #last = Number.NaN;
  #lastMs = 0;

  constructor(size: number, scale: number) {
    this.#size = size;
    this.#scale = scale;
  }

  static of(tag: ModbusTagConfig): Counter {
    const type = typeOf(tag);
    const size = isInteger(type) ? integerRange(type)[1] + 1 : type === 'bcd16' ? 1e4 : 1e8;
    return new Counter(size, tag.scale ?? 1);
  }

  /** NaN for the first value, and for one that fell by more than a rollover explains: the device was set back. */
  next(raw: number, timeMs: number): number {
    const [last, lastMs] = [this.#last, this.#lastMs];
    this.#last = raw;
    this.#lastMs = timeMs;
    if (!Number.isFinite(raw) || !Number.isFinite(last) || timeMs <= lastMs) return Number.NaN;
    const risen = raw >= last ? raw - last : raw - last + this.#size;
    // From the upper quarter to the lower one is its end; anything else a reset.
    if (raw < last && (last < 0.75 * this.#size || raw > 0.25 * this.#size)) return Number.NaN;
    return (risen * this.#scale * 1000) / (timeMs - lastMs);
  }
}
