import type { AlarmCommand } from '../core/control-row.ts';
import type { AlarmPoint } from './alarm-point.ts';
import { type AlarmFlags, acknowledge, reset } from './alarm-state.ts';

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
      return flags.suppressed ? { ...flags, suppressed: false } : undefined;
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
      // Who says what it was has seen it, and nobody has to be asked again.
      return point.rule === 'anomaly' || point.rule === 'drift' ? reset(flags) : undefined;
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
