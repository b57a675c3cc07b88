import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { LoadedBundle } from '../../src/core/manifest.ts';
import type { Scorer } from '../../src/core/score.ts';
import { WindowBatchBuilder } from '../../src/core/window.ts';
import { AssetDetector, type SavedDetector, type Verdict } from '../../src/detector/asset-detector.ts';
import { bundleOf } from '../../src/learning/tracking/bundle.ts';
import { learnTracking } from '../../src/learning/tracking/learn.ts';
import { createScorer } from '../../src/scoring/index.ts';
import { syntheticRows } from '../support/synthetic-machine.ts';

const channels = 6;
const learningRows = 1_000;
const stepMs = 1_000;
const machine = syntheticRows({ rows: 6_000, channels, seed: 21 });
let bundle: LoadedBundle;

beforeAll(async () => {
  const history = {
    channels: Array.from({ length: channels }, (_, c) => `c${c}`),
    stepMs,
    runs: [{ rows: learningRows, values: machine.slice(0, learningRows * channels) }],
  };
  bundle = await bundleOf(await learnTracking(history, ['int8']), 'int8', {
    id: 'machine',
    version: '1.0.0',
    stepMs,
    fromMs: null,
    toMs: null,
  });
});

type Change = (row: Float64Array, i: number) => void;

/** A detector with its model; rows of the machine go in, `at` a time. */
class Bench {
  readonly detector: AssetDetector;
  readonly #scorer: Scorer;
  readonly #batch: WindowBatchBuilder;

  private constructor(scorer: Scorer) {
    this.#scorer = scorer;
    this.detector = new AssetDetector(scorer.detector as NonNullable<Scorer['detector']>, scorer.manifest);
    this.#batch = new WindowBatchBuilder(scorer.manifest.length, scorer.manifest.channels.length);
  }

  static async open(): Promise<Bench> {
    const scorer = await createScorer(bundle, { place: 'inline' });
    onTestFinished(() => scorer.dispose());
    return new Bench(scorer);
  }

