import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quality } from '../../src/core/quality.ts';
import { SampleBlockBuilder } from '../../src/core/sample-block.ts';
import { invalidReasons, WindowBatchBuilder } from '../../src/core/window.ts';
import { WindowAssembler } from '../../src/windows/assembler.ts';
import type { SavedWindows } from '../../src/windows/asset-windows.ts';
import type { AssetPlan } from '../../src/windows/plan.ts';

type Sample = readonly [tag: number, timeMs: number, value: number, quality?: number];

const planOf = (more: Partial<AssetPlan> = {}): AssetPlan => ({
  asset: 5,
  id: 'line1/pump',
  stepMs: 100,
  length: 4,
  slide: 2,
  allowedLatenessMs: 0,
  columns: [
    { tag: 0, source: 0, hold: false, maxAgeMs: 300 },
    { tag: 1, source: 0, hold: false, maxAgeMs: 300 },
  ],
  modelColumns: [0, 1],
  batch: 0,
  running: undefined,
  ...more,
});

/** What an assembler makes of samples: windows by end with their values, invalid windows by end with their reason. */
class Bench {
  readonly windows = new Map<number, number[]>();
  readonly invalid: [endMs: number, reason: string | undefined, windows: number][] = [];
  readonly rows: { endMs: number; values: number[] }[] = [];
  readonly assembler: WindowAssembler;
  readonly #batch: WindowBatchBuilder;

  constructor(plan: AssetPlan) {
    this.#batch = new WindowBatchBuilder(plan.length, plan.modelColumns.length);
    this.assembler = new WindowAssembler([plan], [this.#batch], {
      row: ({ endMs, values }) => this.rows.push({ endMs, values: [...values] }),
      window: () => {},
      invalid: (_, endMs, reason, _tag, windows) => this.invalid.push([endMs, invalidReasons[reason], windows]),
    });
  }

  feed(...samples: Sample[]): this {
    const block = new SampleBlockBuilder();
    for (const [tag, timeMs, value, code = 0] of samples) block.append(tag, timeMs, value, code);
    this.assembler.block(block);
    const { length, channels, values, endMs, count } = this.#batch;
    for (let w = 0; w < count; w++) {
      expect(this.windows.has(endMs[w] as number)).toBe(false);
      this.windows.set(endMs[w] as number, [...values.slice(w * length * channels, (w + 1) * length * channels)]);
    }
    this.#batch.clear();
    return this;
  }
}

const steady = (fromMs: number, toMs: number, tags = [0, 1]): Sample[] => {
  const samples: Sample[] = [];
  for (let t = fromMs; t < toMs; t += 100) for (const tag of tags) samples.push([tag, t + 20, t / 100 + tag * 1000]);
  return samples;
};

