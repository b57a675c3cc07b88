import { describe, expect, it } from 'vitest';
import { type Point, stretchesOf, trendBefore, trendMs, trendPoints, trendWith } from '../../src/dashboard/trend.ts';

const stepMs = trendMs / trendPoints;

describe('the trend of a score', () => {
  it('keeps the highest of a step, and no more than it is long', () => {
    let points: readonly Point[] = [];
    for (let atMs = 0; atMs < 3 * trendMs; atMs += 250) points = trendWith(points, { atMs, ratio: atMs === 2.5 * trendMs ? 9 : 0.2 });
    expect(points.length).toBeLessThanOrEqual(trendPoints + 1);
    expect(points[0]?.atMs).toBeGreaterThan(3 * trendMs - 250 - trendMs - stepMs);
    expect(points.filter(({ ratio }) => ratio === 9)).toHaveLength(1);
  });

  it('is interrupted where nothing was judged, not where judging takes long', () => {
    const at = (...seconds: number[]): Point[] => seconds.map((second) => ({ atMs: 1_000 * second, ratio: 0.5 }));
    expect(stretchesOf(at(0, 1, 2, 40, 41)).map((stretch) => stretch.length)).toEqual([3, 2]);
    expect(stretchesOf(at(0, 60, 120, 180))).toHaveLength(1);
    expect(stretchesOf([])).toEqual([]);
  });

  it('begins with what the history has from before the page listened', () => {
    const heard = [{ atMs: 5_000, ratio: 0.5 }];
    const chart = { timeMs: [1_000, 2_000, 3_000, 5_000], score: { ratio: [0.1, null, 0.3, 0.4], shares: [] } };
    expect(trendBefore(chart, heard)).toEqual([{ atMs: 1_000, ratio: 0.1 }, { atMs: 3_000, ratio: 0.3 }, ...heard]);
    expect(trendBefore(chart, [])).toHaveLength(3);
  });
});
