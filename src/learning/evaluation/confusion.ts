import type { VerdictSeries } from './verdict-series.ts';

/** Rows by what was so and what was said. */
export interface Confusion {
  readonly hit: number;
  readonly missed: number;
  readonly falseAlarm: number;
  readonly quiet: number;
}

/** Rows of all series together. A row without a verdict is not alarmed: it counts as missed or as quiet. */
export function confusionOf(parts: readonly VerdictSeries[]): Confusion {
  const counts = [0, 0, 0, 0];
  for (const { alarm, label } of parts) {
    for (let i = 0; i < label.length; i++) {
      const kind = (label[i] === 1 ? 2 : 0) + (alarm[i] === 1 ? 1 : 0);
      counts[kind] = (counts[kind] as number) + 1;
    }
  }
  const [quiet = 0, falseAlarm = 0, missed = 0, hit = 0] = counts;
  return { hit, missed, falseAlarm, quiet };
}

/** Harmonic mean of precision and recall over rows; NaN without an anomalous row. */
export const f1Of = ({ hit, missed, falseAlarm }: Confusion): number =>
  hit + missed === 0 ? Number.NaN : (2 * hit) / (2 * hit + falseAlarm + missed);

/** What F1 an alarm that never ends would have: no F1 means anything without it. */
export const alwaysAlarmF1Of = ({ hit, missed, falseAlarm, quiet }: Confusion): number =>
  f1Of({ hit: hit + missed, missed: 0, falseAlarm: falseAlarm + quiet, quiet: 0 });

/** False-alarm rate: alarmed share of the normal rows; NaN without one. */
export const farOf = ({ falseAlarm, quiet }: Confusion): number => falseAlarm / (falseAlarm + quiet);

/** Missed-alarm rate: share of the anomalous rows without an alarm; NaN without one. */
export const marOf = ({ hit, missed }: Confusion): number => missed / (hit + missed);
