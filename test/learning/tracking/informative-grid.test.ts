import { describe, expect, it } from 'vitest';
import { gaussian, seededRandom } from '../../../src/core/seeded-random.ts';
import { type PreparedHistory, prepareHistory } from '../../../src/learning/tracking/history.ts';
import { gridRemarks, heldChannels } from '../../../src/learning/tracking/informative-grid.ts';
import { syntheticRows } from '../../support/synthetic-machine.ts';

const channels = 6;
const stepMs = 1_000;
const names = Array.from({ length: channels }, (_, c) => `c${c}`);
const machine = syntheticRows({ rows: 4_000, channels, seed: 5 });
const plain = (row: number, column: number): number => machine[row * channels + column] as number;

/** A history of the machine, `value` giving what is told of it. */
function prepared(rows: number, value: (row: number, column: number) => number = plain, rowsPerStep?: number): PreparedHistory {
  const values = Float64Array.from({ length: rows * channels }, (_, at) => value(Math.floor(at / channels), at % channels));
  return prepareHistory({ channels: names, stepMs, runs: [{ rows, values }] }, rowsPerStep);
}
/** Channels 1, 3 and 5 refresh every so many rows, each at a moment of its own. */
const slow =
  (every: number, among = [1, 3, 5]) =>
  (row: number, column: number): number =>
    among.includes(column) ? plain(Math.max(0, row - ((row + column) % every)), column) : plain(row, column);
const everyRows = ({ grid }: PreparedHistory, which: 'repeating' | 'leftOut'): number[] =>
  grid[which].map((held) => Math.round(held.everyRows));

describe('the grid on which a history says something new', () => {
  it('is that of the history where every row does', () => {
    const { grid, rows, stepMs: rowMs } = prepared(2_000);
    expect(grid).toEqual({ rowsPerStep: 1, repeating: [], leftOut: [] });
    expect(rows).toBe(2_000);
    expect(rowMs).toBe(stepMs);
  });

  it('follows the slowest refresh, and takes each value of a held channel once', () => {
    const history = prepared(2_000, slow(3));
    expect(history.grid).toEqual({ rowsPerStep: 3, repeating: [], leftOut: [] });
    expect(history.stepMs).toBe(3 * stepMs);
    expect(history.held).toEqual([false, true, false, true, false, true]);
    expect(history.rows).toBe(Math.floor(2_000 / 3));
    const [run] = history.runs;
    for (let row = 1; row < 100; row++) {
      expect(run?.values[row * channels]).toBeCloseTo((plain(3 * row, 0) + plain(3 * row + 1, 0) + plain(3 * row + 2, 0)) / 3, 9);
      // Channel 1 is refreshed in the last of three rows.
      expect(run?.values[row * channels + 1]).toBe(plain(3 * row + 2, 1));
    }
  });

  it('is found in rows that are polled faster than anything refreshes, too', () => {
    const polled = (row: number, column: number): number => slow(3)(Math.floor(row / 1.5), column);
    expect(prepared(3_000, polled).grid.rowsPerStep).toBe(5);
    expect(prepared(3_000, (row, column) => plain(Math.floor(row / 1.5), column)).grid.rowsPerStep).toBe(1);
  });

  it('begins where it will when the detector runs', () => {
    const values = machine.slice(0, 1_500 * channels).map((_, at) => slow(3)(Math.floor(at / channels), at % channels));
    const { runs } = prepareHistory({ channels: names, stepMs, runs: [{ rows: 1_500, values, startMs: 3_000_000_001_000 }] });
    // The history begins with the second row of three: these two make a row.
    expect(runs[0]?.values[0]).toBeCloseTo((plain(0, 0) + plain(1, 0)) / 2, 9);
  });

  it('is as wide as enough rows are left, and says what repeats itself all the same', () => {
    const history = prepared(1_000, slow(5));
    expect(history.grid.rowsPerStep).toBe(2);
    expect(everyRows(history, 'repeating')).toEqual([5, 5, 5]);
    expect(gridRemarks(history.grid, stepMs).join('\n')).toMatch(/warning: .* too short .*c1 \(every 5 s\), c3 .*2000 rows would do/);
    const short = prepared(400, slow(3));
    expect(short.grid.rowsPerStep).toBe(1);
    expect(short.rows).toBe(400);
  });

  it('does not wait for a few channels that are much slower than the others, and leaves them out', () => {
    const history = prepared(4_000, slow(60));
    expect(history.grid.rowsPerStep).toBe(1);
    expect(everyRows(history, 'leftOut')).toEqual([60, 60, 60]);
    expect(history.channels).toEqual(['c0', 'c2', 'c4']);
    expect(history.columns).toEqual([0, 2, 4]);
    expect(history.runs[0]?.values.length).toBe(4_000 * 3);
    expect(gridRemarks(history.grid, stepMs).join('\n')).toMatch(/left out.*c1 \(every 1 min\)/);
  });

  it('is wide where nearly all are slow', () => {
    expect(prepared(4_000, slow(8, [0, 1, 2, 3, 4])).grid).toEqual({ rowsPerStep: 8, repeating: [], leftOut: [] });
  });

  it('finds rows that were drawn as straight lines between measured ones', () => {
    for (const times of [2, 3, 4]) {
      const drawn = (row: number, column: number): number => {
        const before = Math.floor(row / times);
        const share = (row % times) / times;
        return Number(((1 - share) * plain(before, column) + share * plain(before + 1, column)).toFixed(4));
      };
      const history = prepared(2_400, drawn);
      expect(history.grid).toEqual({ rowsPerStep: times, repeating: [], leftOut: [] });
      expect(history.held).not.toContain(true);
    }
  });

  it('is as wide as it is told to be', () => {
    expect(prepared(400, plain, 4).rows).toBe(100);
    expect(prepared(2_000, slow(3), 1).rows).toBe(2_000);
  });
});

