import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { LoadedBundle } from '../../src/core/manifest.ts';
import type { ScoreBatch } from '../../src/core/score.ts';
import { WindowBatchBuilder } from '../../src/core/window.ts';
import type { Verdict } from '../../src/detector/asset-detector.ts';
import { Detection, type SavedDetection } from '../../src/gateway/detection.ts';
import { judgeRecording, type RecordedRows } from '../../src/gateway/recording-run.ts';
import { bundleOf } from '../../src/learning/tracking/bundle.ts';
import { learnTracking } from '../../src/learning/tracking/learn.ts';
import { createScorer } from '../../src/scoring/index.ts';
import type { AssetPlan } from '../../src/windows/plan.ts';
import { syntheticRows } from '../support/synthetic-machine.ts';

const channels = 6;
const stepMs = 1_000;
const learningRows = 2_400;
const rows = 4_000;
const beginMs = 1_790_000_000_000;
const names = Array.from({ length: channels }, (_, c) => `c${c}`);
const machine = syntheticRows({ rows, channels, seed: 31 });
/** Channels 1, 3 and 5 refresh every third row, at moments of their own. `by` is added to what the machine does. */
const told = (row: number, c: number, by: (row: number, c: number) => number = () => 0): number => {
  const at = c % 2 === 1 ? Math.max(0, row - ((row + c) % 3)) : row;
  return (machine[at * channels + c] as number) + by(at, c);
};
const learn = async (rowsPerStep?: number): Promise<LoadedBundle> => {
  const values = Float64Array.from({ length: learningRows * channels }, (_, at) => told(Math.floor(at / channels), at % channels));
  const learnt = await learnTracking({ channels: names, stepMs, runs: [{ rows: learningRows, values, startMs: beginMs }] }, ['int8'], {
    ...(rowsPerStep !== undefined && { rowsPerStep }),
  });
  return bundleOf(learnt, 'int8', { id: 'machine', version: '1.0.0', stepMs, fromMs: null, toMs: null });
};
let bundle: LoadedBundle;
beforeAll(async () => {
  bundle = await learn();
});

/** Rows through the gateway's detection, `at` a tick; the state is kept and taken up again at the rows `cuts`. */
async function detected(at: number, cuts: readonly number[] = []): Promise<(Verdict | 'held')[]> {
  const scorer = await createScorer(bundle, { place: 'inline' });
  onTestFinished(() => scorer.dispose());
  const opened = (): Detection => new Detection(['press'], [{ detectors: [{ batch: 0, columns: names.map((_, c) => c) }] }], [scorer]);
  const batch = new WindowBatchBuilder(bundle.manifest.length, channels);
  const score = async (): Promise<(ScoreBatch | undefined)[]> => [batch.count === 0 ? undefined : await scorer.score(batch)];
  const verdicts: (Verdict | 'held')[] = [];
  let detection = opened();
  for (let first = learningRows; first < learningRows + 600; first += at) {
    for (let row = first; row < first + at; row++) {
      if (cuts.includes(row)) {
        const saved = JSON.parse(JSON.stringify(detection.save())) as SavedDetection;
        detection = opened();
        detection.restore(saved);
      }
      const values = Float64Array.from({ length: channels }, (_, c) => told(row, c));
      detection.feed(0, {
        plan: {} as AssetPlan,
        endMs: beginMs + (row + 1) * stepMs,
        values,
        states: new Uint8Array(channels),
        qualities: new Uint8Array(channels),
        running: row % 200 > 20,
      });
    }
    await detection.settle([batch], score);
    for (let row = first; row < first + at; row++) verdicts.push((detection.next(0) as { verdict: Verdict | 'held' }).verdict);
    detection.clear();
  }
  return verdicts;
}
const plain = (verdicts: readonly (Verdict | 'held')[]) =>
  verdicts.map((verdict) => (verdict === 'held' ? verdict : [verdict.endMs, verdict.none, verdict.ratio, verdict.alarm]));

describe('an asset some of whose channels refresh every third row', () => {
  it('is judged every third row, on event time', async () => {
    expect(bundle.detector?.rowsPerStep).toBe(3);
    expect(bundle.detector?.channels.map(({ held }) => held)).toEqual([false, true, false, true, false, true]);
    expect(bundle.manifest.stepMs).toBe(stepMs);
    const verdicts = await detected(60);
    expect(verdicts).toHaveLength(600);
    verdicts.forEach((verdict, i) => {
      const endMs = beginMs + (learningRows + i + 1) * stepMs;
      if (endMs % 3_000 !== 0) expect(verdict).toBe('held');
      else expect(verdict).toMatchObject({ endMs });
    });
    expect(verdicts.filter((verdict) => verdict !== 'held' && Number.isFinite(verdict.ratio)).length).toBeGreaterThan(140);
  });

  it('is judged alike however its rows are cut into ticks, and across restarts in the middle of a wider row', async () => {
    const whole = plain(await detected(600));
    expect(plain(await detected(1))).toEqual(whole);
    expect(plain(await detected(20))).toEqual(whole);
    const cuts = [20, 100, 220, 340, 500].map((row) => learningRows + row);
    expect(plain(await detected(20, cuts))).toEqual(whole);
  });

  it('shows a fault in a held channel that it would not see row after row', async () => {
    const fault = { from: learningRows + 900, channel: 3 };
    const by = (row: number, c: number): number => (c === fault.channel && row >= fault.from ? 16 : 0);
    const recorded = (change?: typeof by): RecordedRows => ({
      columns: names,
      timeMs: Float64Array.from({ length: rows }, (_, i) => beginMs + i * stepMs),
      values: names.map((_, c) => Float64Array.from({ length: rows }, (__, row) => told(row, c, change))),
    });
    const alarmRows = async (by_: LoadedBundle, change?: typeof by): Promise<{ before: number; within: number }> => {
      const judged = await judgeRecording(recorded(change), { from: learningRows, to: rows }, by_);
      const onset = beginMs + fault.from * stepMs;
      return {
        before: judged.filter(({ alarm, endMs }) => alarm && endMs <= onset).length,
        within: judged.filter(({ alarm, endMs }) => alarm && endMs > onset && endMs < onset + 300 * stepMs).length,
      };
    };
    const rowAfterRow = await learn(1);
    expect(await alarmRows(bundle)).toEqual({ before: 0, within: 0 });
    const [wide, fine] = [await alarmRows(bundle, by), await alarmRows(rowAfterRow, by)];
    expect(wide.before).toBe(0);
    expect(wide.within).toBeGreaterThan(60);
    expect(fine.within / 300).toBeLessThan((wide.within / 100) * 0.5);
  });
});
