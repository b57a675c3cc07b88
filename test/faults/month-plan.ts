import type { AlarmCommand } from '../../src/core/control-row.ts';
import type { Fault } from '../../src/simulator/fault.ts';
import { at, hourMs, minuteMs } from './month-calendar.ts';

/** What is done to the gateway and its surroundings, at a moment of the month. */
export type Act = { readonly atMs: number } & (
  | { readonly kind: 'command'; readonly command: AlarmCommand }
  /** Stopped, and started `downMs` later: on the same data with a changed configuration, or from a backup in a new directory. */
  | { readonly kind: 'upgrade'; readonly how: 'restart' | 'restore'; readonly downMs: number }
  /** In the middle of traffic; started again `downMs` later. */
  | { readonly kind: 'powerCut'; readonly downMs: number }
  /** Devices keep what they measure, and send it at once. */
  | { readonly kind: 'brokerOutage'; readonly forMs: number }
  /** The gateway's clock is wrong by this from here on. */
  | { readonly kind: 'gatewayClock'; readonly offMs: number }
);

/** A stretch in which something is to be raised, or may be. */
export interface Truth {
  readonly asset: string;
  readonly what: string;
  readonly rules: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
  /** It has to be raised by then; absent: it may be. */
  readonly deadlineMs?: number;
}

/** What happens to what a device sends. */
export interface DeviceEvent {
  readonly asset: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Its clock is wrong by this. */
  readonly clockMs?: number;
  /** Added to its values. */
  readonly offsets?: Readonly<Record<string, number>>;
  /** People work on it: values are anything. */
  readonly wild?: boolean;
}

export interface MonthPlan {
  readonly assets: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly faults: readonly Fault[];
  readonly devices: readonly DeviceEvent[];
  readonly acts: readonly Act[];
  readonly truths: readonly Truth[];
  /** In these the gateway's clock and the plant's go step by step together. */
  readonly precise: readonly { readonly fromMs: number; readonly toMs: number }[];
}

const anomaly = ['anomaly', 'drift'] as const;
/** What follows a fault that is mended: it runs in again. */
const graceMs = 2 * hourMs;
const by = 'shift';

interface FaultOf {
  readonly asset: string;
  readonly kind: Fault['kind'];
  readonly fromMs: number;
  readonly forMs: number;
  readonly growthMs?: number;
  readonly size?: number;
  readonly deadlineMs: number;
}

const trueFaults: readonly FaultOf[] = [
  { asset: 'line1/pump', kind: 'cavitation', fromMs: at(17, 10), forMs: 3 * hourMs, deadlineMs: hourMs },
  // A bearing that breaks: a step in three channels.
  { asset: 'line1/conveyor', kind: 'bearingWear', fromMs: at(23, 9), forMs: 4 * hourMs, deadlineMs: hourMs },
  { asset: 'line2/oven', kind: 'stuckSensor', fromMs: at(22, 9), forMs: 8 * hourMs, deadlineMs: 8 * hourMs },
  // A bearing that wears.
  {
    asset: 'line1/pump',
    kind: 'bearingWear',
    fromMs: at(22, 6),
    forMs: 8 * 24 * hourMs,
    growthMs: 6 * 24 * hourMs,
    deadlineMs: 6 * 24 * hourMs,
  },
];

/** When people work on the compressor, and what it is like afterwards. */
const maintenance = { asset: 'line2/compressor', fromMs: at(14, 8), toMs: at(14, 14) } as const;
const repaired = { 'filter-drop': -3, current: -1.5 } as const;
const replaced = { asset: 'line1/pump', tag: 'line1/pump/pressure', atMs: at(15, 11), offsets: { pressure: 0.4 } } as const;

const commands: readonly (readonly [number, AlarmCommand])[] = [
  [maintenance.fromMs, { verb: 'maintenanceStart', asset: maintenance.asset, by, forMs: 8 * hourMs, comment: 'yearly service' }],
  [maintenance.toMs, { verb: 'maintenanceEnd', asset: maintenance.asset, by, rebaseline: true }],
  [replaced.atMs, { verb: 'tagReplaced', asset: replaced.asset, tag: replaced.tag, by }],
];

/** Away from the broker, or off: nobody watches, and the gateway says so. */
const away = { outage: { atMs: at(16, 9), forMs: 3 * hourMs }, restart: at(9, 10), restore: at(19, 15) } as const;
const cuts = [at(10, 12), at(18, 20), at(24, 11)] as const;
const cutDownMs = hourMs;
const restoreDownMs = 30 * minuteMs;

