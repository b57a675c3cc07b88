import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SampleBlockBuilder } from '../../src/core/sample-block.ts';
import { WindowBatchBuilder } from '../../src/core/window.ts';
import type { Recording } from '../../src/learning/csv.ts';
import { sameColumns, toGrid } from '../../src/learning/grid.ts';
import { WindowAssembler } from '../../src/windows/assembler.ts';

const stepMs = 100;
const length = 4;
const slide = 2;

const recordingOf = (rows: readonly (readonly [number, ...number[]])[], channels = 2): Recording => ({
  file: 'a.csv',
  columns: Array.from({ length: channels }, (_, c) => `c${c}`),
  timeMs: Float64Array.from(rows, ([time]) => time),
  values: Array.from({ length: channels }, (_, c) => Float64Array.from(rows, (row) => row[c + 1] as number)),
});

/** Windows by their end, made by the gateway's own assembler from the same samples. */
function gatewayWindows(recording: Recording): Map<number, number[]> {
  const channels = recording.columns.length;
  const batch = new WindowBatchBuilder(length, channels);
  const plan = {
    asset: 0,
    id: 'a',
    stepMs,
    length,
    slide,
    allowedLatenessMs: 0,
    columns: recording.columns.map((_, tag) => ({ tag, source: 0, hold: false, maxAgeMs: 3 * stepMs })),
    modelColumns: [...recording.columns.keys()],
    batch: 0,
    running: undefined,
  };
  const assembler = new WindowAssembler([plan], [batch], { row: () => {}, window: () => {}, invalid: () => {} });
  const block = new SampleBlockBuilder();
  const times = recording.timeMs as Float64Array;
  times.forEach((timeMs, i) => {
    recording.values.forEach((column, tag) => {
      if (Number.isFinite(column[i])) block.append(tag, timeMs, column[i] as number, 0);
    });
  });
  // The step after the last one closes it.
  block.append(0, (Math.floor((times.at(-1) as number) / stepMs) + 1) * stepMs, 0, 0);
  assembler.block(block);
  const values = length * channels;
  return new Map(
    Array.from({ length: batch.count }, (_, w) => [batch.endMs[w] as number, [...batch.values.slice(w * values, (w + 1) * values)]]),
  );
}

/** The same windows cut from the trainer's rows. */
function trainerWindows(recording: Recording): Map<number, number[]> {
  const channels = recording.columns.length;
  const windows = new Map<number, number[]>();
  for (const { firstStep, rows, values } of toGrid(recording, stepMs)) {
    for (let end = firstStep + length; end <= firstStep + rows; end++) {
      const from = (end - length - firstStep) * channels;
      if (end % slide === 0) windows.set(end * stepMs, [...Float32Array.from(values.subarray(from, from + length * channels))]);
    }
  }
  return windows;
}

describe('toGrid', () => {
  it('makes the windows that the gateway makes of the same samples', () => {
    const value = fc.oneof({ weight: 5, arbitrary: fc.integer({ min: -1000, max: 1000 }) }, fc.constant(Number.NaN));
    const gap = fc.oneof({ weight: 30, arbitrary: fc.integer({ min: 0, max: 250 }) }, fc.constant(1000), fc.constant(100_000));
    let compared = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 5000 }),
        fc.array(fc.tuple(gap, value, value), { minLength: 20, maxLength: 80 }),
        (startMs, rows) => {
          let time = 1_767_225_600_000 + startMs;
          const recording = recordingOf(
            rows.map(([wait, a, b]) => {
              time += wait;
              return [time, a, b];
            }),
          );
          const heard = new Set(
            rows.flatMap(([, a, b], i) =>
              Number.isNaN(a) && Number.isNaN(b) ? [] : [Math.floor(((recording.timeMs as Float64Array)[i] as number) / stepMs)],
            ),
          );
          const endsHeard = ([endMs]: readonly [number, unknown]): boolean => heard.has(endMs / stepMs - 1);
          const gateway = gatewayWindows(recording);
          const trainer = trainerWindows(recording);
          // Into a hole, each carries as far as it likes.
          expect(new Map([...trainer].filter(endsHeard))).toEqual(new Map([...gateway].filter(endsHeard)));
          for (const [endMs, window] of trainer) expect(gateway.get(endMs)).toEqual(window);
          compared += trainer.size;
        },
      ),
      { numRuns: 300, seed: 7 },
    );
    expect(compared).toBeGreaterThan(1000);
  });

  it('lets no run go over a hole, and takes rows that are out of order', () => {
    const ordered: [number, number][] = [0, 100, 200, 700, 800].map((time, i) => [time, i]);
    const runs = toGrid(recordingOf([ordered[3], ordered[0], ordered[2], ordered[1], ordered[4]] as [number, number][], 1), stepMs);
    expect(runs.map(({ firstStep, values }) => [firstStep, ...values])).toEqual([
      [0, 0, 1, 2],
      [7, 3, 4],
    ]);
  });

  it('takes the rows for the steps where there is no time', () => {
    const [run] = toGrid(
      {
        ...recordingOf(
          [
            [0, 5],
            [1, 6],
            [2, 7],
          ],
          1,
        ),
        timeMs: undefined,
      },
      stepMs,
    );
    expect(run).toMatchObject({ firstStep: 0, rows: 3, values: Float64Array.of(5, 6, 7) });
  });
});

describe('sameColumns', () => {
  it('names the file that differs', () => {
    const other = { ...recordingOf([[0, 1, 2]]), file: 'b.csv', columns: ['c0', 'c2'] };
    expect(() => sameColumns([recordingOf([[0, 1, 2]]), other])).toThrow(
      /b\.csv:1: its columns \(c0, c2\) are not those of a\.csv \(c0, c1\)/,
    );
  });
});
