import type { JudgedRow, RecordedRows } from '../../src/gateway/recording-run.ts';
import type { Fault } from '../../src/simulator/fault.ts';
import { type WeekMachine, weeksOf } from '../../src/simulator/weeks.ts';
import { changed, dayMs, deviationsOf, judge, learnSubject, runsWhere, type Subject } from './subject.ts';

/** Wear grows over this long to this many deviations. */
export const wearDays = 14;
export const wearTo = 6;
const learnDays = 3;
/** The machine runs on as learnt before it begins to wear. */
const calmDays = 1;
const hourMs = 3_600_000;

/** What was said of wear in one channel, or of a bearing that wears. */
export interface Worn {
  readonly what: string;
  /** Days from its beginning, and how far it had come in the channel where it shows most; undefined: nothing was said in time. */
  readonly said: { readonly days: number; readonly deviations: number; readonly rule: 'alarm' | 'warning' } | undefined;
}

export interface Wearing {
  readonly worn: readonly Worn[];
  /** Of the twin that does not wear: slow-change warnings and alarms that began, and over how many days. */
  readonly falseWarnings: number;
  readonly falseAlarms: number;
  readonly days: number;
}

/** One machine with each of its channels wearing, a physical fault that does, and its twin that does not. */
export async function wearing(machine: WeekMachine, seed: number, stepMs: number): Promise<Wearing> {
  const weeks = (faults: readonly Fault[]): RecordedRows =>
    weeksOf({ machine, seed, stepMs, days: learnDays + calmDays + wearDays, faults });
  const healthy = weeks([]);
  const subject: Subject = { recorded: healthy, stepMs, learningRows: (learnDays * dayMs) / stepMs };
  const bundle = await learnSubject(subject, '1/week');
  const deviations = deviationsOf(subject);
  const fromMs = (learnDays + calmDays) * dayMs;
  const ramp = (row: number): number => (wearTo * Math.max(0, (healthy.timeMs[row] as number) - fromMs)) / (wearDays * dayMs);
  const judged = (recorded: RecordedRows): Promise<JudgedRow[]> => judge(recorded, subject.learningRows, stepMs, bundle);
  const twin = await judged(healthy);
  // What the twin says too, an hour earlier or later, is not said of the wear.
  const twinSaid = twin.filter(({ alarm, drift }) => alarm || drift).map(({ endMs }) => endMs);
  const ofWear = (endMs: number): boolean => !twinSaid.some((said) => Math.abs(said - endMs) < hourMs);
  const saidOf = (rows: readonly JudgedRow[], size: (days: number) => number): Worn['said'] => {
    const first = rows.find(({ endMs, alarm, drift }) => endMs > fromMs && (alarm || drift) && ofWear(endMs));
    if (first === undefined) return undefined;
    const days = (first.endMs - fromMs) / dayMs;
    return { days, deviations: size(days), rule: first.alarm ? 'alarm' : 'warning' };
  };
  const worn: Worn[] = [];
  const linear = (days: number): number => (wearTo * days) / wearDays;
  for (const [c, what] of healthy.columns.entries()) {
    const rows = await judged(changed(healthy, (column, row) => (column === c ? ramp(row) * (deviations[c] as number) : 0)));
    worn.push({ what, said: saidOf(rows, linear) });
  }
  if (machine !== 'oven') {
    const wear = { asset: machine, kind: 'bearingWear', onsetS: fromMs / 1000, durationS: Number.POSITIVE_INFINITY } as const;
    // What a full size does to the channel where it shows most, once it is there.
    const full = weeks([{ ...wear, growthS: 0 }]);
    const from = healthy.timeMs.findIndex((time) => time > fromMs + dayMs);
    const effect = Math.max(
      ...healthy.values.map((values, c) => {
        let sum = 0;
        for (let row = from; row < values.length; row++) sum += (full.values[c]?.[row] as number) - (values[row] as number);
        return Math.abs(sum) / (values.length - from) / (deviations[c] as number);
      }),
    );
    const rows = await judged(weeks([{ ...wear, growthS: (wearDays * dayMs) / 1000, size: wearTo / effect }]));
    worn.push({ what: 'bearing', said: saidOf(rows, linear) });
  }
  return {
    worn,
    falseWarnings: runsWhere(twin, ({ drift }) => drift).length,
    falseAlarms: runsWhere(twin, ({ alarm }) => alarm).length,
    days: (twin.length * stepMs) / dayMs,
  };
}
