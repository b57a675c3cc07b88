/** What a chart of an asset shows; made by the gateway so that a month costs the page as little as a minute. Every series has an element for each of `timeMs`. */
export interface AssetChart {
  readonly asset: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Distance of the places on the time axis. */
  readonly stepMs: number;
  /** Beginning of each step, ms since the epoch. */
  readonly timeMs: readonly number[];
  readonly channels: readonly ChannelSeries[];
  readonly score: {
    /** Highest score over its limit in the step; null without one. */
    readonly ratio: readonly (number | null)[];
    /** `[time][channel]`: each channel's part of that score, 0..1, in the order of `channels`; null without one. */
    readonly shares: readonly (readonly number[] | null)[];
  };
  readonly invalid: readonly { readonly fromMs: number; readonly toMs: number; readonly reason: string; readonly tag: string | null }[];
  readonly alarms: readonly {
    readonly fromMs: number;
    /** Null: it stands. */
    readonly toMs: number | null;
    readonly rule: string;
    readonly tag: string | null;
    readonly message: string;
  }[];
  /** What the journal holds; null where nothing. */
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
  /** Up to where long spans are summed up so far; null: all of it. */
  readonly summedToMs: number | null;
}

export interface ChannelSeries {
  readonly tag: string;
  readonly engineeringUnit: string | null;
  /** Least, mean and highest usable value of the step; null where there was none. */
  readonly min: readonly (number | null)[];
  readonly mean: readonly (number | null)[];
  readonly max: readonly (number | null)[];
  /** What the model would have had there; null without a score. */
  readonly expected: readonly (number | null)[];
}
