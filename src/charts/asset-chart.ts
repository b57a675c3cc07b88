import type { AlarmCause, AlarmRule, Finding } from '../core/alarm.ts';

/** A stretch without a score, event time. */
export interface InvalidSpan {
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
  /** Who was to blame, where it was one tag all the time. */
  readonly tag: string | null;
}

/** An alarm from when it was raised, event time, with what was said then. */
export interface AlarmSpan {
  readonly fromMs: number;
  /** Null: it stands. */
  readonly toMs: number | null;
  readonly rule: AlarmRule;
  readonly tag: string | null;
  readonly message: string;
  readonly ratio: number | null;
  readonly findings: readonly Finding[];
  readonly cause?: AlarmCause;
}

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
  readonly invalid: readonly InvalidSpan[];
  readonly alarms: readonly AlarmSpan[];
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
  /** How far to both sides of that a value may be: three deviations of the residual while learning, as in the findings of an alarm; null where nobody knows. */
  readonly tolerance: number | null;
}
