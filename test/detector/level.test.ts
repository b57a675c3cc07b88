import { describe, expect, it } from 'vitest';
import type { DetectorParameters } from '../../src/core/detector.ts';
import { gaussian, seededRandom } from '../../src/core/seeded-random.ts';
import { Baseline } from '../../src/detector/baseline.ts';
import { ChannelWatch } from '../../src/detector/channel-watch.ts';
import { RowWindow } from '../../src/detector/row-window.ts';
import { SlowChange } from '../../src/detector/slow-change.ts';
import { Wear } from '../../src/detector/wear.ts';

const channel = { mean: 50, deviation: 2, residualMean: 0, residualDeviation: 1, drifts: false, held: false, frozenAfter: 50, baseline: 0 };
const scale = {
  halfLifeRows: 100,
  reference: [0, 0],
  mean: [0, 0],
  contrast: [1, 0, 0, 1],
  variance: [0.1, 0.1],
  diffusion: [0, 0],
  slope: [0, 0],
  limit: 3,
};
/** Two channels; only the first moved slowly while learning. */
const parameters = {
  channels: [channel, channel],
  halfLives: { baseline: 60, scale: 600, level: 60 },
  gain: [1, 0, 0, 0],
  slow: { learningRows: 5000, scales: [scale] },
} as unknown as DetectorParameters;

const noise = gaussian(seededRandom(3));
const follow = (baseline: Baseline, rows: number, at: readonly [number, number]): void => {
  for (let i = 0; i < rows; i++) {
    at.forEach((value, c) => {
      baseline.correct(c, value + 0.2 * noise(), true);
    });
    baseline.adapt(false);
  }
};

describe('the baseline', () => {
  it('is found anew after a long stop where the machine moved slowly, and nowhere else', () => {
    const baseline = new Baseline(parameters);
    follow(baseline, 20, [54, 54]);
    expect(baseline.level[0]).toBeLessThan(0.6);
    for (let row = 0; row < 60; row++) expect(baseline.rest()).toBe(false);
    expect(baseline.isSettled).toBe(true);
    expect(baseline.rest()).toBe(true);
    expect(baseline.isSettled).toBe(false);
    follow(baseline, 20, [54, 54]);
    expect(baseline.isSettled).toBe(true);
    expect(baseline.level[0]).toBeCloseTo(2, 1);
    expect(baseline.level[1]).toBe(0);
    expect(baseline.scale[0]).toBeLessThan(1.2);
  });

  it('is the mean of what comes after a person has said that things are different, in every channel, also across a restart', () => {
    const before = new Baseline(parameters);
    follow(before, 20, [50, 50]);
    before.rebase();
    follow(before, 10, [54, 44]);
    const baseline = new Baseline(parameters);
    baseline.restoreState(JSON.parse(JSON.stringify(before.save())) as ReturnType<Baseline['save']>);
    for (let row = 0; row < 100; row++) baseline.rest();
    follow(baseline, 40, [54, 44]);
    expect(baseline.level[0]).toBeCloseTo(2, 1);
    expect(baseline.level[1]).toBeCloseTo(-3, 1);
    follow(baseline, 600, [54, 44]);
    // Enough: what moves now moves slowly or is news.
    const known = baseline.level[1];
    follow(baseline, 50, [54, 50]);
    expect(baseline.level[1]).toBe(known);
  });

  it('corrects the window once more when it is found', () => {
    const baseline = new Baseline(parameters);
    for (let row = 0; row < 100; row++) baseline.rest();
    const window = new RowWindow(3, 2);
    for (let row = 0; row < 20; row++) {
      for (let c = 0; c < 2; c++) window.set(c, baseline.correct(c, 54, true), 54);
      window.next();
      baseline.adapt(false);
    }
    window.correctAnew(baseline);
    const again = new RowWindow(3, 2);
    again.restore(JSON.parse(JSON.stringify(window.save())) as ReturnType<RowWindow['save']>);
    const values = new Float32Array(6);
    again.copyTo({ values }, 0);
    expect([...values]).toEqual([50, 54, 50, 54, 50, 54]);
    expect(again.isFull).toBe(true);
  });
});

describe('slow change and wear', () => {
  it('begin anew with what comes, and then hold it against that', () => {
    const slow = new SlowChange(parameters);
    const wear = new Wear(parameters, { deviations: 4, overRows: 400 });
    const ratios = (rows: number, value: number): number => {
      let most = 0;
      for (let i = 0; i < rows; i++) {
        const row = [value + 0.2 * noise(), 50];
        most = Math.max(most, slow.row(row)?.ratio ?? 0, wear.row(row).ratio);
      }
      return most;
    };
    expect(ratios(300, 50)).toBeLessThan(1);
    slow.rebase();
    wear.rebase();
    // Repaired: it runs elsewhere, and that is no slow change.
    expect(ratios(100, 62)).toBe(0);
    expect(ratios(1000, 62)).toBeLessThan(0.5);
    expect(ratios(1000, 66)).toBeGreaterThan(1);
  });
});

describe('a hole', () => {
  it('counts rows that did not come: what was last heard is as old', () => {
    const watch = new ChannelWatch(parameters, 5);
    watch.read(0, 50, false, true, false);
    watch.read(1, 50, false, true, false);
    watch.missed(4);
    expect(watch.hole).toBe(4);
    expect(watch.read(0, Number.NaN, false, false, false).value).toBe(50);
    watch.missed(4);
    expect(watch.read(0, Number.NaN, false, false, false).value).toBeNaN();
  });
});
