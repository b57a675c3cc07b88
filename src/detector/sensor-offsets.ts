/** Values of a new sensor that are averaged before it is believed. */
const measuredRows = 20;

interface Measuring {
  /** What the old one would show, engineering units. */
  readonly level: number;
  readonly sum: number;
  readonly rows: number;
}

/**
 * Sensors that were replaced: by how much the new one shows more than the old one did, so that everything behind goes on as it was. While that is measured, the channel is out.
 */
export class SensorOffsets {
  readonly #offsets: Float64Array;
  readonly #measuring = new Map<number, Measuring>();

  constructor(channels: number) {
    this.#offsets = new Float64Array(channels);
  }

  /** A new sensor, from the next row on. `level`: where the channel stands, as the rows behind this have it. */
  replaced(c: number, level: number): void {
    this.#measuring.set(c, { level, sum: 0, rows: 0 });
    this.#offsets[c] = 0;
  }

  /** A value as the sensor of the learning rows would have shown it; NaN while the new one is measured. */
  read(c: number, value: number): number {
    const measuring = this.#measuring.get(c);
    if (measuring === undefined) return value - (this.#offsets[c] as number);
    if (!Number.isFinite(value)) return Number.NaN;
    const next = { ...measuring, sum: measuring.sum + value, rows: measuring.rows + 1 };
    if (next.rows < measuredRows) this.#measuring.set(c, next);
    else {
      this.#measuring.delete(c);
      this.#offsets[c] = next.sum / next.rows - next.level;
    }
    return Number.NaN;
  }

  measures(c: number): boolean {
    return this.#measuring.has(c);
  }

  /** What the sensor shows of a value behind `read`. */
  shown(c: number, value: number): number {
    return value + (this.#offsets[c] as number);
  }

  save(): SavedOffsets {
    return { offsets: [...this.#offsets], measuring: [...this.#measuring] };
  }

  restore({ offsets, measuring }: SavedOffsets): void {
    this.#offsets.set(offsets);
    this.#measuring.clear();
    for (const [c, state] of measuring) this.#measuring.set(c, state);
  }
}

export interface SavedOffsets {
  readonly offsets: readonly number[];
  readonly measuring: readonly (readonly [number, Measuring])[];
}
