import { expect, it } from 'vitest';
import type { AssetAlarmState, StandingAlarm } from '../../src/core/alarm.ts';
import { worstAlarm } from '../../src/dashboard/worst-alarm.ts';

const alarm = (rule: StandingAlarm['rule'], given: Partial<StandingAlarm> = {}): StandingAlarm => ({
  rule,
  tag: null,
  state: 'unacknowledged',
  kind: 'alert',
  priority: 'medium',
  sinceMs: 0,
  ratio: null,
  message: '',
  findings: [],
  advice: null,
  consequence: null,
  provisional: false,
  transition: '',
  shelvedUntilMs: null,
  ...given,
});
const worstOf = (...alarms: StandingAlarm[]): StandingAlarm | undefined =>
  worstAlarm({
    asset: 'press',
    sequence: 1,
    state: 'active',
    watching: 'yes',
    watchingText: '',
    alarms,
    atMs: 0,
  } satisfies AssetAlarmState);

it('is what makes health worst, wherever it stands in the list', () => {
  const [drift, anomaly, notWatched] = [alarm('drift', { priority: 'low' }), alarm('anomaly'), alarm('notWatched')];
  expect(worstOf(drift, anomaly, notWatched)).toBe(notWatched);
  expect(worstOf(drift, anomaly)).toBe(anomaly);
});

it('is then the one of higher priority, that waits, that is further over its limit; none that was put away', () => {
  const [medium, high] = [alarm('hi'), alarm('hihi', { priority: 'high', state: 'acknowledged' })];
  expect(worstOf(medium, high)).toBe(high);
  const seen = alarm('anomaly', { state: 'acknowledged', ratio: 9 });
  expect(worstOf(seen, medium)).toBe(medium);
  const far = alarm('lo', { ratio: 3 });
  expect(worstOf(medium, far)).toBe(far);
  expect(worstOf(alarm('anomaly', { state: 'shelved' }))).toBeUndefined();
});
