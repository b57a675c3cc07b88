import { describe, expect, it } from 'vitest';
import type { DetectorParameters } from '../../src/core/detector.ts';
import { Decision, type SavedDecision } from '../../src/detector/decision.ts';

const parameters = {
  halfLives: { baseline: 60, scale: 600, level: 450 },
  cusum: 2,
  offDelayRows: 8,
  rearmRows: 1_200,
  levelCap: 2,
  level: 0,
  sustained: { halfLifeRows: 10, limit: 0.6 },
} as DetectorParameters;
const standard = { limit: 3, level: 0, partial: false };

const rowsUntil = (decision: Decision, score: number, alarm: boolean, most = 200, at = standard): number => {
  for (let row = 1; row <= most; row++) if (decision.judge(score, at, decision.alarm).alarm === alarm) return row;
  return Number.POSITIVE_INFINITY;
};

describe('the decision', () => {
  it('raises a high score at once, and ends it soon after, however high it was', () => {
    const decision = new Decision(parameters);
    expect(rowsUntil(decision, 300, true)).toBeLessThan(3);
    rowsUntil(decision, 1e6, false);
    expect(decision.alarm).toBe(true);
    expect(rowsUntil(decision, 1, false)).toBeLessThanOrEqual(parameters.offDelayRows + 8);
  });

  it('keeps an alarm while the score stays well above its level, though below the limit; raises none for that', () => {
    const raised = (changes: Partial<DetectorParameters> = {}): Decision => {
      const decision = new Decision({ ...parameters, ...changes });
      rowsUntil(decision, 30, true);
      return decision;
    };
    expect(rowsUntil(new Decision(parameters), 2.5, true)).toBe(Number.POSITIVE_INFINITY);
    const standing = raised();
    rowsUntil(standing, 30, false, 20);
    expect(rowsUntil(standing, 2.5, false)).toBe(Number.POSITIVE_INFINITY);
    expect(rowsUntil(standing, 1, false)).toBeLessThan(20);
    const forgetful = raised({ sustained: null });
    expect(rowsUntil(forgetful, 2.5, false)).toBe(parameters.offDelayRows);
    // With channels out the level is a guess: the limit alone decides.
    expect(rowsUntil(raised(), 2.5, false, 200, { ...standard, partial: true })).toBeLessThan(20);
  });

  it('goes on where it was, also from what earlier versions kept', () => {
    const before = new Decision(parameters);
    rowsUntil(before, 30, true);
    rowsUntil(before, 30, false, 20);
    const after = new Decision(parameters);
    after.restore(JSON.parse(JSON.stringify(before.save())) as SavedDecision);
    const { sustained: _, ...earlier } = before.save();
    const old = new Decision(parameters);
    old.restore(earlier);
    expect(rowsUntil(old, 1, false)).toBe(parameters.offDelayRows);
    const rows = rowsUntil(before, 1, false);
    expect(rows).toBeGreaterThan(parameters.offDelayRows);
    expect(rowsUntil(after, 1, false)).toBe(rows);
  });
});
