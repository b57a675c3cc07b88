import type { AssetAlarmState, StandingAlarm } from '../core/alarm.ts';
import type { LearningStatus } from '../gateway/learner.ts';
import { type Text, t, word } from './language.ts';

/** NAMUR NE 107, with `good` and `learning`. An anomaly is out of specification or asks for maintenance; it is never by itself a failure. */
export type Health = 'failure' | 'check' | 'outOfSpecification' | 'maintenance' | 'learning' | 'good';

const isShown = ({ state }: StandingAlarm): boolean => state !== 'shelved' && state !== 'outOfService' && state !== 'suppressedByDesign';

export function healthOf({ alarms, watching, watchingText }: AssetAlarmState): Health {
  const shown = alarms.filter(isShown);
  if (watchingText.includes('maintenance')) return 'check';
  if (shown.some(({ rule }) => rule === 'badQuality' || rule === 'notWatched') || watching === 'no') return 'failure';
  if (shown.some(({ rule }) => rule !== 'drift')) return 'outOfSpecification';
  if (shown.length > 0) return 'maintenance';
  return watching === 'learning' ? 'learning' : 'good';
}

export const healthText = (health: Health): string => t(`health.${health}` as Text);

/** What is wrong, in one sentence; or what is watched. */
export function sentenceOf(state: AssetAlarmState, lesson: LearningStatus | undefined): string {
  const [first] = state.alarms.filter(isShown);
  if (first !== undefined) return first.message === '' ? word('rule', first.rule) : first.message;
  if (lesson !== undefined && lesson.stage !== 'established' && state.watching === 'learning') return lesson.text;
  return state.watchingText;
}
