import { describe, expect, it } from 'vitest';
import { WindowBatchBuilder } from '../../../src/core/window.ts';
import { AssetDetector, type Verdict } from '../../../src/detector/asset-detector.ts';
import { bundleOf } from '../../../src/learning/tracking/bundle.ts';
import { type LearntModel, learnTracking, type Precision } from '../../../src/learning/tracking/learn.ts';
import { createScorer } from '../../../src/scoring/index.ts';
import { syntheticRows } from '../../support/synthetic-machine.ts';

const channels = 5;
const learningRows = 600;
const stepMs = 1_000;
const names = Array.from({ length: channels }, (_, c) => `c${c}`);
const machine = syntheticRows({ rows: 1_400, channels, seed: 77 });

/** The same machine told in another way: `value` gives what stands in a column of it. */
function told(columns: readonly string[], value: (row: number, column: number) => number, rows: number): Float64Array {
  return Float64Array.from({ length: rows * columns.length }, (_, at) => value(Math.floor(at / columns.length), at % columns.length));
}
const plain = (row: number, column: number): number => machine[row * channels + column] as number;

const learn = (columns: readonly string[], values: Float64Array, precisions: readonly Precision[] = ['fp32']) =>
  learnTracking({ channels: columns, stepMs, runs: [{ rows: values.length / columns.length, values }] }, precisions);

/** Learns from the first rows and judges the others, with a step of `size` deviations in channel 2 of the machine from row 1,000 on. */
async function judged(
  columns: readonly string[],
  value: (row: number, column: number) => number,
  precision: Precision = 'fp32',
): Promise<{ verdicts: Verdict[]; columns: readonly string[] }> {
  const learnt = await learn(columns, told(columns, value, learningRows), [precision]);
  const bundle = await bundleOf(learnt, precision, { id: 'm', version: '1.0.0', stepMs, fromMs: null, toMs: null });
  const scorer = await createScorer(bundle, { place: 'inline' });
  const detector = new AssetDetector(bundle.detector as NonNullable<typeof bundle.detector>, bundle.manifest);
  const kept = bundle.manifest.channels.map(({ tag }) => columns.indexOf(tag));
  for (let row = learningRows; row < 1_400; row++) {
    const values = Float64Array.from(kept, (column) => value(row, column));
    detector.push({ endMs: (row + 1) * stepMs, values, bad: new Uint8Array(kept.length), running: true });
  }
  const verdicts: Verdict[] = [];
  const batch = new WindowBatchBuilder(bundle.manifest.length, kept.length);
  while (detector.hasRows) {
    batch.clear();
    detector.open(batch, 0);
    verdicts.push(...detector.settle(batch.count === 0 ? undefined : await scorer.score(batch)));
  }
  await scorer.dispose();
  return { verdicts, columns: kept.map((column) => columns[column] as string) };
}

const step = 40;
const stepped = (row: number, column: number): number => plain(row, column) + (column === 2 && row >= 1_000 ? step : 0);
const ratios = ({ verdicts }: { verdicts: readonly Verdict[] }): number[] => verdicts.map(({ ratio }) => ratio);
const alarms = ({ verdicts }: { verdicts: readonly Verdict[] }): boolean[] => verdicts.map(({ alarm }) => alarm);

function expectAlike(a: readonly number[], b: readonly number[], within: number): void {
  expect(a).toHaveLength(b.length);
  const apart = a.map((value, i) => (Number.isNaN(value) && Number.isNaN(b[i]) ? 0 : Math.abs(value / (b[i] as number) - 1)));
  expect(Math.max(...apart)).toBeLessThan(within);
}

