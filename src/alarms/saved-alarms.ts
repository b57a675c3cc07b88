import type { Watching } from '../core/alarm.ts';
import type { SavedPoint } from './alarm-point.ts';
import type { Maintenance } from './explain.ts';

/** State of an asset's alarms, as it stands in a snapshot; keys that came later may be absent. */
export interface SavedAlarms {
  readonly sequence: number;
  readonly nowMs: number;
  readonly judgedMs: number | null;
  readonly fillingMs?: number;
  readonly running: boolean;
  readonly maintenance?: Maintenance | null;
  readonly newContext?: number | null;
  readonly watching: Watching;
  readonly tags: readonly string[];
  readonly silentSinceMs: readonly (number | null)[];
  readonly silentQuality: readonly number[];
  readonly points: readonly SavedPoint[];
  readonly supervision: readonly [string, readonly (number | null)[]][];
}
