import { describe, expect, it } from 'vitest';
import type { AlarmState, AlarmTransition } from '../../src/core/alarm.ts';
import { alarmFigures } from '../../src/server/alarm-figures.ts';

const fromMs = Date.UTC(2026, 2, 1);
const hourMs = 3_600_000;
const toMs = fromMs + 24 * hourMs;
const change = (atMs: number, from: AlarmState, to: AlarmState, asset = 'press'): AlarmTransition =>
  ({ atMs, from, to, asset, rule: 'hi', tag: `${asset}/flow`, priority: asset === 'oven' ? 'high' : 'low' }) as AlarmTransition;
const raise = (atMs: number, asset?: string) => change(atMs, 'normal', 'unacknowledged', asset);
const over = (atMs: number, asset?: string) => change(atMs, 'unacknowledged', 'normal', asset);
const byTime = (transitions: readonly AlarmTransition[]) => [...transitions].sort((a, b) => a.atMs - b.atMs);

describe('ISA-18.2 figures', () => {
  it('count what is raised, not what changes otherwise', () => {
    const transitions = [
      raise(fromMs),
      change(fromMs + 1000, 'unacknowledged', 'acknowledged'),
      change(fromMs + 60_000, 'acknowledged', 'normal'),
      raise(fromMs + hourMs, 'oven'),
    ];
    expect(alarmFigures(transitions, [], { fromMs, toMs })).toMatchObject({
      raised: 2,
      perHour: 2 / 24,
      fleeting: 0,
      byPriority: { low: 1, high: 1 },
      topTenShare: 1,
    });
  });

  it('call more than ten in ten minutes a flood, wherever the ten minutes lie', () => {
    // Across the border of two periods of the clock.
    const flood = Array.from({ length: 24 }, (_, i) => raise(fromMs + 570_000 + i * 2500, `m${i}`));
    const figures = alarmFigures(flood, [], { fromMs, toMs });
    expect(figures.peak10Min).toBe(24);
    expect(figures.floodShare).toBeCloseTo(2 / 144, 6);
    const calm = Array.from({ length: 24 }, (_, i) => raise(fromMs + i * hourMs));
    expect(alarmFigures(calm, [], { fromMs, toMs })).toMatchObject({ peak10Min: 1, floodShare: 0 });
  });

  it('name what chatters, what flees, what stands for days, and what is most frequent', () => {
    const chatter = [0, 20_000, 40_000].flatMap((ms) => [raise(fromMs + ms, 'fan'), over(fromMs + ms + 5000, 'fan')]);
    const often = [0, 1, 2, 3].flatMap((h) => [raise(fromMs + (h + 2) * hourMs), over(fromMs + (h + 2.5) * hourMs)]);
    const standing = [
      { asset: 'oven', rule: 'hi', tag: null, sinceMs: toMs - 25 * hourMs },
      { asset: 'pump', rule: 'hi', tag: null, sinceMs: toMs - hourMs },
    ];
    const figures = alarmFigures(byTime([...chatter, ...often]), standing, { fromMs, toMs });
    expect(figures.chattering).toEqual([{ asset: 'fan', rule: 'hi', tag: 'fan/flow', count: 3 }]);
    expect(figures.fleeting).toBe(3);
    expect(figures.stale.map(({ asset }) => asset)).toEqual(['oven']);
    expect(figures.topTen.map(({ asset, count }) => [asset, count])).toEqual([
      ['press', 4],
      ['fan', 3],
    ]);
  });

  it('are none of nothing', () => {
    expect(alarmFigures([], [], { fromMs, toMs })).toMatchObject({
      raised: 0,
      perHour: 0,
      peak10Min: 0,
      floodShare: 0,
      topTen: [],
      topTenShare: 0,
    });
  });
});
