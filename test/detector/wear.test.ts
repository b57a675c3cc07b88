import { describe, expect, it } from 'vitest';
import type { DetectorParameters } from '../../src/core/detector.ts';
import { gaussian, seededRandom } from '../../src/core/seeded-random.ts';
import { Wear } from '../../src/detector/wear.ts';

const rowsADay = 1_440;
const parameters = {
  channels: [
    { mean: 50, deviation: 2 },
    { mean: 3, deviation: 0.1 },
  ],
} as unknown as DetectorParameters;

/** Days until the warning, when the second channel wears by `deviationsADay`; undefined when none comes in `days`. */
function warned(deviationsADay: number, days: number, seed: number): number | undefined {
  const noise = gaussian(seededRandom(seed));
  const wear = new Wear(parameters, { deviations: 4, overRows: 7 * rowsADay });
  for (let row = 0; row < days * rowsADay; row++) {
    const day = row / rowsADay;
    const daily = Math.sin(2 * Math.PI * day);
    const { ratio, channel } = wear.row([50 + 2 * (daily + noise()), 3 + 0.1 * (daily + noise() + deviationsADay * day)]);
    if (ratio > 1) {
      expect(channel).toBe(1);
      return day;
    }
  }
  return undefined;
}

describe('wear', () => {
  it('over fourteen days is warned of before it reaches six deviations', () => {
    const day = warned(6 / 14, 14, 1);
    expect(day).toBeDefined();
    expect((day ?? 0) * (6 / 14)).toBeLessThan(6);
    expect((day ?? 0) * (6 / 14)).toBeGreaterThan(4);
  });

  it('is not seen in days and noise of a machine that does not wear', () => {
    for (const seed of [2, 3, 4]) expect(warned(0, 30, seed)).toBeUndefined();
  });

  it('goes on where it was after a restart', () => {
    const wear = new Wear(parameters, { deviations: 4, overRows: 7 * rowsADay });
    for (let row = 0; row < 2 * rowsADay; row++) wear.row([50, 3.3]);
    const again = new Wear(parameters, { deviations: 4, overRows: 7 * rowsADay });
    again.restore(JSON.parse(JSON.stringify(wear.save())) as ReturnType<Wear['save']>);
    expect(again.row([50, 3.3])).toEqual(wear.row([50, 3.3]));
  });
});
