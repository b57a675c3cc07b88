import type { AlarmCommand } from '../core/control-row.ts';
import type { AlarmPoint } from './alarm-point.ts';
import { type AlarmFlags, acknowledge, reset } from './alarm-state.ts';

/** The alarms a command is about. Without a rule that is what is not normal, and the anomaly in any case: nobody shelves fifty limits by accident. */
export const meantBy = ({ rule, tag }: AlarmCommand, points: readonly AlarmPoint[]): AlarmPoint[] =>
  points.filter(
    (point) =>
      (rule === undefined ? point.state !== 'normal' || point.rule === 'anomaly' : point.rule === rule) &&
      (tag === undefined || point.tag === tag),
  );

/** What a command makes of an alarm's flags; undefined where it changes nothing. */
export function commandedFlags(point: AlarmPoint, command: AlarmCommand, atMs: number): AlarmFlags | undefined {
  const { flags } = point;
  switch (command.verb) {
    case 'acknowledge':
      return flags.acknowledged ? undefined : acknowledge(flags);
    case 'reset':
      return flags.latched ? reset(flags) : undefined;
    case 'shelve':
      return { ...flags, shelvedUntilMs: atMs + (command.forMs ?? 3_600_000) };
    case 'unshelve':
      return flags.shelvedUntilMs === null ? undefined : { ...flags, shelvedUntilMs: null };
    case 'suppress':
      return flags.suppressed ? undefined : { ...flags, suppressed: true };
    case 'unsuppress':
      return flags.suppressed || flags.resting === true ? { ...flags, suppressed: false, resting: false } : undefined;
    case 'outOfService':
      return flags.outOfService ? undefined : { ...flags, outOfService: true };
    case 'newNormal':
      // How it runs now is how it is to run: what the detector had against it is over.
      return (point.rule === 'anomaly' || point.rule === 'drift') && (flags.active || flags.latched)
        ? { ...flags, active: false, acknowledged: true, latched: false }
        : undefined;
    case 'real':
    case 'false':
    case 'planned':
      // Who says what it was has seen it, and nobody has to be asked again; what was said of another time leaves it as it is.
      return (point.rule === 'anomaly' || point.rule === 'drift') && isAbout(command, point) ? reset(flags) : undefined;
    case 'comment':
      return undefined;
    case 'maintenanceStart':
    case 'maintenanceEnd':
    case 'tagReplaced':
      // Of the asset, not of one alarm.
      return undefined;
    case 'inService':
      return flags.outOfService ? { ...flags, outOfService: false } : undefined;
    default:
      return command.verb satisfies never;
  }
}

/** Whether the stretch of a verdict and what the alarm stands for, or stood for last, have any time in common. */
const isAbout = ({ fromMs, toMs = Number.POSITIVE_INFINITY }: AlarmCommand, { flags, stoodSinceMs, sinceMs }: AlarmPoint): boolean =>
  fromMs === undefined || (stoodSinceMs < toMs && (flags.active || fromMs <= sinceMs));
