import type { AssetAlarmState, StandingAlarm } from './alarm.ts';

/** NAMUR NE 107, with `good` and `learning`; the order is that of the registers other programs read. */
export const healthStates = ['good', 'learning', 'maintenance', 'outOfSpecification', 'check', 'failure'] as const;
export type Health = (typeof healthStates)[number];

/** Not put away by a person or by design. */
export const isShown = ({ state }: StandingAlarm): boolean =>
  state !== 'shelved' && state !== 'outOfService' && state !== 'suppressedByDesign';

/** An anomaly is out of specification or asks for maintenance; it is never by itself a failure (OPC 30142, table 13). */
export function healthOf({ alarms, watching, watchingText, watched }: AssetAlarmState): Health {
  const shown = alarms.filter(isShown);
  if (watched === undefined ? watchingText.includes('maintenance') : watched.maintenance !== null) return 'check';
  if (shown.some(({ rule }) => rule === 'badQuality' || rule === 'notWatched') || watching === 'no') return 'failure';
  if (shown.some(({ rule }) => rule !== 'drift')) return 'outOfSpecification';
  if (shown.length > 0) return 'maintenance';
  return watching === 'learning' ? 'learning' : 'good';
}
