import { poissonLower, poissonUpper } from './poisson.ts';
import { runsOf, type VerdictSeries } from './verdict-series.ts';

const msPerHour = 3_600_000;

export interface Episodes {
  readonly count: number;
  /** Time under watch without an event: normal rows that have a verdict or an alarm, times the step. */
  readonly normalHours: number;
}

/**
 * False-alarm episodes: longest runs of alarm whose first row is normal. An alarm that lingers after an event's end began inside it and is none (how long it lingers is in the
 * false-alarm rate); one that
 * begins before an event and runs into it is one, though it finds the event too. An alarm at the very first row begins there.
 */
export function episodesOf(parts: readonly VerdictSeries[]): Episodes {
  let count = 0;
  let normalMs = 0;
  for (const { alarm, label, score, stepMs } of parts) {
    count += runsOf(alarm).filter(({ first }) => label[first] !== 1).length;
    for (let i = 0; i < label.length; i++) {
      if (label[i] !== 1 && (alarm[i] === 1 || !Number.isNaN(score[i]))) normalMs += stepMs;
    }
  }
  return { count, normalHours: normalMs / msPerHour };
}

export interface EpisodeRate {
  readonly perDay: number;
  /** 95 % interval of the rate (Garwood 1936), 2.5 % on each side. */
  readonly interval95: readonly [number, number];
  /** The rate is below this with 95 % confidence (one-sided): what may be claimed. After no episode in T days it is 3.0 / T. */
  readonly upper95: number;
}

/** NaN where nothing normal was watched. */
export function rateOf({ count, normalHours }: Episodes): EpisodeRate {
  const days = normalHours > 0 ? normalHours / 24 : Number.NaN;
  return {
    perDay: count / days,
    interval95: [poissonLower(count, 0.975) / days, poissonUpper(count, 0.975) / days],
    upper95: poissonUpper(count, 0.95) / days,
  };
}
