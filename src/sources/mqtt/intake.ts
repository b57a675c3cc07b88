import { quality } from '../../core/quality.ts';
import type { SampleInlet } from '../../core/source.ts';
import { type EpochUnit, parseTimestamp } from '../../core/timestamp.ts';
import type { RateBound } from './rate-bound.ts';
import { type NumberStyle, parseTextNumber, sameUnit } from './text-number.ts';

/** A tag a topic gives. */
export interface Channel {
  readonly tag: number;
  readonly name: string;
  /** engineeringUnit of the tag. */
  readonly unit: string | undefined;
  /** Unit that came with the first value that had one, where the tag says none. */
  seenUnit: string | undefined;
}

export interface TimeRules {
  /** Whether the payload is expected to bring a time. */
  readonly expected: boolean;
  readonly unit: EpochUnit | undefined;
  readonly maxSkewMs: number;
  readonly otherwise: 'arrival' | 'reject';
}

/** What a message came to. */
export type Rejection =
  | { readonly kind: 'message' | 'part'; readonly reason: string }
  /** A broker hands out a retained message long after it was true: without a time of its own it is no new data. */
  | { readonly kind: 'retained'; readonly reason: string }
  /** The same message as the last one, time stamp and all. */
  | { readonly kind: 'repeated'; readonly reason: string }
  /** More than `maxRate` from one stretch of time. */
  | { readonly kind: 'flood'; readonly reason: string };

/** No device that measures now has a clock before it; a clock that was never set, or counts from the start of the device, does. */
const earliestMs = Date.UTC(2010, 0, 1);
/** A clock may be wrong; one that is wrong by more is none. */
const furthestAheadMs = 366 * 86_400_000;
const shown = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : `an ${Array.isArray(value) ? 'array' : 'object'}`;

/** Takes the values of one message after the other to the inlet, and keeps account of what could not be read. One for each topic; no I/O. */
export class Intake {
  readonly #time: TimeRules;
  readonly #style: NumberStyle;
  #inlet: SampleInlet | undefined;
  readonly bound: RateBound;
  #retained = false;
  /** Whether the message is one too many; undefined before its time is known. */
  #flood: boolean | undefined;
  #stamp: unknown;
  #isRetainedWithoutTime = false;
  #reason: string | undefined;
  #taken = 0;
  arrivalMs = 0;
  /** The message brought a time of its own. */
  hasOwnTime = false;
  /** Newest own time of this topic and when it came. */
  newestMs = Number.NEGATIVE_INFINITY;
  newestArrivalMs = Number.NEGATIVE_INFINITY;
  /** Messages whose time is no time of day, and the last of these. */
  notEpoch = 0;
  lastNotEpoch: unknown;
  /** Samples from clocks further ahead than `maxSkew`. */
  ahead = 0;

  constructor(time: TimeRules, style: NumberStyle, bound: RateBound) {
    this.#time = time;
    this.#style = style;
    this.bound = bound;
  }

  /** `stamp`: time that came beside the payload. */
  begin(inlet: SampleInlet, arrivalMs: number, retained: boolean, stamp?: string): void {
    this.#flood = undefined;
    this.#stamp = stamp;
    this.#inlet = inlet;
    this.arrivalMs = arrivalMs;
    this.#retained = retained;
    this.#isRetainedWithoutTime = false;
    this.#reason = undefined;
    this.#taken = 0;
    this.hasOwnTime = false;
  }

  end(): Rejection | undefined {
    if (this.#flood === true) return { kind: 'flood', reason: 'more messages than maxRate allows' };
    if (this.#reason !== undefined) return { kind: this.#taken === 0 ? 'message' : 'part', reason: this.#reason };
    return this.#isRetainedWithoutTime && this.#taken === 0 ? { kind: 'retained', reason: 'retained without a time stamp' } : undefined;
  }

  /** Something could not be read; the first of a message is told. */
  reject(reason: string): void {
    this.#reason ??= reason;
  }

  /** A time stamp as it stands in the payload → ms since the epoch; NaN when it is none. */
  stamp(raw: unknown): number {
    const ms = parseTimestamp(raw, this.#time.unit);
    if (Number.isNaN(ms)) return ms;
    // A gateway whose own clock was never set cannot say what is too far ahead.
    const isClock = ms >= earliestMs && (ms <= this.arrivalMs + furthestAheadMs || this.arrivalMs < earliestMs);
    if (!isClock) {
      this.notEpoch++;
      this.lastNotEpoch = raw;
      return Number.NaN;
    }
    this.hasOwnTime = true;
    if (ms > this.newestMs && ms <= this.arrivalMs + this.#time.maxSkewMs) {
      this.newestMs = ms;
      this.newestArrivalMs = this.arrivalMs;
    }
    return ms;
  }

  /** Time of a message or of a line of it; NaN: it has none and is left out. One of many lines has to bring its own. */
  timeOf(raw: unknown, isOneOfMany = false): number {
    const own = raw ?? this.#stamp;
    const ms = own === undefined ? Number.NaN : this.stamp(own);
    if (!Number.isNaN(ms)) return ms;
    if (this.#retained) this.#isRetainedWithoutTime = true;
    else if (this.#time.expected && (this.#time.otherwise === 'reject' || isOneOfMany)) this.reject('no readable time stamp');
    else return this.arrivalMs;
    return Number.NaN;
  }

  put(channel: Channel, timeMs: number, value: unknown): void {
    this.#flood ??= !this.bound.takes(timeMs, this.arrivalMs);
    if (this.#flood) return;
    let code: number = quality.good;
    let number = Number.NaN;
    if (typeof value === 'number') number = value;
    else if (typeof value === 'boolean') number = Number(value);
    else if (typeof value === 'string') {
      const read = parseTextNumber(value, this.#style);
      if (read === undefined) this.reject(`${shown(value)} is not a number`);
      else {
        number = read.value;
        if (read.unit !== undefined && !this.#fits(channel, read.unit)) code = quality.badConfigurationError;
      }
    } else if (value !== null) this.reject(`${channel.name}: ${shown(value)} is not a number`);
    if (!Number.isFinite(number)) code = quality.badNotAvailable;
    this.#taken++;
    if (timeMs > this.arrivalMs + this.#time.maxSkewMs) {
      this.ahead++;
      this.#inlet?.append(channel.tag, this.arrivalMs, number, quality.badClockSkew);
    } else this.#inlet?.append(channel.tag, timeMs, number, code);
  }

  /** What the clock of the device shows now, as far as it is known. */
  deviceMs(arrivalMs: number): number {
    return Number.isFinite(this.newestMs) ? this.newestMs + arrivalMs - this.newestArrivalMs : arrivalMs;
  }

  /** A value in another unit is another value. */
  #fits(channel: Channel, unit: string): boolean {
    const wanted = channel.unit ?? channel.seenUnit;
    if (wanted === undefined) channel.seenUnit = unit;
    else if (!sameUnit(unit, wanted)) {
      this.reject(
        `${channel.name} comes in ${unit}, ${channel.unit === undefined ? `before it came in ${wanted}; engineeringUnit says which is right` : `its engineeringUnit is ${wanted}`}`,
      );
      return false;
    }
    return true;
  }
}
