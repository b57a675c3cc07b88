import { describe, expect, it } from 'vitest';
import { alarmSpans, type InvalidRow, invalidSpans } from '../../src/charts/spans.ts';
import type { AlarmRule, AlarmState, AlarmTransition } from '../../src/core/alarm.ts';

const row = (firstMs: number, lastMs: number, reason = 'stale', tag: string | null = 'press/flow'): InvalidRow => ({
  reason,
  tag,
  firstMs,
  lastMs,
});

function transition(atMs: number, to: AlarmState, rule: AlarmRule = 'anomaly', tag: string | null = null): AlarmTransition {
  return {
    id: `press:${rule}:${atMs}`,
    sequence: atMs,
    asset: 'press',
    rule,
    tag,
    kind: 'alert',
    priority: 'medium',
    from: 'normal',
    to,
    atMs,
    ratio: 2,
    message: `raised at ${atMs}`,
    findings: [0, 1, 2, 3, 4].map((i) => ({ tag: `press/${i}`, value: i, expected: null, engineeringUnit: null, share: null })),
    advice: null,
    consequence: null,
    provisional: false,
    model: null,
    by: null,
    comment: null,
  };
}

describe('stretches without a score', () => {
  it('last as long as the windows that have none: a single one is no moment', () => {
    expect(invalidSpans([row(5_000, 5_000)], 400, 100)).toEqual([{ fromMs: 4_600, toMs: 5_000, reason: 'stale', tag: 'press/flow' }]);
  });

  it('are one where windows follow each other, however fine the axis, and two where a score came between', () => {
    const spans = invalidSpans([row(1_000, 1_000), row(2_000, 2_000), row(3_000, 3_000), row(6_000, 6_000)], 1_000, 100);
    expect(spans.map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([
      [0, 3_000],
      [5_000, 6_000],
    ]);
  });

  it('are told apart by reason, also where they alternate, and name a tag only where it was the same all the time', () => {
    const spans = invalidSpans([row(1_000, 1_000), row(1_100, 1_100, 'filling', null), row(1_200, 1_200, 'stale', 'press/oil')], 200, 100);
    expect(spans).toEqual([
      { fromMs: 800, toMs: 1_200, reason: 'stale', tag: null },
      { fromMs: 900, toMs: 1_100, reason: 'filling', tag: null },
    ]);
  });

  it('are one where the axis is too coarse to show what is between', () => {
    expect(invalidSpans([row(1_000, 1_000), row(50_000, 50_000)], 1_000, 60_000)).toHaveLength(1);
  });

  it('are the newest ones where there are too many', () => {
    const spans = invalidSpans(
      Array.from({ length: 600 }, (_, i) => row(10_000 * (i + 1), 10_000 * (i + 1))),
      100,
      100,
    );
    expect(spans).toHaveLength(500);
    expect(spans.at(-1)?.toMs).toBe(6_000_000);
  });
});

describe('spans of alarms', () => {
  it('say from when to when one stood, and what it said when it was raised', () => {
    const spans = alarmSpans([transition(1_000, 'unacknowledged'), transition(2_000, 'acknowledged'), transition(3_000, 'normal')], 0);
    expect(spans).toMatchObject([{ fromMs: 1_000, toMs: 3_000, rule: 'anomaly', message: 'raised at 1000', ratio: 2 }]);
    expect(spans[0]?.findings.map(({ tag }) => tag)).toEqual(['press/0', 'press/1', 'press/2']);
  });

  it('are of each rule and tag for itself; what stands has no end', () => {
    const spans = alarmSpans(
      [
        transition(1_000, 'unacknowledged', 'hi', 'press/a'),
        transition(2_000, 'unacknowledged', 'hi', 'press/b'),
        transition(3_000, 'normal', 'hi', 'press/b'),
      ],
      0,
    );
    expect(spans.map(({ tag, fromMs, toMs }) => [tag, fromMs, toMs])).toEqual([
      ['press/b', 2_000, 3_000],
      ['press/a', 1_000, null],
    ]);
  });

  it('end where somebody puts the alarm away, and leave out what was over before', () => {
    const away = [transition(1_000, 'unacknowledged'), transition(2_000, 'shelved'), transition(9_000, 'unacknowledged')];
    expect(alarmSpans(away, 0).map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([
      [1_000, 2_000],
      [9_000, null],
    ]);
    expect(alarmSpans(away, 5_000).map(({ fromMs }) => fromMs)).toEqual([9_000]);
  });
});
