import { describe, expect, it } from 'vitest';
import { fuzzMqtt, judge } from './mqtt-fuzz.ts';

describe('a damaged MQTT payload', () => {
  it('gives what a simple reading of it gives, or nothing: no value of another tag, none from elsewhere in the text', () => {
    const { wrong, right, bad, nothing, slowest } = fuzzMqtt(36_000, 1, 10_000);
    expect(wrong).toEqual([]);
    // It reads what can be read, and tells it from what cannot.
    expect(right).toBeGreaterThan(40_000);
    expect(bad).toBeGreaterThan(3_000);
    expect(nothing).toBeGreaterThan(9_000);
    expect(slowest.ms).toBeLessThan(200);
  }, 60_000);

  it('is judged: another value, another tag, another time and too few are wrong', () => {
    const sample = { tag: 'a', timeMs: 1000, value: 1 };
    expect(judge([sample], [[sample]], 1000)).toBeUndefined();
    for (const other of [
      { ...sample, value: 2 },
      { ...sample, tag: 'b' },
      { ...sample, timeMs: 999 },
      { ...sample, value: undefined },
    ])
      expect(judge([other], [[sample]], 1000)).toContain('not [a@1000=1]');
    expect(judge([], [[sample]], 1000)).toBeDefined();
    expect(judge([{ ...sample, timeMs: 400_000 }], [[{ ...sample, timeMs: 400_000 }]], 1000)).toContain('ahead');
  });
});
