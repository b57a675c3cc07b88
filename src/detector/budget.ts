import { blockMaxima } from './limit.ts';

/** Share of the block maxima the tail is fitted to, and how many they must be at least. */
const tailShare = 0.2;
const fewestTail = 20;
/** How far beyond what was seen a limit may be told: a week from a third of a day. */
const furthest = 20;

export interface BudgetedLimit {
  readonly limit: number;
  /** Unseen healthy time behind it, days. */
  readonly days: number;
}

/**
 * The limit that healthy scores exceed as often as the budget allows: exceedances of block maxima of ln(score) over a high threshold fall off exponentially (peaks over
 * threshold, Pickands 1975, shape 0), and the tail is followed to the rate wanted. `scores`: running scores of unseen healthy windows, a row apart. Undefined where they are too
 * few to speak of that rate.
 */
export function limitForBudget(scores: Float64Array, windowRows: number, rowMs: number, budgetPerDay: number): BudgetedLimit | undefined {
  const days = (scores.length * rowMs) / 86_400_000;
  const blocks = Math.floor(scores.length / windowRows);
  const tail = Math.floor(blocks * tailShare);
  if (tail < fewestTail || 1 / budgetPerDay > furthest * days) return undefined;
  const maxima = blockMaxima(scores, blocks).map(Math.log);
  const threshold = maxima[blocks - tail - 1] as number;
  const excess = maxima.subarray(blocks - tail);
  const scale = excess.reduce((sum, value) => sum + value - threshold, 0) / tail;
  // Expected blocks a day over ln x: (tail / days) · exp(−(x − threshold) / scale).
  return { limit: Math.exp(threshold + scale * Math.max(0, Math.log(tail / days / budgetPerDay))), days };
}
