import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/seeded-random.ts';
import { limitForBudget } from '../../src/detector/budget.ts';

const second = 1000;
const day = 86_400;

/** Independent scores whose logarithm falls off exponentially: how often any limit is passed is known. */
function scores(rows: number, seed: number, scale = 0.3): Float64Array {
  const random = seededRandom(seed);
  return Float64Array.from({ length: rows }, () => Math.exp(-scale * Math.log(1 - random())));
}

describe('the limit for a budget', () => {
  it('is passed by healthy rows about as often as the budget allows', () => {
    for (const budgetPerDay of [1, 5, 24]) {
      const told = limitForBudget(scores(day / 2, 1), 10, second, budgetPerDay);
      expect(told?.days).toBeCloseTo(0.5, 3);
      // Rows a day over x: 86,400 · x^(−1/0.3).
      const expected = day * (told?.limit ?? 0) ** (-1 / 0.3);
      expect(expected / budgetPerDay).toBeGreaterThan(0.4);
      expect(expected / budgetPerDay).toBeLessThan(2.5);
    }
  });

  it('is wider the less may happen', () => {
    const history = scores(day / 2, 2);
    const at = (budget: number): number => limitForBudget(history, 10, second, budget)?.limit ?? 0;
    expect(at(1)).toBeGreaterThan(at(10));
    expect(at(0.2)).toBeGreaterThan(at(1));
  });

  it('is not told from too little: an hour says nothing of a week', () => {
    expect(limitForBudget(scores(3600, 3), 10, second, 1 / 7)).toBeUndefined();
    expect(limitForBudget(scores(90, 3), 10, second, 1000)).toBeUndefined();
    expect(limitForBudget(scores(day, 3), 10, second, 1 / 7)).toBeDefined();
  });
});
