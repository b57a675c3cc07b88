import type { AboutStretch, AlarmTransition } from '../core/alarm.ts';
import { isStanding } from '../core/alarm.ts';
import { isVerdict } from '../core/control-row.ts';
import { duration, when } from './format.ts';
import { t } from './language.ts';

/** "06:12:03 to 06:14:20 (2 min 17 s)" */
export const stretchText = ({ fromMs, toMs }: AboutStretch): string =>
  toMs === null
    ? t('over.since', { from: when(fromMs) })
    : t('over.stretch', { from: when(fromMs), to: when(toMs), time: duration(toMs - fromMs) });

/** The stretch in which an alarm stood that this transition ended; undefined where it ended none. */
export function endedStretch({ from, to, atMs, stoodSinceMs, withdrawn }: AlarmTransition): AboutStretch | undefined {
  const isOver = to === 'normal' || to === 'returnedUnacknowledged' || to.startsWith('latched');
  if (withdrawn === true || stoodSinceMs === undefined || !isStanding(from) || !isOver) return undefined;
  return { fromMs: stoodSinceMs, toMs: atMs };
}

/** Whether one of these says what an alarm was that stood in the stretch. */
export const isJudged = (stretch: AboutStretch, { asset, rule }: AlarmTransition, among: readonly AlarmTransition[]): boolean =>
  among.some((said) => {
    if (said.asset !== asset || said.rule !== rule || said.verb == null) return false;
    const { fromMs, toMs } = stretch;
    const end = toMs ?? Number.POSITIVE_INFINITY;
    if (said.verb === 'newNormal') return said.atMs >= fromMs && said.atMs <= end;
    const { about } = said;
    return isVerdict(said.verb) && about !== undefined && about.fromMs < end && (about.toMs ?? said.atMs) > fromMs;
  });
