import { locale } from './language.ts';

/** In the reader's language and time zone. */
const time = (ms: number, options: Intl.DateTimeFormatOptions): string => new Intl.DateTimeFormat(locale(), options).format(new Date(ms));

export const clock = (ms: number): string => time(ms, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
export const moment = (ms: number): string => time(ms, { dateStyle: 'short', timeStyle: 'medium' });
/** Time of today, day and time of other days. */
export const when = (ms: number): string => (new Date(ms).toDateString() === new Date().toDateString() ? clock(ms) : moment(ms));

/** As many digits as a person reads off. */
export function number(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  return new Intl.NumberFormat(locale(), { maximumSignificantDigits: digits }).format(value);
}

export const withUnit = (value: number | null | undefined, unit: string | null | undefined): string =>
  value === null || value === undefined ? '–' : `${number(value)}${unit ? ` ${unit}` : ''}`;

export const count = (value: number): string => new Intl.NumberFormat(locale(), { maximumFractionDigits: 0 }).format(value);
export const percent = (share: number): string =>
  new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: 1 }).format(share);

const spans: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
];

/** "3 h 12 min", "41 s": the two largest units. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  const at = spans.findIndex(([span]) => ms >= span);
  if (at < 0) return `${Math.max(0, Math.round(ms / 100) / 10)} s`;
  const [span, unit] = spans[at] as (typeof spans)[number];
  const whole = Math.floor(ms / span);
  const next = spans[at + 1];
  const rest = next === undefined || whole >= 10 ? 0 : Math.floor((ms - whole * span) / next[0]);
  return rest === 0 || next === undefined ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${next[1]}`;
}

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const at = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return `${number(value / 1000 ** at, 3)} ${units[at]}`;
}

/** Last level of a tag or asset. */
export const leaf = (name: string): string => name.slice(name.lastIndexOf('/') + 1);