describe('channels that stand still now and then', () => {
  const rows = 3_000;
  const found = (value: (row: number) => number): number[] =>
    heldChannels({ channels: ['x'], runs: [{ rows, values: Float64Array.from({ length: rows }, (_, row) => value(row)) }] }).map(
      (held) => held.everyRows,
    );
  const normal = gaussian(seededRandom(9));
  const noise = Float64Array.from({ length: rows }, () => normal());

  it('are held where their values come with a beat, even one that is not whole', () => {
    expect(found((row) => noise[Math.floor(row / 4)] as number)).toEqual([4]);
    const [uneven] = found((row) => noise[Math.floor(row / 2.5)] as number);
    expect(uneven).toBeCloseTo(2.5, 1);
  });

  it('are held where now and then a refresh is late or lost', () => {
    const random = seededRandom(3);
    const late = Float64Array.from({ length: rows }, () => (random() < 0.1 ? 1 : 0));
    const [beat] = found((row) => noise[Math.floor((row - (late[Math.floor(row / 4)] as number)) / 4)] ?? 0);
    expect(beat).toBeCloseTo(4, 0);
  });

  it('are not where rounding holds them', () => {
    let slowly = 0;
    const wandering = noise.map((one) => (slowly = 0.999 * slowly + 0.05 * one));
    for (const digit of [0.02, 0.1, 0.3]) expect(found((row) => Math.round((wandering[row] as number) / digit) * digit)).toEqual([]);
    // A steady rise in steps of the last digit.
    expect(found((row) => Math.floor(row / 10) * 0.1)).toEqual([]);
  });

  it('are not where a programme moves them', () => {
    const setPoints = [20, 50, 80, 35];
    expect(found((row) => setPoints[Math.floor(row / 30) % 4] as number)).toEqual([]);
    expect(found((row) => (Math.floor(row / 15) % 2) * 5)).toEqual([]);
  });

  it('are not where values get lost', () => {
    const random = seededRandom(4);
    let last = 0;
    const lossy = noise.map((one) => (last = random() < 0.3 ? last : one));
    expect(found((row) => lossy[row] as number)).toEqual([]);
  });
});
