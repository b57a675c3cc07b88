import { describe, expect, it } from 'vitest';
import { weeksOf } from '../../src/simulator/weeks.ts';
import { keptBy } from '../../tools/budget/kept.ts';
import { dayMs, medianOf } from '../../tools/budget/subject.ts';
import { wearing, wearTo } from '../../tools/budget/worn.ts';

const stepMs = 60_000;

/** A short run of `npm run eval:budget`. */
describe('an asset that has learnt from itself', () => {
  it('keeps its budget of false alarms, and sees', async () => {
    const recorded = weeksOf({ machine: 'pump', seed: 7, days: 13, stepMs });
    const kept = await keptBy({ recorded, stepMs, learningRows: (3 * dayMs) / stepMs }, '1/day');
    expect(kept.days).toBeCloseTo(10, 1);
    expect(kept.observed).toBeLessThanOrEqual(kept.budgeted);
    expect(kept.daysInAlarm).toBeLessThan(0.05);
    expect(kept.probes.get(4)?.delays.length).toBeGreaterThanOrEqual(4);
    expect(kept.probes.get(8)?.delays).toHaveLength(5);
  });

  it('speaks of fourteen days of wear before they have reached six deviations, and not of its twin', async () => {
    const { worn, falseWarnings, days } = await wearing('conveyor', 7, stepMs);
    expect(worn).toHaveLength(6);
    for (const { what, said } of worn) expect(said?.deviations, what).toBeLessThan(wearTo);
    // The slow change sees most of them long before the long mean of a channel by itself would.
    expect(medianOf(worn.map(({ said }) => said?.deviations ?? wearTo))).toBeLessThan(2);
    expect(falseWarnings).toBe(0);
    expect(days).toBeCloseTo(15, 1);
  });
});

describe('weeks of the simulator', () => {
  it('are the same for the same seed, and warm by day', () => {
    const one = weeksOf({ machine: 'oven', seed: 3, days: 2, stepMs });
    expect(weeksOf({ machine: 'oven', seed: 3, days: 2, stepMs })).toEqual(one);
    expect(weeksOf({ machine: 'oven', seed: 4, days: 2, stepMs })).not.toEqual(one);
    const gearbox = weeksOf({ machine: 'conveyor', seed: 3, days: 4, stepMs }).values[4] as Float64Array;
    const mean = (hour: number): number => {
      let sum = 0;
      for (let day = 0; day < 4; day++) for (let row = 0; row < 120; row++) sum += gearbox[day * 1440 + hour * 60 + row] as number;
      return sum / 480;
    };
    expect(mean(5) - mean(17)).toBeGreaterThan(3);
  });
});
