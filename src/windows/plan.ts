/** What the assembler needs to know of one asset: made once from configuration and model manifest. */
export interface AssetPlan {
  /** Journal index of the asset. */
  readonly asset: number;
  readonly id: string;
  readonly stepMs: number;
  /** Steps in a window. */
  readonly length: number;
  /** Steps between two window ends. */
  readonly slide: number;
  readonly allowedLatenessMs: number;
  readonly columns: readonly ColumnPlan[];
  /** For each channel of the model its column; empty for an asset without a model. */
  readonly modelColumns: readonly number[];
  /** Index of the batch (one a model) the windows go to; -1 without a model. */
  readonly batch: number;
  readonly running: RunningPlan | undefined;
}

export interface ColumnPlan {
  /** Journal index of the tag. */
  readonly tag: number;
  /** Journal index of the source that brings it. */
  readonly source: number;
  /** The tag reports on change: its last value stands until `maxAgeMs`, and a step takes the last value, not the mean. */
  readonly hold: boolean;
  /** How long the last value may stand in for a missing one. */
  readonly maxAgeMs: number;
}

export interface RunningPlan {
  /** Takes the row by column (NaN where a column has no value); undefined when the run signal is silent: the machine is taken to be as it was. */
  readonly when: (row: Float64Array) => boolean | undefined;
  readonly settleMs: number;
}

/** State of one column in one row of the grid. */
export const cellState = { own: 0, carried: 1, missing: 2, stale: 3, bad: 4 } as const;

/** A row of the grid that the watermark has passed: it will not change any more. The arrays are used again for the next row. */
export interface Row {
  readonly plan: AssetPlan;
  /** End of the row (exclusive), ms since the epoch. */
  readonly endMs: number;
  /** Engineering values by column; NaN where there is none. */
  readonly values: Float64Array;
  /** `cellState` by column. */
  readonly states: Uint8Array;
  /** Quality code of the newest bad sample by column, 0 where the newest was usable. */
  readonly qualities: Uint8Array;
  readonly running: boolean;
}

/** Who is told what the grid makes of the samples, in event-time order for each asset. */
export interface RowListener {
  row(row: Row): void;
  /** A window was put into its batch. */
  window(plan: AssetPlan, endMs: number): void;
  invalid(plan: AssetPlan, endMs: number, reason: number, tag: number | undefined, windows: number): void;
}
