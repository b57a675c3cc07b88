import { describe, expect, it } from 'vitest';
import { decades, timeTexts, valueTexts } from '../../src/dashboard/axis.ts';
import { Words } from '../../src/dashboard/words.ts';

describe('the axis of a scale of powers of ten', () => {
  it('has every power of ten there is room for', () => {
    expect(decades(0.1, 450, 5)).toEqual([0.1, 1, 10, 100]);
    expect(decades(0.01, 20, 9)).toEqual([0.01, 0.1, 1, 10]);
  });

  it('keeps the limit where there is room for few', () => {
    expect(decades(0.01, 100_000, 3)).toEqual([1, 1_000]);
    expect(decades(0.01, 1_000, 3)).toEqual([0.01, 1, 100]);
  });

  it('says what stands at a tick: 10 is 10, 0.1 is 0.1, and nothing beside one that stays empty', () => {
    expect(valueTexts([0.1, 1, 10, 100], 'en')).toEqual(['0.1', '1', '10', '100']);
    expect(valueTexts([0.1, null, 10], 'de')).toEqual(['0,1', '', '10']);
  });
});

describe('the axis of values', () => {
  it('has as many decimals as its ticks are apart', () => {
    expect(valueTexts([1234.25, 1234.5, 1234.75], 'en', 0.25)).toEqual(['1,234.25', '1,234.5', '1,234.75']);
    expect(valueTexts([0, 50, 100], 'de', 50)).toEqual(['0', '50', '100']);
  });
});

describe('the time axis', () => {
  const words = new Words('en', 'en-GB', 'Asia/Kolkata');

  it("is in the reader's zone, as short as the ticks allow", () => {
    const atMs = Date.parse('2026-11-30T15:58:00Z');
    expect(timeTexts([atMs, atMs + 15_000], words)).toEqual(['21:28:00', '21:28:15']);
    expect(timeTexts([atMs, atMs + 3_600_000], words)).toEqual(['21:28', '22:28']);
    expect(timeTexts([atMs, atMs + 86_400_000], words)).toEqual(['30 Nov', '1 Dec']);
  });

  it('says where another day begins', () => {
    const atMs = Date.parse('2026-11-30T18:00:00Z');
    expect(timeTexts([atMs, atMs + 3_600_000], words)).toEqual(['23:30', '1 Dec 00:30']);
  });
});
