import { describe, expect, it } from 'vitest';
import type { DetectorRow } from '../../src/detector/asset-detector.ts';
import { RowGrid, type SavedRowGrid } from '../../src/detector/row-grid.ts';

const stepMs = 1_000;
/** A row that begins here is the first of its group, of three or of seven. */
const begin = 1_790_000_001_000 - (1_790_000_001_000 % (21 * stepMs));
const nothing = Number.NaN;

interface Told {
  readonly held?: readonly boolean[];
  readonly rowsPerStep?: number;
  readonly stopped?: readonly number[];
  readonly bad?: readonly number[];
  /** Rows of the recording that never came. */
  readonly without?: readonly number[];
}

/** Two channels, row after row → what the wider grid makes of them. */
function told(rows: readonly (readonly [number, number])[], { held = [false, false], rowsPerStep = 3, ...told }: Told = {}): DetectorRow[] {
  const grid = new RowGrid(held, rowsPerStep, stepMs);
  return rows.flatMap((values, i) => {
    if (told.without?.includes(i)) return [];
    const bad = Uint8Array.of(Number(told.bad?.includes(i) ?? false), 0);
    const whole = grid.add({
      endMs: begin + (i + 1) * stepMs,
      values: Float64Array.from(values),
      bad,
      running: told.stopped?.includes(i) !== true,
    });
    return whole === undefined ? [] : [whole];
  });
}
const valuesOf = (rows: readonly DetectorRow[]): number[][] => rows.map(({ values }) => [...values]);

describe('rows of a wider grid', () => {
  it('are the rows themselves where the grid is not wider', () => {
    expect(
      valuesOf(
        told(
          [
            [1, 2],
            [3, 4],
          ],
          { rowsPerStep: 1 },
        ),
      ),
    ).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it('are means that end at multiples of their step since the epoch', () => {
    const rows = told([
      [1, 10],
      [2, 20],
      [6, 30],
      [4, 40],
      [5, 50],
      [9, 60],
    ]);
    expect(valuesOf(rows)).toEqual([
      [3, 20],
      [6, 50],
    ]);
    expect(rows.map(({ endMs }) => endMs)).toEqual([begin + 3_000, begin + 6_000]);
  });

  it('take a row that comes again for none', () => {
    expect(
      valuesOf(
        told([
          [1, 10],
          [1, 10],
          [4, 20],
        ]),
      ),
    ).toEqual([[2.5, 15]]);
  });

  it('are the last one once more where nothing new came at all', () => {
    expect(
      valuesOf(
        told([
          [1, 10],
          [2, 20],
          [6, 30],
          [6, 30],
          [6, 30],
          [6, 30],
        ]),
      ),
    ).toEqual([
      [3, 20],
      [3, 20],
    ]);
  });

  it('take only what is new of a channel that is held, at whatever row it comes', () => {
    const rows = told(
      [
        [1, 5],
        [2, 7],
        [3, 7],
        [4, 7],
        [5, 9],
        [6, 9],
      ],
      { held: [false, true] },
    );
    expect(valuesOf(rows)).toEqual([
      [2, 6],
      [5, 9],
    ]);
    expect(
      valuesOf(
        told(
          [
            [1, 5],
            [2, 5],
            [3, 5],
            [4, 5],
            [5, 5],
            [6, 5],
          ],
          { held: [false, true] },
        ),
      ),
    ).toEqual([
      [2, 5],
      [5, 5],
    ]);
  });

  it('have a channel that has a value in half of the rows, and not one with fewer', () => {
    expect(
      valuesOf(
        told([
          [1, 10],
          [nothing, 20],
          [3, nothing],
        ]),
      ),
    ).toEqual([[2, 15]]);
    expect(
      valuesOf(
        told([
          [1, nothing],
          [2, nothing],
          [3, 30],
        ]),
      ),
    ).toEqual([[2, nothing]]);
  });

  it('have a bad channel only where it has no value', () => {
    const [bridged] = told(
      [
        [1, 10],
        [2, 20],
        [nothing, 30],
      ],
      { bad: [2] },
    );
    expect(bridged?.bad[0]).toBe(0);
    const [bad] = told(
      [
        [1, 10],
        [nothing, 20],
        [nothing, 30],
      ],
      { bad: [1, 2] },
    );
    expect(bad?.bad[0]).toBe(1);
  });

  it('run where the machine ran for half of them, and are of that time only', () => {
    const rows = told(
      [
        [1, 10],
        [3, 20],
        [100, 0],
        [100, 0],
        [100, 0],
        [5, 30],
      ],
      { stopped: [2, 3, 4] },
    );
    expect(rows.map(({ running }) => running)).toEqual([true, false]);
    expect(valuesOf(rows)[0]).toEqual([2, 15]);
  });

  it('leave out what a hole cut short', () => {
    const rows = told(
      [
        [1, 10],
        [2, 20],
        [3, 30],
        [4, 40],
        [5, 50],
        [6, 60],
      ],
      { without: [2, 3] },
    );
    expect(valuesOf(rows)).toEqual([[5.5, 55]]);
  });

  it('keep a channel that stands still bit for bit where it is, however many rows there are of it', () => {
    const still = 0.1 + 0.2;
    const rows = told(
      Array.from({ length: 14 }, (_, i) => [i % 5 === 0 ? i - 1 : i, still] as const),
      { rowsPerStep: 7 },
    );
    for (const { values } of rows) expect(values[1]).toBe(still);
  });

  it('go on from where they were kept', () => {
    const values = Array.from({ length: 30 }, (_, i) => Float64Array.of(Math.sin(i), i % 4 === 0 ? nothing : Math.floor(i / 3)));
    const row = (i: number): DetectorRow => ({
      endMs: begin + (i + 1) * stepMs,
      values: values[i] as Float64Array,
      bad: new Uint8Array(2),
      running: i % 11 !== 0,
    });
    const through = (cut: number | undefined): (DetectorRow | undefined)[] => {
      let grid = new RowGrid([false, true], 3, stepMs);
      return values.map((_, i) => {
        if (i === cut) {
          const saved = JSON.parse(JSON.stringify(grid.save())) as SavedRowGrid;
          grid = new RowGrid([false, true], 3, stepMs);
          grid.restore(saved);
        }
        return grid.add(row(i));
      });
    };
    for (let cut = 0; cut < values.length; cut++) expect(through(cut)).toEqual(through(undefined));
  });
});
