import type { CommandVerb } from './control-row.ts';
import type { QualityWord } from './quality.ts';

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

/** Nobody has said yet that it was seen, whether the condition is still there or not. What was put away waits for nobody. */
export const waitsForSomebody = (state: AlarmState): boolean =>
  state === 'unacknowledged' || state === 'returnedUnacknowledged' || state === 'latchedUnacknowledged';

export const priorities = ['low', 'medium', 'high', 'critical'] as const;
export type Priority = (typeof priorities)[number];

/** An indication becomes an `alarm` only where the site gave it a response; otherwise it is an `alert` (ISA-18.2). */
export type AlarmKind = 'alert' | 'alarm';

/** What raises: the detector, a tag's limit, or the watching itself. */
/** `drift`: a slow change against the reference of commissioning. */
export type AlarmRule = 'anomaly' | 'drift' | 'hihi' | 'hi' | 'lo' | 'lolo' | 'rate' | 'flatline' | 'badQuality' | 'notWatched';

/** A stretch of event time; `toMs` is null where it goes on. */
export interface AboutStretch {
  readonly fromMs: number;
  readonly toMs: number | null;
}

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

/** What the message of an alarm says besides its findings, for a reader with another language and time zone. */
export interface AlarmCause {
  /** The limit that was crossed, in the unit of the value (a second, for `rate`). */
  readonly limit?: number;
  /** Since when (event time) there is no usable value, no movement, no verdict. */
  readonly sinceMs?: number;
  /** Quality of the value that cannot be used. */
  readonly quality?: QualityWord;
  /** The channel that moved furthest. */
  readonly channel?: string;
  /** Unchanged for so long that the detector watches on from there: only a person ends it. */
  readonly keptOpen?: boolean;
}

/**
 * One change of state, as published on `…/alarm/event`, kept in the journal and sent to sinks; or, where `from` and `to` are the
 * same, what somebody said that changed none. `id` is made of asset, rule, time, from and to (where something was said also of
 * verb and sequence), so a repeat has the same id; `sequence` counts the asset's transitions without a gap.
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
  readonly cause?: AlarmCause;
  /** What a person should do, and what happens if nobody does. */
  readonly advice: string | null;
  readonly consequence: string | null;
  /** Decided by a model that the asset learnt from a first stretch: to be shown as such, and sent to nobody's mail. */
  readonly provisional: boolean;
  readonly model: string | null;
  /** Who acknowledged, shelved …, and why. */
  readonly by: string | null;
  readonly comment: string | null;
  /** What was asked for; null: nobody asked for anything. Absent in what versions before wrote. */
  readonly verb?: CommandVerb | null;
  /** Of a verdict: the stretch it is about. */
  readonly about?: AboutStretch;
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
  readonly cause?: AlarmCause;
  /** What a person should do, and what happens if nobody does. */
  readonly advice: string | null;
  readonly consequence: string | null;
  readonly provisional: boolean;
  /** The transition that brought this state. */
  readonly transition: string;
  /** When a shelved alarm comes back. */
  readonly shelvedUntilMs: number | null;
}

/** How well an asset is watched, of which `watchingText` is the sentence. */
export interface Watched {
  /** How many tags there are. */
  readonly tags: number;
  /** Tags without a usable value: since when (event time), and why. */
  readonly silent: readonly { readonly tag: string; readonly sinceMs: number; readonly quality: QualityWord }[];
  readonly stopped: boolean;
  readonly maintenance: { readonly untilMs: number; readonly by: string; readonly reason: string | null } | null;
  readonly learning: boolean;
  readonly provisional: boolean;
  /** What is made now and nobody has learnt yet. */
  readonly newContext: { readonly label: string; readonly name: string } | null;
}

/** The retained document on `…/alarm`: the asset's whole truth. */
export interface AssetAlarmState {
  readonly asset: string;
  readonly sequence: number;
  readonly state: 'normal' | 'active';
  readonly watching: Watching;
  /** "watching 5 of 6 tags; vibration no communication since 2026-11-30 06:12 +01:00" */
  readonly watchingText: string;
  readonly watched?: Watched;
  readonly alarms: readonly StandingAlarm[];
  readonly atMs: number;
}
