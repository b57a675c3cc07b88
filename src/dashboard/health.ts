import type { AssetAlarmState } from '../core/alarm.ts';
import type { Health } from '../core/health.ts';
import type { LearningStatus } from '../gateway/learner.ts';
import { reader, type Text, t } from './language.ts';
import { alarmSentence, learningSentence, watchingSentence } from './sentences.ts';
import { worstAlarm } from './worst-alarm.ts';

export const healthText = (health: Health): string => t(`health.${health}` as Text);

/** What is wrong, in one sentence; or what is watched. Without the ratio of the moment it was raised: beside it stands that of now. */
export function sentenceOf(state: AssetAlarmState, lesson: LearningStatus | undefined): string {
  const worst = worstAlarm(state);
  if (worst !== undefined) {
    const sentence = alarmSentence({ asset: state.asset, ...worst }, reader(), { withRatio: false });
    return worst.rule === 'notWatched' ? `${sentence}. ${watchingSentence(state, reader())}` : sentence;
  }
  if (lesson !== undefined && lesson.stage !== 'established' && state.watching === 'learning') return learningSentence(lesson, reader());
  return watchingSentence(state, reader());
}
