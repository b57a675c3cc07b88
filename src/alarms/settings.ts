import type { AlarmKind, Priority } from '../core/alarm.ts';

/** `alarm:` of an asset, validated. */
export interface AlarmSettings {
  readonly kind: AlarmKind;
  readonly priority: Priority;
  /** The condition must hold this long before it is raised (ISA-18.2 on-delay), event time. */
  readonly onDelayMs: number;
  readonly offDelayMs: number;
  /** Share of the limit by which the score must fall below it before the condition ends. */
  readonly deadband: number;
  readonly latching: boolean;
  /** `automatic`: a condition that ends needs nobody's acknowledgement. Alerts by default. */
  readonly acknowledge: 'automatic' | 'required';
  readonly notWatchedAfterMs: number;
  readonly advice: string | null;
  /** What happens if nobody does. */
  readonly consequence: string | null;
}

/** `tags:` entry that asks for supervision, bound to a column of the asset. */
export interface TagSettings {
  readonly column: number;
  readonly tag: string;
  readonly engineeringUnit: string | null;
  readonly limits: { readonly hihi?: number; readonly hi?: number; readonly lo?: number; readonly lolo?: number; readonly rate?: number };
  /** Engineering units. */
  readonly deadband: number;
  readonly onDelayMs: number;
  readonly offDelayMs: number;
  readonly flatlineMs: number | null;
  readonly badQualityMs: number | null;
  readonly advice: string | null;
}

export interface AssetAlarmSettings {
  readonly asset: number;
  readonly id: string;
  readonly alarm: AlarmSettings;
  /** Tag names by column. */
  readonly tags: readonly string[];
  /** Engineering units by column. */
  readonly units: readonly (string | null)[];
  readonly supervised: readonly TagSettings[];
  /** False for an asset of limits only. */
  readonly hasModel: boolean;
  /** Its model was learnt from a first stretch. */
  readonly provisional: boolean;
  /** It learns from itself, and has no model yet. */
  readonly learning: boolean;
  readonly allowedLatenessMs: number;
  /** What the machine makes: the last level of the tag, and its values as people name them. */
  readonly context?: { readonly label: string; readonly nameOf: (value: number) => string };
}
