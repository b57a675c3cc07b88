import type { AssetAlarmState } from '../core/alarm.ts';
import { type Health, isShown } from '../core/health.ts';
import type { LearningStatus } from '../gateway/learner.ts';
import { type Text, t, word } from './language.ts';

export const healthText = (health: Health): string => t(`health.${health}` as Text);

/** What is wrong, in one sentence; or what is watched. */
export function sentenceOf(state: AssetAlarmState, lesson: LearningStatus | undefined): string {
  const [first] = state.alarms.filter(isShown);
  if (first !== undefined) return first.message === '' ? word('rule', first.rule) : first.message;
  if (lesson !== undefined && lesson.stage !== 'established' && state.watching === 'learning') return lesson.text;
  return state.watchingText;
}
