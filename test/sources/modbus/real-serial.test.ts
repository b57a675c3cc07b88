import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { startLibmodbusRtu } from '../../support/modbus/libmodbus.ts';
import { startPtyPair } from '../../support/modbus/pty-pair.ts';
import { startPymodbusRtu } from '../../support/modbus/pymodbus.ts';
import { runSource, type SourceRun } from '../../support/modbus/source-run.ts';
import type { Peer } from '../../support/peer-process.ts';

/** A source at one end of a serial line, a server nobody here wrote at the other. */
async function start(context: TestContext, server: (path: string) => Promise<Peer | undefined>, config: object): Promise<SourceRun> {
  const pair = (await startPtyPair()) ?? context.skip();
  onTestFinished(() => pair.close());
  const peer = (await server(pair.far)) ?? context.skip();
  onTestFinished(() => peer.dispose());
  const run = await runSource({ url: `rtu://${pair.near}?baudRate=19200&parity=even`, poll: '100ms', timeout: '300ms', ...config });
  onTestFinished(() => run.stop());
  return run;
}

const lastOf = (run: SourceRun, tags: readonly string[]) =>
  Object.fromEntries(tags.map((tag) => [tag, [run.last(tag)?.value, run.last(tag)?.quality]]));

describe('on a serial line', () => {
  it('libmodbus gives every table, refuses holes and long reads, and is alone on the line', async (context) => {
    const options = { holes: [[40, 40]], maxRegisters: 16, missingFunctions: [2] } as const;
    const run = await start(context, (path) => startLibmodbusRtu(path, 5, options), {
      unit: 5,
      tags: [
        { tag: 'holding', table: 'holdingRegister', address: 513, type: 'uint16' },
        { tag: 'long', table: 'holdingRegister', address: 7, type: 'uint32', order: 'CDAB' },
        { tag: 'far', table: 'holdingRegister', address: 24, type: 'uint16' },
        { tag: 'hole', table: 'holdingRegister', address: 40, type: 'uint16' },
        { tag: 'behind', table: 'holdingRegister', address: 42, type: 'uint16' },
        { tag: 'input', table: 'inputRegister', address: 99, type: 'int16' },
        { tag: 'coil', table: 'coil', address: 9 },
        { tag: 'discrete', table: 'discreteInput', address: 9 },
        { tag: 'other', table: 'holdingRegister', address: 1, type: 'uint16', unit: 6 },
      ],
    });
    const tags = ['holding', 'long', 'far', 'hole', 'behind', 'input', 'coil', 'discrete', 'other'];
    const expected = {
      holding: [513, 'good'],
      long: [8 * 65_536 + 7, 'good'],
      far: [24, 'good'],
      hole: [Number.NaN, 'badConfigurationError'],
      behind: [42, 'good'],
      input: [99, 'good'],
      coil: [1, 'good'],
      discrete: [Number.NaN, 'badConfigurationError'],
      other: [Number.NaN, 'badNoCommunication'],
    };
    // A busy machine may let one answer come too late; the next one is right.
    await eventually(() => run.samples.filter(({ tag }) => tag === 'behind').length > 5 && isDeepStrictEqual(lastOf(run, tags), expected));
    const wrong = run.samples.filter(
      ({ tag, value, quality }) => quality === 'good' && value !== (expected as Record<string, unknown[]>)[tag]?.[0],
    );
    expect(wrong).toEqual([]);
  });

  it('libmodbus that answers too late is never heard as another register', async (context) => {
    const registers = [3, 100, 200].map((address) => ({ tag: `r${address}`, table: 'holdingRegister', address, type: 'uint16' }));
    const run = await start(context, (path) => startLibmodbusRtu(path, 1, { delayMs: 150 }), { timeout: '100ms', tags: registers });
    await eventually(() => run.counter('timeouts') >= 6);
    for (const { tag, value, quality } of run.samples) if (quality === 'good') expect(`r${value}`).toBe(tag);
  });

  it('pymodbus gives two units and is silent for a third', async (context) => {
    const run = await start(context, startPymodbusRtu, {
      tags: [
        { tag: 'one', table: 'holdingRegister', address: 7, type: 'uint16' },
        { tag: 'two', table: 'inputRegister', address: 199, type: 'uint16', unit: 2 },
        { tag: 'coil', table: 'coil', address: 6, unit: 2 },
        { tag: 'beyond', table: 'holdingRegister', address: 201, type: 'int16' },
        { tag: 'away', table: 'holdingRegister', address: 0, type: 'int16', unit: 3 },
      ],
    });
    const tags = ['one', 'two', 'coil', 'beyond', 'away'];
    const expected = {
      one: [1007, 'good'],
      two: [2199, 'good'],
      coil: [1, 'good'],
      beyond: [Number.NaN, 'badConfigurationError'],
      away: [Number.NaN, 'badNoCommunication'],
    };
    await eventually(() => run.samples.filter(({ tag }) => tag === 'two').length > 4 && isDeepStrictEqual(lastOf(run, tags), expected));
    const wrong = run.samples.filter(
      ({ tag, value, quality }) => quality === 'good' && value !== (expected as Record<string, unknown[]>)[tag]?.[0],
    );
    expect(wrong).toEqual([]);
  });
});
