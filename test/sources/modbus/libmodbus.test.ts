import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { type LibmodbusOptions, startLibmodbus } from '../../support/modbus/libmodbus.ts';
import { runSource, type SourceRun } from '../../support/modbus/source-run.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(
  options: LibmodbusOptions,
  config: object,
  context: { skip(): never },
): Promise<{ run: SourceRun; stopServer(): Promise<void>; startServer(): Promise<void> }> {
  const server = await startLibmodbus(options);
  if (server === undefined) return context.skip();
  cleanups.push(() => server.dispose());
  const run = await runSource({ url: server.url, timeout: '200ms', ...config });
  cleanups.push(() => run.stop());
  return { run, stopServer: () => server.stop('SIGKILL'), startServer: () => server.start() };
}

const registers = (addresses: readonly number[], rest: object = {}) =>
  addresses.map((address) => ({ tag: `r${address}`, table: 'holdingRegister', address, type: 'uint16', ...rest }));

describe('a libmodbus device', () => {
  it('gives every table and type, in merged reads', async (context) => {
    const { run } = await start(
      {},
      {
        poll: '50ms',
        tags: [
          { tag: 'coil', table: 'coil', address: 9 },
          { tag: 'discrete', reference: '10011', type: 'bool' },
          { tag: 'input', table: 'inputRegister', address: 513, type: 'int16' },
          { tag: 'holding', reference: 40112, type: 'uint16', scale: 0.1, offset: 1 },
          { tag: 'bit', table: 'holdingRegister', address: 5, bit: 2, type: 'bool' },
          { tag: 'long', table: 'holdingRegister', address: 7, type: 'uint32', order: 'CDAB' },
        ],
      },
      context,
    );
    await eventually(() => run.counter('replies') >= 10);
    expect(Object.fromEntries(['coil', 'discrete', 'input', 'holding', 'bit', 'long'].map((tag) => [tag, run.last(tag)?.value]))).toEqual({
      coil: 1,
      discrete: 0,
      input: 513,
      holding: 12.1,
      bit: 1,
      long: 8 * 65_536 + 7,
    });
    expect(run.samples.every(({ quality }) => quality === 'good')).toBe(true);
    // Coil, discrete input, input register, holding registers 5-8, holding register 111.
    expect(run.counter('requests') % 5).toBeLessThanOrEqual(run.counter('requests') - run.counter('replies'));
    expect(run.source.status()).toMatchObject({ state: 'good', units: [{ name: 'unit 1', state: 'good' }] });
    expect(run.connected).toEqual([true]);
  });

  it('finds the one missing address by halves and reads the rest', async (context) => {
    const { run } = await start({ holes: [[20, 20]] }, { poll: '100ms', tags: registers([0, 4, 8, 12, 16, 20, 24, 28]) }, context);
    await eventually(() => run.last('r28')?.quality === 'good' && run.last('r20') !== undefined);
    expect(run.last('r20')).toMatchObject({ value: Number.NaN, quality: 'badConfigurationError' });
    expect(run.last('r24')).toMatchObject({ value: 24, quality: 'good' });
    const status = run.source.status();
    expect(status.state).toBe('degraded');
    expect(status.units[0]?.lastError).toContain('r20: tcp://127.0.0.1');
    expect(status.units[0]?.lastError).toContain('holding register 20 = 40021: exception 2, illegal data address');
    expect(status.counters.quarantined).toBe(1);
    // The splits are remembered: no further exceptions, no request for the missing one.
    const exceptions = run.counter('exceptions');
    await eventually(() => run.samples.filter(({ tag }) => tag === 'r24').length > 5);
    expect(run.counter('exceptions')).toBe(exceptions);
    // Once a period it says why.
    expect(run.samples.filter(({ tag }) => tag === 'r20').length).toBeGreaterThan(4);
  });

  it('does with less than 125 registers where the device does', async (context) => {
    const { run } = await start({ maxRegisters: 20 }, { poll: '100ms', tags: registers([0, 8, 16, 24, 32, 40, 48, 56]) }, context);
    await eventually(() => run.samples.filter(({ tag, quality }) => tag === 'r56' && quality === 'good').length > 2);
    expect(run.samples.every(({ quality }) => quality === 'good')).toBe(true);
    expect(run.counter('splits')).toBe(3);
    expect(run.counter('quarantined')).toBe(0);
  });

  it('gives up a table that is not there, and tells', async (context) => {
    const { run } = await start(
      { missingFunctions: [4] },
      { poll: '50ms', tags: [...registers([1]), { tag: 'input', table: 'inputRegister', address: 0, type: 'int16' }] },
      context,
    );
    await eventually(() => run.samples.filter(({ tag }) => tag === 'r1').length > 5);
    expect(run.counter('exceptions')).toBe(1);
    expect(run.last('input')?.quality).toBe('badConfigurationError');
    expect(run.source.status().units[0]).toMatchObject({ state: 'degraded', hint: expect.stringContaining('does not have this table') });
    expect(run.logged.filter((message) => message.includes('illegal function'))).toHaveLength(1);
  });

  it('keeps a silent unit from delaying another', async (context) => {
    const { run } = await start(
      { silentUnits: [7] },
      {
        poll: '100ms',
        tags: [
          ...registers([0]),
          { tag: 'silent', table: 'holdingRegister', address: 0, type: 'uint16', unit: 7 },
          { tag: 'silent2', table: 'holdingRegister', address: 500, type: 'uint16', unit: 7 },
        ],
      },
      context,
    );
    await eventually(() => run.source.status().units[1]?.state === 'failed');
    const before = run.samples.length;
    const timeouts = run.counter('timeouts');
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const since = run.samples.slice(before);
    const good = since.filter(({ tag }) => tag === 'r0');
    // 30 polls, less two for each probe (after 0.5, 1 and 2 s).
    expect(run.counter('timeouts') - timeouts).toBeLessThanOrEqual(3);
    expect(good.length).toBeGreaterThanOrEqual(23);
    expect(good.every(({ quality }) => quality === 'good')).toBe(true);
    // The silent unit's tags say why, once a period.
    const bad = since.filter(({ tag }) => tag === 'silent');
    expect(bad.length).toBeGreaterThan(15);
    expect(bad.every(({ value, quality }) => Number.isNaN(value) && quality === 'badNoCommunication')).toBe(true);
    expect(run.source.status().units).toMatchObject([
      { state: 'good' },
      { state: 'failed', lastError: expect.stringContaining('no answer within 200 ms') },
    ]);
  }, 15_000);

  it('is found again after it was away', async (context) => {
    const { run, stopServer, startServer } = await start({}, { poll: '50ms', tags: registers([3]) }, context);
    await eventually(() => run.last('r3')?.quality === 'good');
    await stopServer();
    await eventually(() => run.last('r3')?.quality === 'badNoCommunication');
    expect(run.source.status()).toMatchObject({ state: 'failed', units: [{ lastError: expect.stringMatching(/ECONNREFUSED|closed/) }] });
    await startServer();
    await eventually(() => run.last('r3')?.quality === 'good');
    expect(run.counter('reconnects')).toBe(1);
    expect(run.connected).toEqual([true, false, true]);
    expect(run.source.status().state).toBe('good');
  });

  it('skips and counts cycles it cannot keep, and asks in phase', async (context) => {
    const { run } = await start({ delayMs: 30 }, { poll: '100ms', bridgeRegisters: 0, tags: registers([0, 10, 20, 30, 40]) }, context);
    await eventually(() => run.samples.filter(({ tag }) => tag === 'r0').length >= 4);
    expect(run.counter('lateCycles')).toBeGreaterThanOrEqual(2);
    const times = run.samples.filter(({ tag }) => tag === 'r0').map(({ timeMs }) => timeMs % 100);
    // Asked at the start of a period, half of 30 ms later is its time.
    for (const phase of times.slice(1)) expect(phase).toBeLessThan(60);
  });

  it('reads the short period in time between the many reads of a long one', async (context) => {
    const { run } = await start(
      { delayMs: 8 },
      {
        poll: '1s',
        bridgeRegisters: 0,
        tags: [...registers([0, 10], { poll: '100ms' }), ...registers(Array.from({ length: 40 }, (_, i) => 1000 + 10 * i))],
      },
      context,
    );
    await eventually(() => run.samples.filter(({ tag }) => tag === 'r1390').length >= 4);
    // One after the other, each of the four long cycles would hold the short one up for a third of a second; a busy host may do so once.
    const times = run.samples.filter(({ tag }) => tag === 'r0').map(({ timeMs }) => timeMs);
    const waits = times.slice(1).filter((timeMs, i) => timeMs - (times[i] as number) > 250);
    expect(times.length).toBeGreaterThan(15);
    expect(waits.length).toBeLessThanOrEqual(1);
  });
});
