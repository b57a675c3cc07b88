import { type AlarmTransition, isStanding, type Priority } from '../core/alarm.ts';

/** ISA-18.2-2016 / IEC 62682 performance figures of a span. */
export interface AlarmFigures {
  readonly fromMs: number;
  readonly toMs: number;
  /** How much of the span there was somebody to count: a gateway that began an hour ago has had an hour. */
  readonly observedMs: number;
  /** Alarms raised. */
  readonly raised: number;
  /** An hour that was observed, of which less than ten minutes count as ten; up to about 6 is held to be manageable for one operator. */
  readonly perHour: number;
  /** Raised in the last ten minutes of the span. */
  readonly last10Min: number;
  /** More than ten in these ten minutes: a flood is going on. */
  readonly isFlood: boolean;
  /** Most in ten minutes. */
  readonly peak10Min: number;
  /** Share of ten-minute periods with more than ten alarms: a flood; below 1 % is held to be acceptable. */
  readonly floodShare: number;
  /** Raised three times or more within a minute. */
  readonly chattering: readonly AlarmCount[];
  /** Over within ten seconds of being raised. */
  readonly fleeting: number;
  /** Standing for longer than a day now. */
  readonly stale: readonly { readonly asset: string; readonly rule: string; readonly tag: string | null; readonly sinceMs: number }[];
  readonly byPriority: Readonly<Record<Priority, number>>;
  /** The ten that were raised most often. */
  readonly topTen: readonly AlarmCount[];
  /** Share of these ten in all. */
  readonly topTenShare: number;
}

export interface AlarmCount {
  readonly asset: string;
  readonly rule: string;
  readonly tag: string | null;
  readonly count: number;
}

const periodMs = 600_000;
const floodAlarms = 10;
const chatterMs = 60_000;
const chatterTimes = 3;
const fleetingMs = 10_000;
const staleMs = 86_400_000;

const isRaise = ({ from, to }: AlarmTransition): boolean => to === 'unacknowledged' && !isStanding(from);
const keyOf = ({ asset, rule, tag }: AlarmTransition): string => JSON.stringify([asset, rule, tag]);

/** Most in any stretch of this length; `raises` by time. */
function mostWithin(raises: readonly AlarmTransition[], lengthMs: number): number {
  let most = 0;
  let from = 0;
  raises.forEach(({ atMs }, i) => {
    while (atMs - (raises[from] as AlarmTransition).atMs >= lengthMs) from++;
    most = Math.max(most, i - from + 1);
  });
  return most;
}

/** Of which time the figures are. */
export interface FiguresSpan {
  readonly fromMs: number;
  readonly toMs: number;
  /** Since when anything is known; the whole span where absent. */
  readonly observedFromMs?: number;
}

/** `transitions`: of the span, by time. `standing`: since when which alarm stands, at the end of it. */
export function alarmFigures(
  transitions: readonly AlarmTransition[],
  standing: AlarmFigures['stale'],
  { fromMs, toMs, observedFromMs = fromMs }: FiguresSpan,
): AlarmFigures {
  const observedMs = Math.max(0, toMs - Math.max(fromMs, observedFromMs));
  const raises = transitions.filter(isRaise);
  const byKey = new Map<string, number[]>();
  for (const raise of raises) byKey.set(keyOf(raise), [...(byKey.get(keyOf(raise)) ?? []), raise.atMs]);
  const counted = (key: string, count: number): AlarmCount => {
    const [asset, rule, tag] = JSON.parse(key) as [string, string, string | null];
    return { asset, rule, tag, count };
  };
  const chattering = [...byKey].flatMap(([key, times]) => {
    const often = times.filter((at, i) => at - (times[i - chatterTimes + 1] ?? Number.NEGATIVE_INFINITY) <= chatterMs).length;
    return often > 0 ? [counted(key, times.length)] : [];
  });
  const ended = new Map<string, number>();
  let fleeting = 0;
  for (const transition of transitions) {
    const key = keyOf(transition);
    const raisedMs = ended.get(key);
    if (isRaise(transition)) ended.set(key, transition.atMs);
    else if (raisedMs !== undefined && !isStanding(transition.to)) {
      if (transition.atMs - raisedMs <= fleetingMs) fleeting++;
      ended.delete(key);
    }
  }
  const periods = new Map<number, number>();
  for (const { atMs } of raises) {
    const period = Math.floor(atMs / periodMs);
    periods.set(period, (periods.get(period) ?? 0) + 1);
  }
  const counts = [...periods.values()];
  const periodsInAll = Math.max(1, Math.ceil(observedMs / periodMs));
  const last10Min = raises.filter(({ atMs }) => atMs > toMs - periodMs).length;
  const topTen = [...byKey]
    .map(([key, times]) => counted(key, times.length))
    .sort((a, b) => b.count - a.count)
    .slice(0, 10);
  const byPriority: Record<Priority, number> = { low: 0, medium: 0, high: 0, critical: 0 };
  for (const { priority } of raises) byPriority[priority]++;
  return {
    fromMs,
    toMs,
    observedMs,
    raised: raises.length,
    perHour: (raises.length * 3_600_000) / Math.max(periodMs, observedMs),
    last10Min,
    isFlood: last10Min > floodAlarms,
    peak10Min: mostWithin(raises, periodMs),
    floodShare: Math.min(1, counts.filter((count) => count > floodAlarms).length / periodsInAll),
    chattering,
    fleeting,
    stale: standing.filter(({ sinceMs }) => toMs - sinceMs > staleMs),
    byPriority,
    topTen,
    topTenShare: raises.length === 0 ? 0 : topTen.reduce((sum, { count }) => sum + count, 0) / raises.length,
  };
}