  async run(from: number, to: number, change: Change = () => {}, at = to - from, running = true): Promise<Verdict[]> {
    const verdicts: Verdict[] = [];
    for (let first = from; first < to; first += at) {
      for (let i = first; i < Math.min(to, first + at); i++) {
        const values = machine.slice(i * channels, (i + 1) * channels);
        change(values, i);
        this.detector.push({ endMs: 1_790_000_000_000 + (i + 1) * stepMs, values, bad: new Uint8Array(channels), running });
      }
      while (this.detector.hasRows) {
        this.#batch.clear();
        this.detector.open(this.#batch, 0);
        verdicts.push(...this.detector.settle(this.#batch.count === 0 ? undefined : await this.#scorer.score(this.#batch)));
      }
    }
    return verdicts;
  }
}

const step =
  (channel: number, size: number): Change =>
  (row) => {
    row[channel] = (row[channel] as number) + size;
  };
const alarmed = (verdicts: readonly Verdict[]): number => verdicts.filter(({ alarm }) => alarm).length;
const judged = (verdicts: readonly Verdict[]): Verdict[] => verdicts.filter(({ none }) => none === undefined);

describe('the tracking detector', () => {
  it('judges healthy rows without an alarm, once a window is full', async () => {
    const verdicts = await (await Bench.open()).run(1000, 3000);
    expect(verdicts.slice(0, bundle.manifest.length - 1).every(({ none }) => none === 'filling')).toBe(true);
    expect(judged(verdicts)).toHaveLength(2000 - bundle.manifest.length + 1);
    expect(alarmed(verdicts)).toBeLessThan(40);
  });

  it('raises a step within seconds, names its channel with what was expected, and ends with it', async () => {
    const bench = await Bench.open();
    await bench.run(1000, 1500);
    const during = await bench.run(1500, 1600, step(3, 60));
    const first = during.findIndex(({ alarm }) => alarm);
    expect(first).toBeGreaterThanOrEqual(0);
    expect(first).toBeLessThan(20);
    const { contributions, observed, expected } = during[first + 10] as Verdict;
    expect(contributions.indexOf(Math.max(...contributions))).toBe(3);
    // Above the band people are shown.
    expect((observed[3] as number) - (expected[3] as number)).toBeGreaterThan(
      3 * (bundle.manifest.channels[3]?.residualDeviation as number),
    );
    expect(alarmed((await bench.run(1600, 1800)).slice(60))).toBe(0);
  });

  it('follows drift that is slow, and holds still while an alarm stands', async () => {
    const bench = await Bench.open();
    const drifting = await bench.run(1000, 4000, (row, i) => step(1, (i - 1000) * 0.003)(row, i));
    expect(alarmed(drifting) / drifting.length).toBeLessThan(0.03);
    const stepped = await bench.run(4000, 4600, (row, i) => {
      step(1, 30)(row, i);
      step(3, 60)(row, i);
    });
    // Ten half-lives of the baseline: one that followed would have learnt the fault.
    expect(alarmed(stepped.slice(-100))).toBe(100);
  });

  it('gives the same verdicts whether rows come one at a time, in sevens or all at once', async () => {
    const change: Change = (row, i) => {
      if (i > 1400 && i < 1500) step(2, 40)(row, i);
    };
    const [all, ones, sevens] = await Promise.all([600, 1, 7].map(async (at) => (await Bench.open()).run(1000, 1600, change, at)));
    const plain = (verdicts: readonly Verdict[] | undefined) => verdicts?.map(({ ratio, alarm, none }) => [ratio, alarm, none]);
    expect(plain(ones)).toEqual(plain(all));
    expect(plain(sevens)).toEqual(plain(all));
    expect(alarmed(all as Verdict[])).toBeGreaterThan(50);
  });

  it('goes on where it was after a restart', async () => {
    const whole = await (await Bench.open()).run(1000, 1600, step(0, 0.5));
    const before = await Bench.open();
    await before.run(1000, 1333, step(0, 0.5));
    const after = await Bench.open();
    expect(after.detector.restore(JSON.parse(JSON.stringify(before.detector.save())) as SavedDetector)).toBe(true);
    const rest = await after.run(1333, 1600, step(0, 0.5));
    expect(rest.map(({ ratio }) => ratio)).toEqual(whole.slice(333).map(({ ratio }) => ratio));
  });

  it('takes rows that come again for what they are', async () => {
    const once = await (await Bench.open()).run(1000, 1600);
    const bench = await Bench.open();
    // Every row twice: as many verdicts as rows that say something, and the same.
    const twice: Verdict[] = [];
    for (let i = 1000; i < 1600; i++) {
      twice.push(...(await bench.run(i, i + 1)));
      const again = await bench.run(i, i + 1);
      expect(again.map(({ none }) => none)).toEqual(['repeated']);
    }
    expect(twice.map(({ ratio }) => ratio)).toEqual(once.map(({ ratio }) => ratio));
  });

  it('bridges short gaps, does without a channel that stays away, and says when too few are left', async () => {
    const gone =
      (...list: number[]): Change =>
      (row) => {
        for (const c of list) row[c] = Number.NaN;
      };
    const bench = await Bench.open();
    await bench.run(1000, 1300);
    const short = await bench.run(1300, 1305, gone(2));
    expect(short.every(({ none, masked }) => none === undefined && masked[2] === 0)).toBe(true);
    const long = await bench.run(1305, 1700, gone(2));
    const partial = long.slice(20);
    expect(partial.every(({ none, masked }) => none === undefined && masked[2] === 1)).toBe(true);
    expect(alarmed(partial)).toBeLessThan(20);
    const seen = await bench.run(1700, 1760, (row, i) => {
      gone(2)(row, i);
      step(3, 60)(row, i);
    });
    expect(alarmed(seen)).toBeGreaterThan(30);
    const blind = await (await Bench.open()).run(1000, 1100, gone(0, 1, 2, 3));
    expect(blind.at(-1)?.none).toBe('tooFewChannels');
  });

  it('leaves out a channel that is stuck, but not one that stands still because of the fault', async () => {
    const stuck: Change = (row) => {
      row[4] = 91.5;
    };
    const bench = await Bench.open();
    await bench.run(1000, 1300);
    const quiet = await bench.run(1300, 1500, stuck);
    expect(quiet.at(-1)?.masked[4]).toBe(1);
    expect(bench.detector.frozenChannels()).toEqual([4]);
    const other = await Bench.open();
    await other.run(1000, 1300);
    const fault = await other.run(1300, 1500, (row) => {
      row[4] = 0;
    });
    expect(fault.at(-1)).toMatchObject({ alarm: true });
    expect(fault.at(-1)?.masked[4]).toBe(0);
  });

  it('takes a fault for the new normal when a person says so, and only then', async () => {
    const bench = await Bench.open();
    await bench.run(1000, 1300);
    expect(alarmed((await bench.run(1300, 1500, step(3, 60))).slice(-50))).toBe(50);
    bench.detector.acceptAsNormal();
    const accepted = await bench.run(1500, 2000, step(3, 60));
    expect(alarmed(accepted)).toBeLessThan(20);
    // Back where it was is news now.
    expect(alarmed(await bench.run(2000, 2100))).toBeGreaterThan(50);
  });

  it('takes a new sensor for what it is: measures its level, goes on with the others meanwhile, and then sees faults as before', async () => {
    const shown = step(3, 55);
    const without = await Bench.open();
    await without.run(1_000, 1_200);
    expect(alarmed(await without.run(1_200, 1_400, shown))).toBeGreaterThan(50);

    const bench = await Bench.open();
    await bench.run(1_000, 1_200);
    bench.detector.replaced(3);
    const measuring = await bench.run(1_200, 1_215, shown);
    expect(alarmed(measuring)).toBe(0);
    expect(measuring.every(({ masked, none }) => masked[3] === 1 && none === undefined)).toBe(true);
    const after = await Bench.open();
    expect(after.detector.restore(JSON.parse(JSON.stringify(bench.detector.save())) as SavedDetector)).toBe(true);
    const verdicts = await after.run(1_215, 1_500, shown);
    expect(alarmed(verdicts)).toBe(0);
    expect(verdicts.at(-1)?.masked[3]).toBe(0);
    expect(verdicts.some(({ slow }) => (slow?.ratio ?? 0) > 1)).toBe(false);
    const fault = await after.run(1_500, 1_600, (row, i) => {
      shown(row, i);
      row[3] = (row[3] as number) + 40;
    });
    const raised = fault.find(({ alarm }) => alarm);
    expect(raised).toBeDefined();
    // What people are shown is what the new sensor shows.
    const plain = machine[1_560 * channels + 3] as number;
    expect(Math.abs((fault[60]?.observed[3] as number) - (plain + 95))).toBeLessThan(15);
    expect(alarmed(await after.run(1_700, 1_800, shown))).toBeLessThan(30);
  });

  it('is judged anew after a long stop, whatever stood before it, and sees a fault that goes on', async () => {
    const stopped = (from: number, to: number, bench: Bench): Promise<Verdict[]> => bench.run(from, to, undefined, to - from, false);
    const bench = await Bench.open();
    await bench.run(1000, 1300);
    expect(alarmed(await bench.run(1300, 1400, step(3, 60)))).toBeGreaterThan(50);
    await stopped(1400, 1500, bench);
    const mended = await bench.run(1500, 1700);
    expect(mended.filter(({ none }) => none === 'filling')).toHaveLength(20);
    expect(mended.at(-1)?.none).toBeUndefined();
    expect(alarmed(mended)).toBeLessThan(5);
    await stopped(1700, 1800, bench);
    expect(alarmed(await bench.run(1800, 1900, step(3, 60)))).toBeGreaterThan(50);
  });

  it('begins its window anew after a hole and after a stop', async () => {
    const bench = await Bench.open();
    await bench.run(1000, 1200);
    const behind = await bench.run(1400, 1420);
    expect(behind[0]?.none).toBe('filling');
    expect(behind.at(-1)?.none).toBeUndefined();
  });
});