describe('learning a tracking detector', () => {
  it('says when there are too few rows, or nothing that changes', async () => {
    await expect(learn(names, told(names, plain, 30))).rejects.toMatchObject({ code: 'FETTLE_TRAINING_FAILED' });
    await expect(
      learn(
        ['a', 'b'],
        told(['a', 'b'], () => 7, 600),
      ),
    ).rejects.toMatchObject({ code: 'FETTLE_TRAINING_FAILED' });
  });

  it('leaves a constant channel out and says so', async () => {
    const columns = [...names, 'still'];
    const { history } = await learn(
      columns,
      told(columns, (row, column) => (column === channels ? 230 : plain(row, column)), learningRows),
    );
    expect(history.constant).toEqual(['still']);
    expect(history.channels).toEqual(names);
  });

  it('learns as much from rows that came twice as from rows that came once', async () => {
    const once = await learn(names, told(names, plain, learningRows));
    const twice = await learn(
      names,
      told(names, (row, column) => plain(Math.floor(row / 2), column), 2 * learningRows),
    );
    expect(twice.history.rows).toBe(once.history.rows);
    expect(twice.models.get('fp32')?.limit).toBe(once.models.get('fp32')?.limit);
    expect(twice.history.longestRepeat).toBe(1);
  });

  it('bridges a short gap of a channel and ends the run at a long one', async () => {
    const holed = (from: number, to: number) =>
      learn(
        names,
        told(names, (row, column) => (column === 1 && row >= from && row < to ? Number.NaN : plain(row, column)), learningRows),
      );
    expect((await holed(300, 304)).history.runs.map(({ rows }) => rows)).toEqual([learningRows]);
    expect((await holed(300, 330)).history.runs).toHaveLength(2);
  });

  it('puts a lost value between its neighbours, and leaves a channel alone that often stands still', async () => {
    const { history } = await learn(
      names,
      told(
        names,
        (row, column) => {
          if (column === 1 && row === 300) return plain(299, 1);
          return column === 3 ? Math.round(plain(row, 3) / 5) * 5 : plain(row, column);
        },
        learningRows,
      ),
    );
    const values = history.runs[0]?.values as Float64Array;
    const at = (row: number, column: number): number => values[row * channels + column] as number;
    expect(at(300, 1)).toBeCloseTo((plain(299, 1) + plain(301, 1)) / 2, 9);
    for (let row = 0; row < learningRows; row++) expect(at(row, 3) % 5).toBe(0);
  });

  it('judges alike whatever the order, names and units of the channels are', async () => {
    const before = await judged(names, stepped);
    const order = [3, 0, 4, 2, 1];
    const units = [0.001, 40, 1, 1e5, 0.3];
    const other = await judged(
      order.map((c) => `plant/${c}`),
      (row, column) => 12 + stepped(row, order[column] as number) * (units[column] as number),
    );
    expectAlike(ratios(other), ratios(before), 0.01);
    expect(alarms(other)).toEqual(alarms(before));
    expect(alarms(before).filter(Boolean).length).toBeGreaterThan(100);
  });

  it('judges in INT8 nearly as in float32', async () => {
    const [float, int8] = await Promise.all([judged(names, stepped), judged(names, stepped, 'int8')]);
    expectAlike(ratios(int8), ratios(float), 0.3);
    const agreed = alarms(int8).filter((alarm, i) => alarm === alarms(float)[i]).length;
    expect(agreed / int8.verdicts.length).toBeGreaterThan(0.98);
  });

  it('names the channel that stepped and where it should have been', async () => {
    const { verdicts, columns } = await judged(names, stepped);
    const during = verdicts[1_030 - learningRows] as Verdict;
    expect(during.alarm).toBe(true);
    const c = during.contributions.indexOf(Math.max(...during.contributions));
    expect(columns[c]).toBe('c2');
    expect(Math.abs((during.observed[c] as number) - plain(1_029, 2) - step)).toBeLessThan(5);
    expect(Math.abs((during.expected[c] as number) - plain(1_029, 2))).toBeLessThan(step);
  });
});

describe('the self-test after learning', () => {
  const modelOf = async (value: (row: number, column: number) => number): Promise<LearntModel> =>
    (await learn(names, told(names, value, learningRows))).models.get('fp32') as LearntModel;

  it('finds a model that sees, and needs no lane of levels for it', async () => {
    const { selfTest, detector } = await modelOf(plain);
    expect(selfTest?.share).toBeGreaterThan(0.5);
    expect(selfTest?.blind).toHaveLength(Math.round((1 - (selfTest?.share ?? 0)) * channels));
    expect(detector.calibration.levels).toBeNull();
  });

  it('finds a model that is blind, because of a jump among the rows that set its limit, and names what it does not see', async () => {
    const { selfTest } = await modelOf((row, column) => plain(row, column) + (row >= 500 && row < 510 ? 400 * (column + 1) : 0));
    expect(selfTest?.share).toBeLessThan(0.5);
    expect(selfTest?.blind.length).toBeGreaterThan(2);
  });

  it('says nothing where there is no stretch to replay', async () => {
    const runs = Array.from({ length: 12 }, (_, run) => ({
      rows: 100,
      values: machine.slice(run * 100 * channels, (run + 1) * 100 * channels),
    }));
    const learnt = await learnTracking({ channels: names, stepMs, runs }, ['fp32']);
    expect(learnt.models.get('fp32')?.selfTest).toBeUndefined();
  });
});
