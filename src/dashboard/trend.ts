import type { AssetChart } from '../charts/asset-chart.ts';

/** Score over limit at a moment. */
export interface Point {
  readonly atMs: number;
  readonly ratio: number;
}

export const trendMs = 300_000;
export const trendPoints = 240;
const stepMs = trendMs / trendPoints;
const stepOf = ({ atMs }: Point): number => Math.floor(atMs / stepMs);

/** With a point that came after the others: of one step the highest is kept, and nothing older than the trend is long. */
export function trendWith(points: readonly Point[], point: Point): readonly Point[] {
  const last = points.at(-1);
  const kept = last !== undefined && stepOf(last) === stepOf(point) ? points.slice(0, -1) : points;
  const highest = kept === points || last === undefined ? point : { atMs: point.atMs, ratio: Math.max(last.ratio, point.ratio) };
  return [...kept.filter(({ atMs }) => atMs > point.atMs - trendMs), highest];
}

/** What the history had before the page began to listen, and then what it heard. */
export function trendBefore({ score, timeMs }: Pick<AssetChart, 'score' | 'timeMs'>, heard: readonly Point[]): readonly Point[] {
  const firstMs = heard[0]?.atMs ?? Number.POSITIVE_INFINITY;
  const before = score.ratio.flatMap((ratio, i) => (ratio === null ? [] : [{ atMs: timeMs[i] as number, ratio }]));
  return [...before.filter(({ atMs }) => atMs < firstMs), ...heard];
}

/** Longer without a score, or four times as long as usual where an asset is judged more seldom: the line ends. */
const gapMs = 20_000;

/** What is drawn in one line each. */
export function stretchesOf(points: readonly Point[]): Point[][] {
  const distances = points
    .slice(1)
    .map(({ atMs }, i) => atMs - (points[i] as Point).atMs)
    .sort((a, b) => a - b);
  const longestMs = Math.max(gapMs, 4 * (distances[Math.floor(distances.length / 2)] ?? 0));
  const stretches: Point[][] = [];
  for (const point of points) {
    const last = stretches.at(-1);
    const before = last?.at(-1);
    if (last !== undefined && before !== undefined && point.atMs - before.atMs <= longestMs) last.push(point);
    else stretches.push([point]);
  }
  return stretches;
}
