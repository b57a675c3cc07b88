import type { ScoreRow } from './buckets.ts';
import type { Level, Progress } from './summary-store.ts';

/** What a chart is made of, by index of the journal. */
export interface SeriesQuery {
  readonly fromMs: number;
  readonly stepMs: number;
  readonly points: number;
  readonly tags: readonly number[];
  readonly asset: number;
  /** From the sums, or from these segments and scores. */
  readonly from: { readonly level: Level } | { readonly segments: readonly Uint8Array[]; readonly scores: readonly ScoreRow[] };
}

/** NaN where there is nothing. Elements stand for steps from `fromMs` on, which is a multiple of `stepMs`. */
export interface SeriesAnswer {
  /** By tag of the query. */
  readonly min: readonly Float64Array[];
  readonly mean: readonly Float64Array[];
  readonly max: readonly Float64Array[];
  readonly ratio: Float64Array;
  /** `[points × channels]` of the model. */
  readonly contributions: Float64Array;
  readonly expected: Float64Array;
  /** Channels of the model; 0 without scores. */
  readonly channels: number;
}

export type ChartRequest =
  | { readonly do: 'progress' }
  | { readonly do: 'reset' }
  | {
      readonly do: 'add';
      readonly segments: readonly Uint8Array[];
      readonly scores: readonly (readonly [asset: number, rows: readonly ScoreRow[]])[];
      readonly progress: Progress;
    }
  | { readonly do: 'series'; readonly query: SeriesQuery }
  | { readonly do: 'forget'; readonly beforeMs: number }
  | { readonly do: 'close' };

export interface ChartAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}
