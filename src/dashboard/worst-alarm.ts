import { type AssetAlarmState, priorities, type StandingAlarm, waitsForSomebody } from '../core/alarm.ts';
import { healthOf, healthStates, isShown } from '../core/health.ts';

/** The alarm that says most about how an asset does: what makes its health worst, then priority, then what waits for somebody, then what is furthest over its limit. */
export function worstAlarm(state: AssetAlarmState): StandingAlarm | undefined {
  const rank = (alarm: StandingAlarm): readonly number[] => [
    healthStates.indexOf(healthOf({ ...state, alarms: [alarm], watching: 'yes' })),
    priorities.indexOf(alarm.priority),
    Number(waitsForSomebody(alarm.state)),
    alarm.ratio ?? 0,
  ];
  return state.alarms.filter(isShown).sort((a, b) => compare(rank(b), rank(a)))[0];
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((part, i) => part !== b[i]);
  return at < 0 ? 0 : (a[at] as number) - (b[at] as number);
}
