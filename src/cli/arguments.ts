import { InvalidArgumentError } from 'commander';
import { parseDurationMs, parseTimesADay } from '../core/duration.ts';
import { parseTimestamp } from '../core/timestamp.ts';

/** What several commands take as an argument; each throws InvalidArgumentError with an example. */

export function duration(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined || ms <= 0) throw new InvalidArgumentError('write for example 100ms, 1s, 3m');
  return ms;
}

export function positive(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('must be a whole number above 0');
  return number;
}

export function share(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !(number >= 0 && number <= 1)) throw new InvalidArgumentError('must be a number from 0 to 1');
  return number;
}

/** "a, b" → ["a", "b"] */
export const list = (text: string): string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** "1/week" → times a day */
export function timesADay(text: string): number {
  const times = parseTimesADay(text);
  if (times === undefined) throw new InvalidArgumentError('write for example 1/week or 2/day');
  return times;
}

/** ISO 8601 or epoch → ms since the epoch */
export function time(text: string): number {
  const ms = parseTimestamp(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('write for example 2026-03-01 or 2026-03-01T06:00:00Z');
  return ms;
}
