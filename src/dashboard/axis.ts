import type { Words } from './words.ts';

/** Powers of ten from `min` to `max` (both above 0), evenly thinned out to `most`; 1 stays as long as it is between them. */
export function decades(min: number, max: number, most: number): number[] {
  const first = Math.ceil(Math.log10(min) - 1e-9);
  const last = Math.floor(Math.log10(max) + 1e-9);
  const every = Math.max(1, Math.ceil((last - first + 1) / Math.max(1, most)));
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i)
    .filter((exponent) => exponent % every === 0)
    .map((exponent) => Number(`1e${exponent}`));
}

/** What stands beside the ticks of an axis; nothing beside one that is to stay empty (null). `increment`: their distance, absent where it differs. */
export function valueTexts(ticks: readonly (number | null)[], locale: string, increment?: number): string[] {
  const format = new Intl.NumberFormat(
    locale,
    increment === undefined ? { maximumSignificantDigits: 4 } : { maximumFractionDigits: decimalsOf(increment) },
  );
  return ticks.map((value) => (value === null ? '' : format.format(value)));
}

function decimalsOf(increment: number): number {
  for (let decimals = 0; decimals < 12; decimals++) {
    const scaled = increment * 10 ** decimals;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return decimals;
  }
  return 12;
}

const dayMs = 86_400_000;

/** Times as short as the distance between them allows; the day where it is another one than at the tick before. */
export function timeTexts(ticks: readonly number[], words: Words): string[] {
  const distance = (ticks[1] ?? 0) - (ticks[0] ?? 0);
  const day = (ms: number): string => words.time(ms, { day: 'numeric', month: 'short' });
  if (distance >= dayMs) return ticks.map(day);
  const clock: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', ...(distance < 60_000 && { second: '2-digit' }) };
  return ticks.map((ms, i) => {
    const before = ticks[i - 1];
    const isNewDay = before !== undefined && day(before) !== day(ms);
    return isNewDay ? `${day(ms)} ${words.time(ms, clock)}` : words.time(ms, clock);
  });
}
