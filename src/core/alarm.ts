/** ISA-18.2 / IEC 62682 state words (OPC UA Part 9 has the same model as flags). */
export const alarmStates = [
  'normal',
  'unacknowledged',
  'acknowledged',
  'returnedUnacknowledged',
  'latchedUnacknowledged',
  'latchedAcknowledged',
  'shelved',
  'suppressedByDesign',
  'outOfService',
] as const;
export type AlarmState = (typeof alarmStates)[number];

/** The condition is there, and nobody keeps it from being shown. */
export const isStanding = (state: AlarmState): boolean => state === 'unacknowledged' || state === 'acknowledged';

export const priorities = ['low', 'medium', 'high', 'critical'] as const;
export type Priority = (typeof priorities)[number];

/** An indication becomes an `alarm` only where the site gave it a response; otherwise it is an `alert` (ISA-18.2). */
export type AlarmKind = 'alert' | 'alarm';

/** What raises: the detector, a tag's limit, or the watching itself. */
/** `drift`: a slow change against the reference of commissioning. */
export type AlarmRule = 'anomaly' | 'drift' | 'hihi' | 'hi' | 'lo' | 'lolo' | 'rate' | 'flatline' | 'badQuality' | 'notWatched';

/** One channel's part in an explanation, largest first. */
export interface Finding {
  readonly tag: string;
  readonly value: number | null;
  /** Lower and upper end of what was expected. */
  readonly expected: readonly [number, number] | null;
  readonly engineeringUnit: string | null;
  /** Share of the score, 0..1. */
  readonly share: number | null;
}

/**
 * One change of state, as published on `…/alarm/event`, kept in the journal and sent to sinks.
 * `id` is made of asset, rule, time, from and to, so a repeat has the same id; `sequence` counts the asset's
 * transitions without a gap.
 */
export interface AlarmTransition {
  readonly id: string;
  readonly sequence: number;
  readonly asset: string;
  readonly rule: AlarmRule;
  /** The tag of a tag rule. */
  readonly tag: string | null;
  readonly kind: AlarmKind;
  readonly priority: Priority;
  readonly from: AlarmState;
  readonly to: AlarmState;
  /** Event time: the end of the window or row that decided. */
  readonly atMs: number;
  /** Where this ends what stood: since when it had (event time). */
  readonly stoodSinceMs?: number;
  /** How often the score or value is its limit, where that means something. */
  readonly ratio: number | null;
  /** "oil-temp 71.4 °C, expected 58–63; 2.3 × the limit" */
  readonly message: string;
  readonly findings: readonly Finding[];
  /** What a person should do, and what happens if nobody does. */
  readonly advice: string | null;
  readonly consequence: string | null;
  /** Decided by a model that the asset learnt from a first stretch: to be shown as such, and sent to nobody's mail. */
  readonly provisional: boolean;
  readonly model: string | null;
  /** Who acknowledged, shelved …, and why. */
  readonly by: string | null;
  readonly comment: string | null;
  /** True when recovery could not reproduce what had been published before a crash. */
  readonly withdrawn?: boolean;
}

export const watchingWords = ['yes', 'learning', 'partial', 'no'] as const;
export type Watching = (typeof watchingWords)[number];

/** One alarm that is not normal, within an asset's whole state. */
export interface StandingAlarm {
  readonly rule: AlarmRule;
  readonly tag: string | null;
  readonly state: AlarmState;
  readonly kind: AlarmKind;
  readonly priority: Priority;
  readonly sinceMs: number;
  readonly ratio: number | null;
  readonly message: string;
  readonly findings: readonly Finding[];
  /** What a person should do, and what happens if nobody does. */
  readonly advice: string | null;
  readonly consequence: string | null;
  readonly provisional: boolean;
  /** The transition that brought this state. */
  readonly transition: string;
  /** When a shelved alarm comes back. */
  readonly shelvedUntilMs: number | null;
}

/** The retained document on `…/alarm`: the asset's whole truth. */
export interface AssetAlarmState {
  readonly asset: string;
  readonly sequence: number;
  readonly state: 'normal' | 'active';
  readonly watching: Watching;
  /** "watching 5 of 6 tags; vibration no communication since 06:12" */
  readonly watchingText: string;
  readonly alarms: readonly StandingAlarm[];
  readonly atMs: number;
}
