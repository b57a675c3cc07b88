import type { AlarmRule } from '../core/alarm.ts';
import type { InvalidReason } from '../core/window.ts';
import type { AlarmPoint } from './alarm-point.ts';

/** Conditions that mean nothing while the machine stands still. High limits and bad quality stay watched. */
const restsWhenStopped: ReadonlySet<AlarmRule> = new Set(['anomaly', 'drift', 'flatline', 'rate', 'lo', 'lolo', 'notWatched']);

/** What a window holds of the time before a start makes it invalid for as long as it is. */
export const fills = (reason: InvalidReason | undefined): boolean =>
  reason === 'filling' || reason === 'stopped' || reason === 'settling' || reason === 'maintenance';

export type Mode = 'running' | 'stopped' | 'maintenance';

export const rests = ({ rule }: AlarmPoint, mode: Mode): boolean =>
  mode === 'maintenance' || (mode === 'stopped' && restsWhenStopped.has(rule));
