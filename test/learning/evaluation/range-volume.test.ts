import { describe, expect, it } from 'vitest';
import { gaussian, seededRandom } from '../../../src/core/seeded-random.ts';
import { bufferRows, vusPrOf } from '../../../src/learning/evaluation/range-volume.ts';
import { rankingOf } from '../../../src/learning/evaluation/ranking.ts';
import { drawn } from './series.ts';

const vusPr = (label: string, score: readonly number[], buffer: number): number =>
  vusPrOf(rankingOf([drawn({ label, score })]), [label.length], buffer);

/** The definition word for word, one threshold and one buffer after the other, in O(buffers × thresholds × rows). */
function slowly(label: readonly number[], score: readonly number[], buffer: number): number {
  const rows = label.length;
  const events: [number, number][] = [];
  label.forEach((value, i) => {
    if (value === 1 && label[i - 1] !== 1) events.push([i, i]);
    if (value === 1) (events.at(-1) as [number, number])[1] = i;
  });
  const sorted = score.toSorted((a, b) => b - a);
  const areas: number[] = [];
  for (let width = 0; width <= buffer; width++) {
    const half = Math.floor(width / 2);
    const soft = label.map((value, i) => {
      const near = events.map(([s, e]) => (i < s ? s - i : i > e ? i - e : 0)).filter((distance) => distance > 0 && distance <= half);
      return Math.min(1, value + near.reduce((sum, distance) => sum + Math.sqrt(1 - distance / width), 0));
    });
    const zones: number[][] = [];
    soft.forEach((value, i) => {
      if (value === 0) return;
      if (i > 0 && (soft[i - 1] as number) > 0 && !(label[i] === 0 && separate(events, i, half))) zones.at(-1)?.push(i);
      else zones.push([i]);
    });
    let area = 0;
    let before = 0;
    for (let k = 0; k < 250; k++) {
      const limit = sorted[Math.floor((k * (rows - 1)) / 249)] as number;
      const alarmed = score.map((value) => (value >= limit ? 1 : 0) as number);
      const sum = (terms: (i: number) => number): number => label.reduce((total, _, i) => total + terms(i), 0);
      const covered = sum((i) => (soft[i] as number) * (alarmed[i] as number));
      const masked = sum((i) => (label[i] === 1 ? 1 : (soft[i] as number) * (alarmed[i] as number)));
      const positives = (sum((i) => label[i] as number) + masked) / 2;
      const existence = zones.filter((zone) => zone.some((i) => alarmed[i] === 1)).length / zones.length;
      const recall = Math.min(1, covered / positives) * existence;
      area += (recall - before) * (covered / sum((i) => alarmed[i] as number));
      before = recall;
    }
    areas.push(area);
  }
  return areas.reduce((sum, area) => sum + area, 0) / areas.length;
}

/** Two buffers lie side by side without a common row: row i opens the second. */
const separate = (events: readonly [number, number][], i: number, half: number): boolean =>
  events.some(([s], k) => k > 0 && i === s - half && (events[k - 1] as [number, number])[1] + half < i);

function random(seed: number, rows: number, share: number): { label: string; score: number[] } {
  const uniform = seededRandom(seed);
  const normal = gaussian(uniform);
  let label = '';
  while (label.length < rows) label += (uniform() < share ? '#' : '.').repeat(1 + Math.floor(uniform() * 14));
  label = label.slice(0, rows);
  // Coarse scores, so that there are ties, and a response that lags behind the label.
  const score = [...label].map((_, i) => Math.round(4 * (normal() + (label[i - 3] === '#' ? 1.5 : 0))) / 4);
  return { label, score };
}

describe('VUS-PR', () => {
  it.each([
    [1, 400, 0.15, 12],
    [2, 700, 0.05, 25],
    [3, 300, 0.5, 9],
    [4, 90, 0.3, 40],
  ])('is that of the definition (seed %i, %i rows)', (seed, rows, share, buffer) => {
    const { label, score } = random(seed, rows, share);
    const flags = [...label].map((character) => (character === '#' ? 1 : 0));
    expect(vusPr(label, score, buffer)).toBeCloseTo(slowly(flags, score, buffer), 10);
  });

  it('is nearly 1 for a perfect score and near the share of anomalous rows for noise', () => {
    const label = `${'.'.repeat(400)}${'#'.repeat(100)}`.repeat(4);
    const uniform = seededRandom(5);
    expect(
      vusPr(
        label,
        [...label].map((c) => (c === '#' ? 1 : 0)),
        40,
      ),
    ).toBeGreaterThan(0.95);
    const noise = vusPr(
      label,
      [...label].map(() => uniform()),
      40,
    );
    expect(noise).toBeGreaterThan(0.15);
    expect(noise).toBeLessThan(0.3);
  });

  it('forgives a label that is off by some rows, where average precision does not', () => {
    const label = `${'.'.repeat(200)}${'#'.repeat(20)}${'.'.repeat(200)}`;
    const late = [...label].map((_, i) => (i >= 212 && i < 232 ? 2 : 0));
    expect(vusPr(label, late, 40)).toBeGreaterThan(vusPr(label, late, 0) + 0.1);
  });

  it('joins no event and no buffer over the border of two recordings', () => {
    const score = [...'..........'].map((_, i) => 9 - i);
    const first = drawn({ label: '........##', score });
    const second = drawn({ label: '#.........', score });
    const apart = vusPrOf(rankingOf([first, second]), [10, 10], 8);
    const joined = vusPrOf(rankingOf([first, second]), [20], 8);
    expect(apart).not.toBeCloseTo(joined, 3);
  });

  it('of 100,000 rows with a buffer of 100 takes less than two seconds', () => {
    const { label, score } = random(6, 100_000, 0.1);
    const began = performance.now();
    expect(vusPr(label, score, 100)).toBeGreaterThan(0);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it('has a buffer of the median event length, from 10 to 100 rows', () => {
    expect([bufferRows([]), bufferRows([1, 2, 3]), bufferRows([20, 30, 400]), bufferRows([300, 500])]).toEqual([10, 10, 30, 100]);
  });
});