describe('windows on event time', () => {
  it('cover whole steps, end at multiples of slide × step, and hold what was sampled', () => {
    const bench = new Bench(planOf()).feed(...steady(1000, 2000));
    expect([...bench.windows.keys()]).toEqual([1400, 1600, 1800]);
    expect(bench.windows.get(1400)).toEqual([10, 1010, 11, 1011, 12, 1012, 13, 1013]);
  });

  it('take the mean of several samples in a step, and the last one of a tag that reports on change', () => {
    const columns = [
      { tag: 0, source: 0, hold: false, maxAgeMs: 300 },
      { tag: 1, source: 0, hold: true, maxAgeMs: 60_000 },
    ];
    const bench = new Bench(planOf({ columns })).feed([0, 1000, 1], [1, 1001, 7], [1, 1002, 9], [0, 1010, 2], [0, 1090, 6]);
    bench.feed([0, 1100, 3], [0, 1200, 3], [0, 1300, 3], [0, 1400, 3]);
    expect(bench.windows.get(1400)).toEqual([3, 9, 3, 9, 3, 9, 3, 9]);
  });

  it('give the same whatever the order within the allowed lateness, and however the stream is cut into blocks', () => {
    const order = fc.tuple(
      fc.integer({ min: 0, max: 0xffff }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 50 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(order, ([seed, cuts, gaps]) => {
        const lateness = 300;
        let state = seed + 1;
        const random = () => {
          state = (state * 48_271) % 2_147_483_647;
          return state / 2_147_483_647;
        };
        const samples: Sample[] = [];
        for (let t = 1000; t < 6000; t += 25)
          for (const tag of [0, 1]) if (random() > gaps * 0.9) samples.push([tag, t, Math.round(random() * 1000) / 8]);
        const plan = planOf({ allowedLatenessMs: lateness });
        const end: Sample[] = [
          [0, 9000, 0],
          [1, 9000, 0],
        ];
        const sorted = new Bench(plan).feed(...samples, ...end);
        // Each sample arrives up to the lateness after its time: nothing is late, everything is out of order.
        const shuffled = samples
          .map((sample) => ({ sample, arrival: sample[1] + random() * lateness * 0.99 }))
          .sort((a, b) => a.arrival - b.arrival);
        const bench = new Bench(plan);
        let at = 0;
        for (let i = 0; at < shuffled.length; i++) {
          const size = cuts[i % cuts.length] as number;
          bench.feed(...shuffled.slice(at, at + size).map(({ sample }) => sample));
          at += size;
        }
        bench.feed(...end);
        expect(bench.assembler.assets[0]?.late).toBe(0);
        expect([...bench.windows.keys()]).toEqual([...sorted.windows.keys()]);
        for (const [endMs, values] of sorted.windows) {
          for (const [i, value] of (bench.windows.get(endMs) ?? []).entries()) expect(value).toBeCloseTo(values[i] as number, 3);
        }
        expect(bench.invalid).toEqual(sorted.invalid);
      }),
      { numRuns: 60 },
    );
  });

  it('count a sample older than the watermark as late and change nothing for it', () => {
    const bench = new Bench(planOf()).feed(...steady(1000, 2000));
    const before = new Map(bench.windows);
    bench.feed([0, 1500, 99_999]);
    expect(bench.assembler.assets[0]?.late).toBe(1);
    bench.feed(...steady(2000, 2300));
    for (const [endMs, values] of before) expect(bench.windows.get(endMs)).toEqual(values);
  });

  it('take the same sample once', () => {
    const bench = new Bench(planOf()).feed(...steady(1000, 2000).flatMap((sample) => [sample, sample]));
    expect(bench.windows.get(1400)).toEqual([10, 1010, 11, 1011, 12, 1012, 13, 1013]);
    expect(bench.assembler.assets[0]?.duplicates).toBeGreaterThan(0);
  });

  it('carry a value for its maxAge and no longer: then the window is invalid and says why', () => {
    const bench = new Bench(planOf()).feed(...steady(1000, 1500), ...steady(1500, 1700, [0]), ...steady(1700, 2500));
    // Tag 1 has no sample in two steps: 300 ms bridge them.
    expect(bench.invalid).toEqual([]);
    const longer = new Bench(planOf()).feed(...steady(1000, 1500), ...steady(1500, 1900, [0]), ...steady(1900, 2700));
    expect(longer.invalid.map(([endMs, reason]) => [endMs, reason])).toEqual([
      [1800, 'stale'],
      [2000, 'stale'],
      [2200, 'stale'],
    ]);
    expect(longer.windows.has(2400)).toBe(true);
  });

  it('name bad quality as bad, and a tag never heard as missing', () => {
    const bad = [1500, 1600, 1700, 1800].map((t): Sample => [1, t, Number.NaN, quality.badNoCommunication]);
    const bench = new Bench(planOf()).feed(
      ...steady(1000, 1500),
      ...[1500, 1600, 1700, 1800].flatMap((t, i): Sample[] => [[0, t, 1], bad[i] as Sample]),
      ...steady(1900, 2100),
    );
    expect(bench.invalid[0]).toEqual([1800, 'bad', 1]);
    const missing = new Bench(planOf()).feed(...steady(1000, 2000, [0]));
    expect(missing.invalid.every(([, reason]) => reason === 'missing')).toBe(true);
    expect(missing.windows.size).toBe(0);
  });

  it('never score a value whose clock is too far ahead, nor move on for it', () => {
    const bench = new Bench(planOf()).feed(...steady(1000, 1500), [0, 9_999_999, 5, quality.badClockSkew], ...steady(1500, 2000));
    expect([...bench.windows.keys()]).toEqual([1400, 1600, 1800]);
    expect(bench.invalid).toEqual([]);
  });

  it('wait for the slower of two sources, unless it is idle', () => {
    const columns = [
      { tag: 0, source: 0, hold: false, maxAgeMs: 300 },
      { tag: 1, source: 1, hold: false, maxAgeMs: 300 },
    ];
    const bench = new Bench(planOf({ columns })).feed(...steady(1000, 3000, [0]));
    expect(bench.windows.size + bench.invalid.length).toBe(0);
    // The queue of the other source drains after an outage: nothing of it is late.
    bench.feed(...steady(1000, 3000, [1]));
    expect(bench.assembler.assets[0]?.late).toBe(0);
    expect([...bench.windows.keys()]).toEqual([1400, 1600, 1800, 2000, 2200, 2400, 2600, 2800]);
    bench.feed(...steady(3000, 4000, [0]));
    expect(bench.windows.has(3200)).toBe(false);
    bench.assembler.control({ kind: 'idle', atMs: 0, sources: [1] });
    bench.feed(...steady(4000, 4100, [0]));
    expect(bench.invalid.length).toBeGreaterThan(0);
  });

  it('close on the clock when everything is silent, with the lag the stamps had', () => {
    const bench = new Bench(planOf()).feed(...steady(1000, 2000));
    bench.assembler.control({ kind: 'clock', atMs: 5000, lags: [] });
    expect(bench.invalid).toEqual([]);
    bench.assembler.control({ kind: 'idle', atMs: 5000, sources: [0] });
    bench.assembler.control({ kind: 'clock', atMs: 5000, lags: [[0, 2600]] });
    expect(bench.rows.at(-1)?.endMs).toBe(2400);
    expect(bench.invalid.at(-1)?.[1]).toBe('stale');
  });

  it('record a long hole once, with the number of windows', () => {
    const bench = new Bench(planOf()).feed(...steady(1000, 2000), ...steady(500_000, 501_000));
    expect(bench.invalid.filter(([, reason]) => reason === 'gap')).toEqual([[499_800, 'gap', 2490]]);
    expect([...bench.windows.keys()].filter((endMs) => endMs > 500_000)).toEqual([500_400, 500_600, 500_800]);
  });

  it('do not score a machine that stands still or has just started', () => {
    const columns = [...planOf().columns, { tag: 2, source: 0, hold: true, maxAgeMs: 1e9 }];
    const bench = new Bench(
      planOf({ columns, running: { settleMs: 200, when: (row) => (Number.isNaN(row[2] as number) ? undefined : row[2] === 3) } }),
    );
    bench.feed([2, 1000, 3], ...steady(1000, 2000), [2, 2000, 0], ...steady(2000, 3000), [2, 3000, 3], ...steady(3000, 4200));
    const reasons = bench.invalid.map(([, reason]) => reason);
    expect(reasons).toContain('stopped');
    expect(reasons).toContain('settling');
    expect([...bench.windows.keys()].filter((endMs) => endMs > 2000 && endMs <= 3200)).toEqual([]);
    expect(bench.windows.has(3800)).toBe(true);
  });

  it('go on from a saved state exactly as without the interruption', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 5 }), (cut, keepEvery) => {
        const samples = steady(1000, 4000)
          .filter((_, i) => i % 7 !== 0 || keepEvery > 2)
          .flatMap(([tag, t, v], i): Sample[] => (i % 11 === 3 ? [[tag, t + 130, v]] : [[tag, t, v]]));
        const plan = planOf({ allowedLatenessMs: 150 });
        const whole = new Bench(plan).feed(...samples);
        const before = new Bench(plan).feed(...samples.slice(0, cut));
        const saved = JSON.parse(JSON.stringify(before.assembler.save())) as Record<string, SavedWindows>;
        const after = new Bench(plan);
        expect(after.assembler.restore(saved)).toEqual([]);
        after.feed(...samples.slice(cut));
        expect(new Map([...before.windows, ...after.windows])).toEqual(whole.windows);
        expect([...before.invalid, ...after.invalid]).toEqual(whole.invalid);
      }),
      { numRuns: 100 },
    );
  });

  it('begin anew when the grid of an asset has changed', () => {
    const before = new Bench(planOf()).feed(...steady(1000, 2000));
    const saved = JSON.parse(JSON.stringify(before.assembler.save())) as Record<string, SavedWindows>;
    expect(new Bench(planOf({ length: 6 })).assembler.restore(saved)).toEqual(['line1/pump']);
  });

  it('stay within their memory when one source lags for ever, and say how often they went on without it', () => {
    const columns = [
      { tag: 0, source: 0, hold: false, maxAgeMs: 300 },
      { tag: 1, source: 1, hold: false, maxAgeMs: 300 },
    ];
    const bench = new Bench(planOf({ columns, stepMs: 1 }));
    for (let t = 1000; t < 1_200_000; t += 40) bench.feed([0, t, 1]);
    expect(bench.assembler.assets[0]?.forced).toBeGreaterThan(0);
  });
});
