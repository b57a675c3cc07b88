import { quality } from '../../core/quality.ts';
import type { SampleInlet } from '../../core/source.ts';
import type { ModbusCounters } from './counters.ts';
import type { Block } from './plan.ts';
import type { Point } from './point.ts';

/** Replies, and failures, → samples. Allocates nothing. */
export class SampleWriter {
  readonly #inlet: SampleInlet;
  readonly #counters: ModbusCounters;

  constructor(inlet: SampleInlet, counters: ModbusCounters) {
    this.#inlet = inlet;
    this.#counters = counters;
  }

  /** Every value of a reply; what the device does not have, NaN or an infinity is bad. */
  reply({ points, address }: Block<Point>, data: Buffer, timeMs: number): void {
    let absent = 0;
    for (let i = 0; i < points.length; i++) {
      const point = points[i] as Point;
      const decoded = point.decode(data, point.address - address);
      const value = point.counter === undefined ? decoded : point.counter.next(decoded, timeMs);
      if (Number.isFinite(value)) this.#inlet.append(point.tag, timeMs, value, quality.good);
      else {
        this.#inlet.append(point.tag, timeMs, Number.NaN, quality.badNotAvailable);
        absent++;
      }
    }
    this.#counters.samples += points.length - absent;
    this.#counters.badSamples += absent;
  }

  /** One bad sample a tag in place of the values a read did not bring. */
  bad({ points }: Block<Point>, timeMs: number, code: number): void {
    for (let i = 0; i < points.length; i++) this.#inlet.append((points[i] as Point).tag, timeMs, Number.NaN, code);
    this.#counters.badSamples += points.length;
  }
}
