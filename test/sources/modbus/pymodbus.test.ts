import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { startPymodbus } from '../../support/modbus/pymodbus.ts';
import { runSource } from '../../support/modbus/source-run.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe('a pymodbus gateway', () => {
  it('gives two units, refuses what it does not have, and says which unit is away', async (context) => {
    const server = await startPymodbus();
    if (server === undefined) return context.skip();
    cleanups.push(() => server.dispose());
    const run = await runSource({
      url: server.url,
      poll: '100ms',
      timeout: '200ms',
      inFlight: 4,
      tags: [
        { tag: 'one', table: 'holdingRegister', address: 7, type: 'uint16' },
        { tag: 'two', table: 'inputRegister', address: 199, type: 'uint16', unit: 2 },
        { tag: 'coil', table: 'coil', address: 6, unit: 2 },
        { tag: 'discrete', table: 'discreteInput', address: 7, unit: 2 },
        { tag: 'beyond', table: 'holdingRegister', address: 201, type: 'int16' },
        { tag: 'near', table: 'holdingRegister', address: 198, type: 'int16' },
        { tag: 'away', table: 'holdingRegister', address: 0, type: 'int16', unit: 3 },
      ],
    });
    cleanups.push(() => run.stop());
    await eventually(() => run.samples.filter(({ tag }) => tag === 'one').length > 8);
    const last = Object.fromEntries(
      ['one', 'two', 'coil', 'discrete', 'beyond', 'near', 'away'].map((tag) => [tag, [run.last(tag)?.value, run.last(tag)?.quality]]),
    );
    expect(last).toEqual({
      one: [1007, 'good'],
      two: [2199, 'good'],
      coil: [1, 'good'],
      discrete: [0, 'good'],
      beyond: [Number.NaN, 'badConfigurationError'],
      near: [1198, 'good'],
      away: [Number.NaN, 'badNoCommunication'],
    });
    const units = run.source.status().units;
    expect(units.map(({ name, state }) => [name, state])).toEqual([
      ['unit 1', 'degraded'],
      ['unit 2', 'good'],
      ['unit 3', 'failed'],
    ]);
    expect(units[2]?.lastError).toContain('no answer within 200 ms');
    // Asked at the start, and after half a second, but not every time.
    expect(run.counter('requests')).toBeLessThan(8 * 5 + 20);
  });
});
