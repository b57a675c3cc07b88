import type { Run } from './verdict-series.ts';

/** A picture is this many units wide; the page stretches it to the window. */
export const pictureWidth = 1000;
/** Columns a curve is drawn in: about one a pixel of a wide window. */
const pathColumns = 1200;

/** Time span → units from the left. */
export type TimeScale = (timeMs: number) => number;

export const timeScale = (fromMs: number, toMs: number): TimeScale => {
  const span = Math.max(1, toMs - fromMs);
  return (timeMs) => ((timeMs - fromMs) / span) * pictureWidth;
};

/**
 * SVG path of a curve. Of the rows in one column of pixels, the first, the smallest, the largest and the last stay, in their order (M4 of Jugel et al.,
 * PVLDB 7(10), 2014): the picture is the same, and no spike is lost. The curve is broken at NaN and where two rows are further apart than `gapMs`.
 */
export function curvePath(timeMs: Float64Array, values: Float64Array, x: TimeScale, y: (value: number) => number, gapMs: number): string {
  const parts: string[] = [];
  for (const { first, last } of stretches(timeMs, values, gapMs)) {
    const points = Array.from(
      kept(timeMs, values, x, first, last),
      (i) => `${short(x(timeMs[i] as number))} ${short(y(values[i] as number))}`,
    );
    // A row alone between two gaps is a dot: a line of no length with round ends.
    parts.push(`M${points.join('L')}${points.length === 1 ? 'h0' : ''}`);
  }
  return parts.join('');
}

/** Rows without a gap between them. */
function* stretches(timeMs: Float64Array, values: Float64Array, gapMs: number): Generator<Run> {
  const usable = (i: number): boolean => i < values.length && !Number.isNaN(values[i]);
  for (let i = 0; i < values.length; i++) {
    if (!usable(i)) continue;
    const first = i;
    while (usable(i + 1) && (timeMs[i + 1] as number) - (timeMs[i] as number) <= gapMs) i++;
    yield { first, last: i };
  }
}

/** The rows of a stretch that are drawn. */
function* kept(timeMs: Float64Array, values: Float64Array, x: TimeScale, first: number, last: number): Generator<number> {
  const column = (i: number): number => Math.floor((x(timeMs[i] as number) / pictureWidth) * pathColumns);
  for (let i = first; i <= last; ) {
    const at = column(i);
    let low = i;
    let high = i;
    let j = i;
    for (; j <= last && column(j) === at; j++) {
      if ((values[j] as number) < (values[low] as number)) low = j;
      if ((values[j] as number) > (values[high] as number)) high = j;
    }
    yield* new Set([i, Math.min(low, high), Math.max(low, high), j - 1]);
    i = j;
  }
}

/** Mean of the values in each of `columns` equal spans of time, NaN where there is none: what the page shows under the pointer. */
export function columnMeans(timeMs: Float64Array, values: Float64Array, x: TimeScale, columns: number): Float64Array {
  const sums = new Float64Array(columns);
  const counts = new Float64Array(columns);
  values.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    const column = Math.min(columns - 1, Math.floor((x(timeMs[i] as number) / pictureWidth) * columns));
    sums[column] = (sums[column] as number) + value;
    counts[column] = (counts[column] as number) + 1;
  });
  return sums.map((sum, column) => sum / (counts[column] as number));
}

/** Two decimals are finer than a pixel. */
export const short = (value: number): string => String(Math.round(value * 100) / 100);
