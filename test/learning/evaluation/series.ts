import type { VerdictSeries } from '../../../src/learning/evaluation/verdict-series.ts';

export interface Sketch {
  /** A character a row: `#` anomalous, else normal. */
  readonly label: string;
  /** `!` alarm, else none. */
  readonly alarm?: string;
  /** By row; the alarm where absent. `undefined`: no verdict. */
  readonly score?: readonly (number | undefined)[];
  readonly stepMs?: number;
}

/** A series drawn by hand. */
export function drawn({ label, alarm = '', score, stepMs = 1000 }: Sketch): VerdictSeries {
  const rows = [...label];
  const alarms = Uint8Array.from(rows, (_, i) => (alarm[i] === '!' ? 1 : 0));
  return {
    timeMs: Float64Array.from(rows, (_, i) => i * stepMs),
    score: Float64Array.from(rows, (_, i) => (score === undefined ? (alarms[i] as number) : (score[i] ?? Number.NaN))),
    alarm: alarms,
    label: Uint8Array.from(rows, (character) => (character === '#' ? 1 : 0)),
    stepMs,
  };
}
