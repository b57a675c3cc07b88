import type { AlarmRow } from '../alarms/asset-alarms.ts';
import type { ControlRow } from '../core/control-row.ts';
import type { ModelManifest } from '../core/manifest.ts';
import type { InvalidReason, InvalidWindow } from '../core/window.ts';

/** `windows` in a row that could not be judged, recorded as one. */
export type Hole = InvalidWindow & { readonly windows: number };

export interface BoundModel {
  readonly manifest: ModelManifest;
  readonly name: string;
  readonly channels: readonly string[];
}

export type Event =
  | { readonly kind: 'row'; readonly asset: number; readonly row: AlarmRow }
  | { readonly kind: 'window'; readonly asset: number; readonly batch: number; readonly index: number; readonly endMs: number }
  | { readonly kind: 'invalid'; readonly asset: number; readonly endMs: number; readonly reason: InvalidReason }
  | { readonly kind: 'clock'; readonly asset: number; readonly atMs: number }
  | { readonly kind: 'command'; readonly asset: number; readonly row: ControlRow & { kind: 'command' } };
