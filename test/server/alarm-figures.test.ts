import { describe, expect, it } from 'vitest';
import type { AlarmState, AlarmTransition } from '../../src/core/alarm.ts';
import { type AlarmFigures, alarmFigures } from '../../src/server/alarm-figures.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { startServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

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

  it('are over the time that was observed, of which less than ten minutes count as ten', () => {
    const transitions = [0, 1, 2, 3].map((i) => raise(toMs - 30_000 + i * 1000, `m${i}`));
    const perHour = (observedMs: number) => alarmFigures(transitions, [], { fromMs, toMs, observedFromMs: toMs - observedMs }).perHour;
    expect([perHour(60_000), perHour(600_000), perHour(2 * hourMs), perHour(48 * hourMs)]).toEqual([24, 24, 2, 4 / 24]);
    expect(alarmFigures(transitions, [], { fromMs, toMs, observedFromMs: toMs - 60_000 }).observedMs).toBe(60_000);
  });

  it('say that a flood is going on while the last ten minutes have more than ten', () => {
    const raised = (count: number, beforeMs: number) => Array.from({ length: count }, (_, i) => raise(toMs - beforeMs + i, `m${i}`));
    expect(alarmFigures(raised(11, 599_000), [], { fromMs, toMs })).toMatchObject({ last10Min: 11, isFlood: true });
    expect(alarmFigures(raised(10, 599_000), [], { fromMs, toMs })).toMatchObject({ last10Min: 10, isFlood: false });
    expect(alarmFigures(raised(50, 700_000), [], { fromMs, toMs })).toMatchObject({ last10Min: 0, isFlood: false });
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

describe('the route of the figures', () => {
  const limited = (data: string) => ({
    site: 'north',
    data,
    sources: [{ id: 'program', type: 'http', tags: Array.from({ length: 12 }, (_, i) => ({ tag: `m${i}/flow` })) }],
    tags: Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`m${i}/flow`, { limits: { hi: 80 } }])),
    assets: Array.from({ length: 12 }, (_, i) => ({
      id: `m${i}`,
      tags: [`m${i}/flow`],
      window: { step: '100ms', allowedLateness: '0ms' },
      alarm: { kind: 'alarm' },
    })),
  });

  it('counts what the journal has, over the time there was a journal, and says while a flood is going on', async () => {
    const gateway = await startGateway(limited(temporaryDirectory()));
    const server = await startServer(gateway);
    const figures = async (query = ''): Promise<AlarmFigures> =>
      (await (
        await fetch(`${server.url}/api/v1/alarms/figures${query}`, { headers: { authorization: `Bearer ${server.token}` } })
      ).json()) as AlarmFigures;
    expect(await figures()).toMatchObject({ raised: 0, perHour: 0, last10Min: 0, isFlood: false });
    const push = (machines: number, value: number) =>
      gateway.push(
        'program',
        Array.from({ length: machines }, (_, i) => ({ tag: `m${i}/flow`, value })),
        false,
      );
    const raise = async (machines: number) => {
      const before = gateway.counters.raised;
      await eventually(async () => {
        await push(machines, 95);
        return gateway.counters.raised >= machines;
      }, `${machines} are raised`);
      return gateway.counters.raised - before;
    };
    await raise(4);
    await eventually(async () => (await figures()).raised === 4, 'they are in the journal');
    const four = await figures();
    // A gateway that has just begun: 4 in the day asked for, and not 0.17 an hour.
    expect(four.observedMs).toBeLessThan(120_000);
    expect(four).toMatchObject({ perHour: 24, last10Min: 4, isFlood: false, topTenShare: 1 });
    expect(four.toMs - four.fromMs).toBe(86_400_000);
    await raise(12);
    await eventually(async () => (await figures()).raised === 12, 'twelve');
    const flood = await figures();
    expect(flood).toMatchObject({ raised: 12, last10Min: 12, isFlood: true, floodShare: 1, peak10Min: 12 });
    expect(flood.topTen).toHaveLength(10);
    // A comment is no alarm.
    await gateway.command({ verb: 'comment', asset: 'm1', rule: 'hi', by: 'ada', comment: 'all of them at once' });
    expect((await figures()).raised).toBe(12);
    expect(gateway.counters.raised).toBe(12);
    // The span may end before.
    expect(await figures(`?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z`)).toMatchObject({ raised: 0, observedMs: 0, isFlood: false });
  });
});
