import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateFiles } from '../../../src/cli/evaluate-files.ts';
import { gaussian, seededRandom } from '../../../src/core/seeded-random.ts';
import { type Metrics, metricsOf } from '../../../src/learning/evaluation/metrics.ts';
import {
  csvOf,
  deviationsOf,
  drawn,
  drifting,
  inOtherUnits,
  meansOfTwo,
  partlyHeld,
  permuted,
  polled,
  refreshedApart,
  type Sheet,
  stuck,
  twice,
  withBursts,
  withLosses,
  withoutChannel,
} from '../../../tools/public-recordings/retold.ts';
import { plantLearningRows, plantSheet } from './retold-plant.ts';

const folder = mkdtempSync(join(tmpdir(), 'fettle-retold-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Three recordings: with one, a fault more or less decides. */
const plants = [1, 2, 3].map(plantSheet);
/** Rows after the first that is judged. */
const soon = plantLearningRows + 60;
let plain: Metrics;

/** The recordings told in another way, `rowsPerRow` rows for one; learnt and judged by what `fettle evaluate` does, counted together. */
async function told(change: (sheet: Sheet, random: () => number) => Sheet, rowsPerRow = 1): Promise<Metrics> {
  const csv = plants.map((plant, i) => {
    const file = join(folder, `plant${i}.csv`);
    writeFileSync(file, csvOf(change(plant, seededRandom(9 + i))));
    return file;
  });
  const files = await evaluateFiles({
    csv,
    time: 'datetime',
    label: 'anomaly',
    ignore: [],
    trainRows: plantLearningRows * rowsPerRow,
    trainCsv: [],
    stepMs: 'auto',
    precisions: ['int8'],
  });
  return metricsOf(files.flatMap(({ series }) => [...series.values()]));
}
const deviations = (sheet: Sheet): number[] => deviationsOf(sheet, plantLearningRows);

beforeAll(async () => {
  plain = await told((sheet) => sheet);
});

describe('a plant told in another way', () => {
  it('is seen well as it is', () => {
    expect(plain.f1).toBeGreaterThan(0.94);
    expect(plain).toMatchObject({ events: 18, missed: 0, episodes: 0 });
  });

  it('is judged the same with its channels in another order and under other names', async () => {
    const other = await told(permuted);
    expect(Math.abs(other.f1 - plain.f1)).toBeLessThan(0.002);
    expect(Math.abs(other.auc - plain.auc)).toBeLessThan(0.002);
  });

  it('is judged the same in other units', async () => {
    const other = await told((sheet, random) => inOtherUnits(sheet, gaussian(random), deviations(sheet)));
    expect(Math.abs(other.f1 - plain.f1)).toBeLessThan(0.002);
    expect(Math.abs(other.auc - plain.auc)).toBeLessThan(0.002);
  });

  it.each([
    { name: 'every row is polled twice', change: twice, rowsPerRow: 2 },
    { name: 'it is polled 1.5 times as fast as it refreshes', change: (sheet: Sheet) => polled(sheet, 1.5), rowsPerRow: 1.5 },
  ])('is judged the same within a hundredth when $name', async ({ change, rowsPerRow }) => {
    const other = await told(change, rowsPerRow);
    expect(Math.abs(other.f1 - plain.f1)).toBeLessThan(0.01);
    expect(Math.abs(other.far - plain.far)).toBeLessThan(0.005);
    expect(other).toMatchObject({ missed: 0, episodes: 0 });
  });

  it.each([
    { name: 'rows are drawn between those that were measured', change: (sheet: Sheet) => drawn(sheet, 2), rowsPerRow: 2 },
    { name: 'each channel refreshes at a moment of its own', change: (sheet: Sheet) => refreshedApart(sheet, 4), rowsPerRow: 4 },
  ])('is judged the same within two hundredths when $name', async ({ change, rowsPerRow }) => {
    const other = await told(change, rowsPerRow);
    expect(Math.abs(other.f1 - plain.f1)).toBeLessThan(0.02);
    expect(Math.abs(other.far - plain.far)).toBeLessThan(0.01);
    expect(other).toMatchObject({ missed: 0, episodes: 0 });
  });

  // Alarms begin after some rows and end after ten quiet ones: rows twice as long are seconds more on each side of a fault of four minutes.
  it('shows the same faults in rows averaged to double the period, some seconds later', async () => {
    const other = await told(meansOfTwo, 0.5);
    expect(other).toMatchObject({ events: 18, missed: 0, episodes: 0 });
    expect(other.delayMedianS).toBeLessThan(2 * plain.delayMedianS + 2);
    expect(plain.auc - other.auc).toBeLessThan(0.02);
    expect(plain.f1 - other.f1).toBeLessThan(0.06);
  });

  it('shows the same faults when some channels refresh every third row only, later', async () => {
    const other = await told((sheet) => partlyHeld(sheet, 3));
    expect(other).toMatchObject({ missed: 0, episodes: 0 });
    expect(other.delayMedianS).toBeLessThan(3 * plain.delayMedianS + 6);
    expect(other.f1).toBeGreaterThan(0.82);
  });
});

describe('what happens to sensors in the field', () => {
  const lessThanAPointMore = (other: Metrics): void => expect(other.far - plain.far).toBeLessThan(0.01);

  it('raises no more false alarms where 5 % of all values are lost', async () => {
    for (const from of [0, plantLearningRows]) {
      const other = await told((sheet, random) => withLosses(sheet, 0.05, from, random));
      lessThanAPointMore(other);
      expect(other.missed).toBe(0);
      expect(plain.f1 - other.f1).toBeLessThan(0.04);
    }
  });

  it('raises no more false alarms where one channel drops out for ten rows again and again', async () => {
    const other = await told((sheet, random) => withBursts(sheet, plantLearningRows, random));
    lessThanAPointMore(other);
    expect(plain.f1 - other.f1).toBeLessThan(0.06);
  });

  it.each([
    { name: 'is lost for good', change: withoutChannel },
    { name: 'is stuck on its value', change: stuck },
  ])('leaves the other channels watched as before when one $name', async ({ change }) => {
    const other = await told((sheet, random) => change(sheet, soon, random));
    lessThanAPointMore(other);
    expect(other.episodes).toBeLessThanOrEqual(1);
    // The three faults in that channel itself are gone with it; others are seen by what it has to do with theirs.
    expect(other.missed).toBeLessThanOrEqual(4);
    expect(other.f1).toBeGreaterThan(0.79);
  });

  it('follows slow drifts of two channels without an alarm, and sees faults as before', async () => {
    const other = await told((sheet, random) => drifting(sheet, 3_600, deviations(sheet), random));
    lessThanAPointMore(other);
    expect(other).toMatchObject({ missed: 0, episodes: 0 });
    expect(Math.abs(other.f1 - plain.f1)).toBeLessThan(0.01);
  });
});
