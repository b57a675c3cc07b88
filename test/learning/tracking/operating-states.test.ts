import { describe, expect, it } from 'vitest';
import { gaussian, seededRandom } from '../../../src/core/seeded-random.ts';
import type { History } from '../../../src/learning/tracking/history.ts';
import { operatingStates, runningExpression, runningOnly } from '../../../src/learning/tracking/operating-states.ts';
import { compileRunning } from '../../../src/windows/running.ts';
import { syntheticRows } from '../../support/synthetic-machine.ts';

const rows = 4000;
const channels = ['press/current', 'press/flow', 'press/temp'];

/** Current and flow of a machine; `level` gives how much of them there is in a row, `flow` when the flow goes with it. */
function machine(level: (row: number) => number, flow = level, seed = 1): History {
  const noise = gaussian(seededRandom(seed));
  const wander = syntheticRows({ rows, channels: 3, seed });
  const values = Float64Array.from({ length: rows * 3 }, (_, at) => {
    const row = Math.floor(at / 3);
    const own = (wander[at] as number) - 50 - 10 * (at % 3);
    if (at % 3 === 0) return level(row) * (40 + own) + 0.1 * noise();
    if (at % 3 === 1) return flow(row) * (60 + own) + 0.2 * noise();
    return 70 + own;
  });
  return { channels, stepMs: 1000, runs: [{ rows, values }] };
}
const shifts = (row: number): number => (row % 1000 < 600 ? 1 : 0);

describe('ways of running nobody has named', () => {
  it('a machine that stops is seen to stop, in every channel that tells, and what it stood still is left out', () => {
    const history = machine(shifts);
    const states = operatingStates(history);
    expect(states).toMatchObject({ lower: 'off', changes: 7 });
    expect(states?.share).toBeCloseTo(0.4, 2);
    expect(states?.thresholds.map(({ channel }) => channel).sort()).toEqual(['press/current', 'press/flow']);
    for (const { above } of states?.thresholds ?? []) expect(above).toBeGreaterThan(1);
    if (states === undefined) return;
    const { tags, evaluate } = compileRunning(runningExpression(states));
    expect([...tags].sort()).toEqual(['press/current', 'press/flow']);
    expect(evaluate([40, 60])).toBe(true);
    // A flow that is blocked while the current is there is a fault, not a stop.
    expect(evaluate(tags.map((tag) => (tag === 'press/flow' ? 0 : 40)))).toBe(true);
    expect(evaluate([0, 0])).toBe(false);
    const { runs } = runningOnly(history, states, 30);
    expect(runs.map((run) => run.rows)).toEqual([600, 570, 570, 570]);
    expect(runs.every(({ values }) => values.every((value, at) => at % 3 !== 0 || value > 5))).toBe(true);
  });

  it('idle and load are told apart and not taken for a stop', () => {
    expect(operatingStates(machine((row) => (row % 1000 < 600 ? 1 : 0.3)))).toMatchObject({ lower: 'idle' });
  });

  it('nothing is seen where there is nothing: wander, one step that stays, spikes, a flow that goes by itself', () => {
    for (let seed = 1; seed <= 20; seed++) expect(operatingStates(machine(() => 1, undefined, seed))).toBeUndefined();
    expect(operatingStates(machine((row) => (row < 2000 ? 0 : 1)))).toBeUndefined();
    expect(operatingStates(machine((row) => (row % 20 === 0 ? 0 : 1)))).toBeUndefined();
    const states = operatingStates(machine(shifts, (row) => (row % 700 < 500 ? 1 : 0)));
    expect(states?.thresholds).toHaveLength(1);
    expect(operatingStates({ channels: ['a'], stepMs: 1000, runs: [] })).toBeUndefined();
  });

  it('a name that no expression can hold is not used', () => {
    const history = machine(shifts);
    expect(operatingStates({ ...history, channels: ['press current (A)', 'flow-1', 'in'] })).toBeUndefined();
  });
});
