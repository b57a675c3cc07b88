import { quality } from './quality.ts';
import { parseTimestamp } from './timestamp.ts';

/** One sample as a program sends it. */
export interface SentSample {
  readonly tag: string;
  /** Null: there is none; the sample is bad. */
  readonly value: number | boolean | null;
  /** ms since the epoch or ISO 8601; the arrival when absent. */
  readonly time?: string | number | undefined;
  readonly quality?: 'good' | 'uncertain' | 'bad' | undefined;
}

const codes = { good: quality.good, uncertain: quality.uncertainLastUsableValue, bad: quality.badSensorFailure } as const;

/** Event time (NaN where it is no time), value and quality code. A time further ahead of the arrival than `maxSkewMs` is a wrong clock: the sample is kept as bad, at its arrival. */
export function rowOfSample(
  { value, time, quality: said = 'good' }: SentSample,
  arrivalMs: number,
  maxSkewMs: number,
): readonly [timeMs: number, value: number, quality: number] {
  const timeMs = time === undefined ? arrivalMs : parseTimestamp(time);
  const number = value === null ? Number.NaN : Number(value);
  if (timeMs > arrivalMs + maxSkewMs) return [arrivalMs, number, quality.badClockSkew];
  return [timeMs, number, Number.isFinite(number) ? codes[said] : quality.badNotAvailable];
}
