import { describe, expect, it } from 'vitest';
import { bridged, placeOf, spansAt, valueAt } from '../../src/dashboard/chart-values.ts';

describe('what a line shows', () => {
  const sparse = bridged([1, null, null, 2, null, null, 3, ...Array.from({ length: 20 }, () => null), 9, null, null, null, null, null]);

  it('goes on across places without a value of their own, and ends where nothing came for long', () => {
    expect(valueAt(sparse, 0)).toBe(1);
    expect(valueAt(sparse, 2)).toBe(1);
    expect(valueAt(sparse, 3)).toBe(2);
    expect(valueAt(sparse, 12)).toBeNull();
    expect(valueAt(sparse, 27)).toBe(9);
  });

  it('is read off a little after its last value, not before its first, and not long after', () => {
    expect(valueAt(sparse, 29)).toBe(9);
    expect(valueAt(sparse, 32)).toBeNull();
    expect(valueAt(bridged([null, null, 4]), 0)).toBeNull();
  });

  it('ends where something says that there is none', () => {
    const broken = bridged([1, null, null, 2], (place) => place === 2);
    expect([0, 1, 2, 3].map((place) => valueAt(broken, place))).toEqual([1, 1, null, 2]);
  });

  it('is nothing where there is no value at all', () => {
    expect(valueAt(bridged([null, null]), 1)).toBeNull();
  });
});

describe('a moment', () => {
  it('has the nearest place, and stays within the axis', () => {
    const timeMs = [1_000, 1_100, 1_200];
    expect([900, 1_040, 1_060, 5_000].map((ms) => placeOf(timeMs, ms, 100))).toEqual([0, 0, 1, 2]);
  });

  it('has the spans that cover any part of its step', () => {
    const spans = [
      { fromMs: 0, toMs: 1_000 },
      { fromMs: 1_050, toMs: 1_060 },
      { fromMs: 1_090, toMs: null },
      { fromMs: 1_100, toMs: 1_200 },
    ];
    expect(spansAt(spans, 1_000, 100)).toEqual([spans[1], spans[2]]);
  });
});
