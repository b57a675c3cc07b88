import type { AlarmState } from '../core/alarm.ts';

/**
 * The condition and what people did about it, as independent flags (OPC UA Part 9); the ISA-18.2 word is derived. Pure:
 * every function returns new flags.
 */
export interface AlarmFlags {
  readonly active: boolean;
  readonly acknowledged: boolean;
  readonly latched: boolean;
  /** By a person, who ends it too. */
  readonly suppressed: boolean;
  /** By design, for as long as the machine stands still or is worked on. Absent in what versions before wrote: they had it in `suppressed`. */
  readonly resting?: boolean;
  readonly outOfService: boolean;
  /** Shelved until this event time; null when not shelved. */
  readonly shelvedUntilMs: number | null;
}

export const restingFlags: AlarmFlags = {
  active: false,
  acknowledged: true,
  latched: false,
  suppressed: false,
  resting: false,
  outOfService: false,
  shelvedUntilMs: null,
};

export function stateOf(flags: AlarmFlags): AlarmState {
  if (flags.outOfService) return 'outOfService';
  if (flags.suppressed || flags.resting === true) return 'suppressedByDesign';
  if (flags.shelvedUntilMs !== null) return 'shelved';
  if (flags.active) return flags.acknowledged ? 'acknowledged' : 'unacknowledged';
  if (flags.latched) return flags.acknowledged ? 'latchedAcknowledged' : 'latchedUnacknowledged';
  return flags.acknowledged ? 'normal' : 'returnedUnacknowledged';
}

export const activate = (flags: AlarmFlags): AlarmFlags => ({ ...flags, active: true, acknowledged: false });

/** A latch that was set while the condition stood holds, whether such alarms latch or not. */
export function deactivate(flags: AlarmFlags, latching: boolean, acknowledge: 'automatic' | 'required'): AlarmFlags {
  const latched = latching || flags.latched;
  return { ...flags, active: false, latched, acknowledged: flags.acknowledged || (acknowledge === 'automatic' && !latched) };
}

export const acknowledge = (flags: AlarmFlags): AlarmFlags => ({ ...flags, acknowledged: true });

/** The machine no longer runs: what stood is over, and is judged anew when it does. */
export const rest = (flags: AlarmFlags): AlarmFlags => ({ ...flags, active: false, acknowledged: true, resting: true });

export const wake = (flags: AlarmFlags): AlarmFlags => ({
  ...flags,
  resting: false,
  suppressed: flags.resting !== undefined && flags.suppressed,
});

/** Ends a latch; a condition that is still there stays. */
export const reset = (flags: AlarmFlags): AlarmFlags => ({ ...flags, latched: false, acknowledged: true });