/** The month, with all that happens in it. */
export function monthPlan(assets: readonly string[], days: number, fromMs: number): MonthPlan {
  const toMs = at(days, 0);
  const faults = trueFaults.map(
    ({ asset, kind, fromMs: onset, forMs, growthMs = 0, size = 1 }): Fault => ({
      asset,
      kind,
      onsetS: onset / 1000,
      durationS: forMs / 1000,
      growthS: growthMs / 1000,
      size,
    }),
  );
  const ofFaults = trueFaults.map(
    ({ asset, kind, fromMs: onset, forMs, deadlineMs }): Truth => ({
      asset,
      what: kind,
      rules: kind === 'stuckSensor' ? [...anomaly, 'flatline'] : anomaly,
      fromMs: onset,
      toMs: onset + forMs + graceMs,
      deadlineMs: onset + deadlineMs,
    }),
  );
  const oven = 'line2/oven';
  const unwatched = (asset: string, what: string, from: number, forMs: number, deadlineMs?: number): Truth => ({
    asset,
    what,
    rules: ['notWatched'],
    fromMs: from,
    toMs: from + forMs + minuteMs,
    ...(deadlineMs !== undefined && { deadlineMs: from + deadlineMs }),
  });
  const clockAhead = { fromMs: at(12, 10), toMs: at(12, 11) };
  const clockBehind = { fromMs: at(13, 10), toMs: at(13, 11) };
  const truths = [
    ...ofFaults,
    ...assets.flatMap((asset) => [
      unwatched(asset, 'the broker is gone', away.outage.atMs, away.outage.forMs, away.outage.forMs + minuteMs),
      unwatched(asset, 'restored elsewhere', away.restore, restoreDownMs),
      ...cuts.map((cut) => unwatched(asset, 'power cut', cut, cutDownMs)),
    ]),
    // Further ahead than time.maxSkew, nothing it says has a place in time.
    unwatched(oven, 'a clock ten minutes ahead', clockAhead.fromMs, clockAhead.toMs - clockAhead.fromMs),
    unwatched(oven, 'a clock ten minutes behind', clockBehind.fromMs, clockBehind.toMs - clockBehind.fromMs + 10 * minuteMs),
  ].filter(({ asset }) => assets.includes(asset));
  const acts: Act[] = [
    ...commands.map(([atMs, command]): Act => ({ kind: 'command', atMs, command })),
    { kind: 'upgrade', how: 'restart', atMs: away.restart, downMs: 5 * minuteMs },
    { kind: 'upgrade', how: 'restore', atMs: away.restore, downMs: restoreDownMs },
    ...cuts.map((atMs): Act => ({ kind: 'powerCut', atMs, downMs: cutDownMs })),
    { kind: 'brokerOutage', ...away.outage },
    { kind: 'gatewayClock', atMs: at(11, 8), offMs: 45 * minuteMs },
    { kind: 'gatewayClock', atMs: at(11, 20), offMs: 0 },
    { kind: 'gatewayClock', atMs: at(21, 8), offMs: -4 * minuteMs },
    { kind: 'gatewayClock', atMs: at(21, 20), offMs: 0 },
  ];
  const within = (ms: number): boolean => ms > fromMs && ms < toMs;
  return {
    assets,
    fromMs,
    toMs,
    faults,
    devices: [
      { asset: oven, ...clockAhead, clockMs: 10 * minuteMs },
      { asset: oven, ...clockBehind, clockMs: -10 * minuteMs },
      { asset: maintenance.asset, fromMs: maintenance.fromMs, toMs: maintenance.toMs, wild: true },
      { asset: maintenance.asset, fromMs: maintenance.toMs, toMs: Number.POSITIVE_INFINITY, offsets: repaired },
      { asset: replaced.asset, fromMs: replaced.atMs, toMs: Number.POSITIVE_INFINITY, offsets: replaced.offsets },
    ],
    acts: acts
      .filter((act) => within(act.atMs) && (act.kind !== 'command' || assets.includes(act.command.asset)))
      .sort((a, b) => a.atMs - b.atMs),
    truths: truths.filter(({ fromMs: begin }) => within(begin)),
    precise: [clockAhead, clockBehind].map((span) => ({ fromMs: span.fromMs - 5 * minuteMs, toMs: span.toMs + 15 * minuteMs })),
  };
}
