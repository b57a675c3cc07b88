import type { DetectorRow } from './asset-detector.ts';

interface Group {
  readonly number: number;
  /** Rows in which the machine ran. */
  running: number;
  /** By channel: rows with a value; and of those that count, how many there were, the first value and the sum of what lay above it. */
  readonly present: Uint32Array;
  readonly count: Uint32Array;
  readonly first: Float64Array;
  readonly above: Float64Array;
}

/**
 * Rows of an asset's grid → rows of the grid on which its machine says something new: means of `rowsPerStep` rows, in groups that end at multiples of rowsPerStep · stepMs since the epoch,
 * so a replay makes the same ones. A row that is the last one once more does not count, nor does the last value of a held channel; a channel with a value in fewer than half of the rows has none, and a group in which the machine ran for
 * fewer than half did not run. A group cut short by a hole is dropped.
 */
export class RowGrid {
  readonly rowsPerStep: number;
  readonly #stepMs: number;
  readonly #held: readonly boolean[];
  /** The last usable value of each channel, and the last row given out. */
  readonly #last: Float64Array;
  #given: Float64Array;
  #group: Group | undefined;

  /** `held`: by channel, whether its values stand until the next comes, less often than rows do. */
  constructor(held: readonly boolean[], rowsPerStep: number, stepMs: number) {
    this.rowsPerStep = rowsPerStep;
    this.#stepMs = stepMs;
    this.#held = held;
    this.#last = new Float64Array(held.length).fill(Number.NaN);
    this.#given = new Float64Array(held.length).fill(Number.NaN);
  }

  /** Rows in order of time. Returns the row of the wider grid that this one completes. */
  add(row: DetectorRow): DetectorRow | undefined {
    const { rowsPerStep } = this;
    if (rowsPerStep === 1) return row;
    const step = Math.round(row.endMs / this.#stepMs);
    const number = Math.ceil(step / rowsPerStep);
    if (this.#group?.number !== number) this.#group = this.#begin(number);
    if (row.running) this.#sum(this.#group, row.values);
    if (step % rowsPerStep !== 0) return undefined;
    const whole = this.#mean(this.#group, row);
    this.#group = undefined;
    return whole;
  }

  #begin(number: number): Group {
    const channels = this.#last.length;
    return {
      number,
      running: 0,
      present: new Uint32Array(channels),
      count: new Uint32Array(channels),
      first: new Float64Array(channels),
      above: new Float64Array(channels),
    };
  }

  #sum(group: Group, values: Float64Array): void {
    const { present, count, first, above } = group;
    group.running++;
    const repeats = values.every((value, c) => value === this.#last[c]);
    values.forEach((value, c) => {
      if (!Number.isFinite(value)) return;
      present[c] = (present[c] as number) + 1;
      const counts = this.#held[c] === true ? value !== this.#last[c] : !repeats;
      this.#last[c] = value;
      if (!counts) return;
      if (count[c] === 0) first[c] = value;
      count[c] = (count[c] as number) + 1;
      // A channel that stands still has to stay bit for bit where it is, however many rows there are of it.
      above[c] = (above[c] as number) + (value - (first[c] as number));
    });
  }

  #mean({ running, present, count, first, above }: Group, { endMs, bad }: DetectorRow): DetectorRow {
    const enough = (rows: number | undefined): boolean => 2 * (rows ?? 0) >= this.rowsPerStep;
    const saidNothing = count.every((rows) => rows === 0);
    const values = Float64Array.from(count, (rows, c) => {
      if (!enough(present[c])) return Number.NaN;
      if (rows > 0) return (first[c] as number) + (above[c] as number) / rows;
      const given = this.#given[c] as number;
      return saidNothing && !Number.isNaN(given) ? given : (this.#last[c] as number);
    });
    this.#given = values;
    return { endMs, values, bad: bad.map((worst, c) => (Number.isNaN(values[c]) ? worst : 0)), running: enough(running) };
  }

  save(): SavedRowGrid {
    const finite = (values: Float64Array): (number | null)[] => Array.from(values, (value) => (Number.isFinite(value) ? value : null));
    const group = this.#group;
    return {
      rowsPerStep: this.rowsPerStep,
      last: finite(this.#last),
      given: finite(this.#given),
      group:
        group === undefined
          ? null
          : {
              number: group.number,
              running: group.running,
              present: [...group.present],
              count: [...group.count],
              first: [...group.first],
              above: [...group.above],
            },
    };
  }

  /** Stays as new where the state is that of another grid. */
  restore({ rowsPerStep, last, given, group }: SavedRowGrid): void {
    if (rowsPerStep !== this.rowsPerStep || last.length !== this.#last.length) return;
    this.#last.set(last.map((value) => value ?? Number.NaN));
    this.#given = Float64Array.from(given, (value) => value ?? Number.NaN);
    if (group === null) return;
    this.#group = this.#begin(group.number);
    this.#group.running = group.running;
    this.#group.present.set(group.present);
    this.#group.count.set(group.count);
    this.#group.first.set(group.first);
    this.#group.above.set(group.above);
  }
}

export interface SavedRowGrid {
  readonly rowsPerStep: number;
  readonly last: readonly (number | null)[];
  readonly given: readonly (number | null)[];
  readonly group: {
    readonly number: number;
    readonly running: number;
    readonly present: readonly number[];
    readonly count: readonly number[];
    readonly first: readonly number[];
    readonly above: readonly number[];
  } | null;
}
