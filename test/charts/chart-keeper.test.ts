import { describe, expect, it, onTestFinished } from 'vitest';
import { ChartKeeper, type ChartSeries, type ChartSpan } from '../../src/charts/chart-keeper.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { quality } from '../../src/core/quality.ts';
import { gaussian, seededRandom } from '../../src/core/seeded-random.ts';
import { Journal } from '../../src/journal/journal.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { type Recorded, type RecordedScore, record } from './recorded-journal.ts';

const startMs = 1_790_000_000_000;
const everyMs = 20_000;
const hourMs = 3_600_000;
const channels = [0, 1];

async function openJournal(directory = temporaryDirectory()): Promise<{ journal: Journal; directory: string }> {
  const journal = await Journal.open({ directory, maxBytes: 1e9, maxAgeMs: 1e12, version: '1.0.0' });
  onTestFinished(() => journal.close());
  return { journal, directory };
}

function keeperOf(journal: Journal, directory: string): ChartKeeper {
  const keeper = new ChartKeeper(journal, directory, silentLogger);
  onTestFinished(() => keeper.stop());
  return keeper;
}

/** Hours of two tags and of scores for both, an hour a commit; now and then a value is bad or missing. */
function plant(seed: number) {
  const random = seededRandom(seed);
  const normal = gaussian(random);
  const samples: Recorded[] = [];
  const scores: RecordedScore[] = [];
  let atMs = startMs;
  const run = async (journal: Journal, hours: number): Promise<void> => {
    for (let hour = 0; hour < hours; hour++) {
      const [newSamples, newScores]: [Recorded[], RecordedScore[]] = [[], []];
      for (const endMs = atMs + hourMs; atMs < endMs; atMs += everyMs) {
        for (const tag of channels) {
          const isBad = random() < 0.02;
          const value = random() < 0.02 ? Number.NaN : 10 * tag + normal();
          newSamples.push({ tag, timeMs: atMs + tag, value, quality: isBad ? quality.badSensorFailure : quality.good });
        }
        // Of another asset's: not to be mixed up.
        newSamples.push({ tag: 7, timeMs: atMs, value: 1e9, quality: quality.good });
        newScores.push({
          endMs: atMs + everyMs,
          value: Math.exp(normal()),
          contributions: channels.map(() => random()),
          expected: channels.map((tag) => 10 * tag + normal()),
        });
      }
      await record(journal, newSamples, newScores);
      samples.push(...newSamples);
      scores.push(...newScores);
    }
  };
  return { samples, scores, run, endMs: () => atMs };
}

/** The same from the samples themselves. */
function expectSeries(series: ChartSeries, samples: readonly Recorded[], scores: readonly RecordedScore[]): void {
  const { fromMs, stepMs, points } = series;
  const place = (ms: number): number => Math.floor((ms - fromMs) / stepMs);
  let filled = 0;
  for (const tag of channels) {
    const values = Array.from({ length: points }, (): number[] => []);
    for (const sample of samples) {
      if (sample.tag === tag && sample.quality === 0 && !Number.isNaN(sample.value)) values[place(sample.timeMs)]?.push(sample.value);
    }
    values.forEach((own, i) => {
      const [min, mean, max] = [series.min[tag]?.[i], series.mean[tag]?.[i], series.max[tag]?.[i]];
      if (own.length === 0) {
        expect([min, mean, max]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
        return;
      }
      filled++;
      expect(min).toBe(Math.min(...own));
      expect(max).toBe(Math.max(...own));
      expect(mean).toBeCloseTo(own.reduce((sum, value) => sum + value, 0) / own.length, 9);
    });
  }
  expect(filled).toBeGreaterThan(points / 2);
  const own = Array.from({ length: points }, (): RecordedScore[] => []);
  for (const score of scores) own[place(score.endMs - 1)]?.push(score);
  own.forEach((list, i) => {
    if (list.length === 0) {
      expect(series.ratio[i]).toBeNaN();
      return;
    }
    const worst = list.reduce((most, score) => (score.value > most.value ? score : most));
    expect(series.ratio[i]).toBeCloseTo(worst.value / 2, 5);
    for (const c of channels) {
      expect(series.contributions[i * 2 + c]).toBeCloseTo(worst.contributions[c] as number, 5);
      expect(series.expected[i * 2 + c]).toBeCloseTo(list.reduce((sum, { expected }) => sum + (expected[c] as number), 0) / list.length, 4);
    }
  });
}

const span = (fromMs: number, toMs: number, points: number): ChartSpan => ({
  asset: 0,
  tags: channels,
  fromMs,
  toMs,
  points,
  gridMs: everyMs,
});

/** When everything that was recorded has been summed up: also where that was said before the last of it came. */
async function summed(keeper: ChartKeeper, toMs: number): Promise<void> {
  await eventually(async () => {
    const { summedToMs, ratio, mean } = await keeper.series(span(toMs - 400 * 300_000, toMs, 400), [0]);
    return summedToMs === null && [ratio, ...mean].every((values) => !Number.isNaN(values.at(-1)));
  }, 'all is summed up');
}

describe('charts', () => {
  it('of hours come from the samples, of weeks from sums; both are what the journal holds', async () => {
    const { journal, directory } = await openJournal();
    const { samples, scores, run, endMs } = plant(3);
    await run(journal, 80);
    const keeper = keeperOf(journal, directory);
    const short = await keeper.series(span(startMs + 5 * hourMs + 1234, startMs + 9 * hourMs, 100), [0]);
    expect(short.stepMs).toBe(160_000);
    expectSeries(short, samples, scores);
    await summed(keeper, endMs());
    const long = await keeper.series(span(startMs, endMs(), 200), [0]);
    expect(long.stepMs).toBe(1_500_000);
    expectSeries(long, samples, scores);
    // What comes later is added, once.
    await run(journal, 3);
    await summed(keeper, endMs());
    expectSeries(await keeper.series(span(startMs, endMs(), 200), [0]), samples, scores);
    await keeper.stop();
    await run(journal, 2);
    const again = keeperOf(journal, directory);
    await summed(again, endMs());
    expectSeries(await again.series(span(startMs, endMs(), 200), [0]), samples, scores);
  });

  it('of another journal in the same place are those of that journal', async () => {
    const first = await openJournal();
    const old = plant(3);
    await old.run(first.journal, 40);
    const keeper = keeperOf(first.journal, first.directory);
    await summed(keeper, old.endMs());
    await keeper.stop();
    const second = await openJournal();
    const fresh = plant(4);
    await fresh.run(second.journal, 40);
    const other = keeperOf(second.journal, first.directory);
    await summed(other, fresh.endMs());
    await eventually(async () => {
      const series = await other.series(span(startMs, fresh.endMs(), 100), [0]);
      try {
        expectSeries(series, fresh.samples, fresh.scores);
        return true;
      } catch {
        return false;
      }
    }, 'the sums are of the other journal');
  });
});
