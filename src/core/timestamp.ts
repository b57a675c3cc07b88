export type EpochUnit = 's' | 'ms' | 'us' | 'ns';

const perMs: Record<EpochUnit, number> = { s: 1000, ms: 1, us: 1e-3, ns: 1e-6 };
const isoPattern = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?$/;

/**
 * A time stamp as plants write it → ms since the epoch; NaN when it is none. A number's unit is told by its size (the
 * years 1973 to 5138 in each unit do not overlap); ISO 8601 without a zone is UTC.
 */
export function parseTimestamp(value: unknown, unit?: EpochUnit): number {
  if (typeof value === 'number') {
    if (unit !== undefined) return value * perMs[unit];
    const size = Math.abs(value);
    if (size < 1e11) return value * 1000;
    if (size < 1e14) return value;
    if (size < 1e17) return value / 1000;
    return value / 1e6;
  }
  if (typeof value !== 'string') return Number.NaN;
  const iso = isoPattern.exec(value);
  if (iso !== null && !isDay(value)) return Number.NaN;
  if (iso !== null)
    return Date.parse(
      iso[1] === undefined ? `${value.includes(':') ? value.replace(' ', 'T') : `${value}T00:00`}Z` : value.replace(' ', 'T'),
    );
  return /^\d+(?:\.\d+)?$/.test(value) ? parseTimestamp(Number(value), unit) : Number.NaN;
}

/** Date.parse makes the 2nd of March of a 30th of February. */
function isDay(iso: string): boolean {
  const day = Number(iso.slice(8, 10));
  return day <= 28 || day <= new Date(Date.UTC(2000 + (Number(iso.slice(0, 4)) % 400), Number(iso.slice(5, 7)), 0)).getUTCDate();
}
