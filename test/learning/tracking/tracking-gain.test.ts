import { describe, expect, it } from 'vitest';
import { gaussian, seededRandom } from '../../../src/core/seeded-random.ts';
import { trackingGain } from '../../../src/learning/tracking/tracking-gain.ts';

const rows = 3_000;
const channels = 3;
const normal = gaussian(seededRandom(3));
let slow = 0;
/** Channels 0 and 1 wander together, 2 is noise. */
const values = Float64Array.from({ length: rows * channels }, (_, at) => {
  if (at % channels === 0) slow = 0.995 * slow + 0.1 * normal();
  return at % channels < 2 ? slow + 2 * normal() : normal();
});

describe('the gain of a tracking baseline', () => {
  const gain = trackingGain(values, [0], rows, channels) as number[];
  const at = (a: number, b: number): number => gain[a * channels + b] as number;

  it('follows what wandered while learning, all that wander together at once, and holds still what did not', () => {
    expect(at(0, 0) + at(0, 1)).toBeGreaterThan(0.8);
    expect(at(0, 1)).toBeGreaterThan(0.1);
    expect(at(2, 2)).toBeLessThan(0.8);
    expect(Math.abs(at(2, 0)) + Math.abs(at(2, 1))).toBeLessThan(0.3);
  });

  it('neither runs away nor overshoots, whichever channels are held', () => {
    const departed = [10, -10, 10];
    for (const held of [[], [0], [1], [2], [0, 2]]) {
      let level = [0, 0, 0];
      for (let row = 0; row < 5_000; row++) {
        const left = departed.map((value, c) => (held.includes(c) ? 0 : value - (level[c] as number)));
        const step = (c: number): number => (held.includes(c) ? 0 : 0.5 * left.reduce((sum, value, j) => sum + at(c, j) * value, 0));
        level = level.map((value, c) => value + step(c));
        expect(Math.max(...level.map(Math.abs))).toBeLessThan(20);
      }
      level.forEach((value, c) => {
        if (!held.includes(c)) expect(value).toBeCloseTo(departed[c] as number, 1);
      });
    }
  });

  it('is not there where the rows are too few to say', () => {
    expect(trackingGain(values, [0], 119, channels)).toBeNull();
  });
});
