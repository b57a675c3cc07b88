/** Null: the line ends here; undefined: it goes on across. */
export type LineValues = readonly (number | null | undefined)[];

/** Places after its last value at which a line is still read off there. */
const reach = 3;

/** A channel that speaks less often than the step has no value in most of them: the line goes on across such places. Where it was away for long, or `isBroken`, it ends. */
export function bridged(values: readonly (number | null)[], isBroken: (place: number) => boolean = () => false): LineValues {
  const known = values.flatMap((value, i) => (value === null ? [] : [i]));
  const distances = known
    .slice(1)
    .map((at, i) => at - (known[i] as number))
    .sort((a, b) => a - b);
  const usual = distances[Math.floor(distances.length / 2)] ?? 1;
  const longest = Math.max(3, 4 * usual);
  const result: (number | null | undefined)[] = values.map((value, place) => value ?? (isBroken(place) ? null : undefined));
  known.slice(1).forEach((at, i) => {
    const before = known[i] as number;
    if (at - before > longest) result[before + 1] = null;
  });
  return result;
}

/** What a line shows at a place: its own value or, where it goes on across, the one before; null where there is no line. */
export function valueAt(values: LineValues, place: number): number | null {
  let before = place;
  while (before >= 0 && values[before] === undefined) before--;
  let after = place;
  while (after < values.length && values[after] === undefined) after++;
  const value = values[before];
  if (typeof value !== 'number') return null;
  return typeof values[after] === 'number' || place - before <= reach ? value : null;
}

export const isEmpty = (values: LineValues): boolean => !values.some((value) => typeof value === 'number');

/** The place of a moment on the time axis; the nearest of `timeMs`, which ascends evenly. */
export function placeOf(timeMs: readonly number[], ms: number, stepMs: number): number {
  const place = Math.round((ms - (timeMs[0] ?? 0)) / stepMs);
  return Math.max(0, Math.min(timeMs.length - 1, place));
}

/** Spans that cover any part of a step. `toMs` null: to the end. */
export const spansAt = <Span extends { readonly fromMs: number; readonly toMs: number | null }>(
  spans: readonly Span[],
  ms: number,
  stepMs: number,
): Span[] => spans.filter(({ fromMs, toMs }) => fromMs < ms + stepMs && (toMs === null || toMs > ms));
