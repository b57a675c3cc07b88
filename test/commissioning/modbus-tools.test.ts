import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { renderRead, renderScan } from '../../src/cli/modbus-view.ts';
import { Device } from '../../src/commissioning/device.ts';
import { type ReadWish, readRange } from '../../src/commissioning/read-registers.ts';
import { readingsAt } from '../../src/commissioning/readings.ts';
import { scanDevice } from '../../src/commissioning/scan-device.ts';
import { type LibmodbusOptions, startLibmodbus } from '../support/modbus/libmodbus.ts';

async function device(context: TestContext, options: LibmodbusOptions): Promise<Device> {
  const peer = (await startLibmodbus(options)) ?? context.skip();
  onTestFinished(() => peer.dispose());
  const opened = new Device({ url: peer.url, timeoutMs: 300, signal: AbortSignal.timeout(30_000) });
  onTestFinished(() => opened.close());
  return opened;
}

const plain = (_: string, text: string): string => text;
const wish = (more: Partial<ReadWish>): ReadWish => ({ unit: 1, table: 'holdingRegister', from: 0, to: 9, ...more });

describe('readings', () => {
  const registers = (...values: number[]): Buffer => {
    const data = Buffer.alloc(values.length * 2);
    for (const [i, value] of values.entries()) data.writeUInt16BE(value & 0xffff, i * 2);
    return data;
  };
  const likely = (data: Buffer, position = 0): string[] =>
    readingsAt(data, position)
      .filter(({ plausible }) => plausible)
      .map(({ type, order, value }) => `${type}${order === undefined ? '' : ` ${order}`} ${Number(value.toPrecision(4))}`);

  it('mark what plants have, in the order it stands in', () => {
    // 21.4 °C in the four orders.
    expect(likely(registers(0x41ab, 0x3333))).toEqual(['float32 ABCD 21.4']);
    expect(likely(registers(0x3333, 0x41ab))).toEqual(['float32 CDAB 21.4']);
    expect(likely(registers(0xab41, 0x3333))).toEqual(['float32 BADC 21.4']);
    expect(likely(registers(0x3333, 0xab41))).toEqual(['float32 DCBA 21.4']);
    expect(likely(registers(0xffff, 0xff38))).toContain('int32 ABCD -200');
    expect(likely(registers(-15))).toEqual(['int16 -15']);
    const energy = Buffer.alloc(8);
    energy.writeDoubleBE(12_345.5);
    expect(likely(energy)).toContain('float64 ABCD 12350');
    expect(likely(registers(0, 0, 0, 0))).toEqual([]);
    expect(readingsAt(registers(1), 0).map(({ type }) => type)).toEqual(['uint16', 'int16']);
  });
});

describe('fettle modbus read', () => {
  it('shows every type and order, tells the order of the device, and goes around holes', async (context) => {
    const opened = await device(context, { floatRamp: true, holes: [[6, 7]] });
    const result = await readRange(opened, wish({ from: 2, to: 11 }));
    expect(result.registers.map(({ address }) => address)).toEqual([2, 3, 4, 5, 8, 9, 10, 11]);
    expect(result.missing).toMatchObject([{ from: 6, to: 7 }]);
    const [first] = result.registers;
    expect(first?.readings.find(({ type, order }) => type === 'float32' && order === 'ABCD')).toMatchObject({ value: 1, plausible: true });
    expect(result.hints).toEqual([expect.stringContaining('order: ABCD')]);
    const table = renderRead(result, plain);
    expect(table).toMatch(/^unit 1, holding registers 2-11\naddress +ref\. +hex/);
    expect(table).toMatch(/\n +2 +40003 +0x3F80 +16256 +16256 +1 \* /);
    expect(table).toContain('6-7 not read:');
  });

  it('says what to try where the address is wrong by one, the table or the unit is another', async (context) => {
    const opened = await device(context, { registers: 100, missingFunctions: [4], silentUnits: [3] });
    const beyond = await readRange(opened, wish({ from: 100, to: 100 }));
    expect(beyond.hints).toEqual([expect.stringMatching(/100 = 40101 does not exist, .* 99 = 40100 does: .* try one less/)]);
    const wrongTable = await readRange(opened, wish({ table: 'inputRegister', from: 5, to: 5 }));
    expect(wrongTable.hints).toEqual(['it has holding register 5: --holding 5']);
    const wrongUnit = await readRange(opened, wish({ unit: 3 }));
    expect(wrongUnit.hints).toEqual(['unit 3 does not answer, unit 1 does: --unit 1']);
    expect(renderRead(wrongUnit, plain)).toMatch(/0-9 not read: .*no answer within 300 ms/);
  });

  it('reads bits as bits', async (context) => {
    const opened = await device(context, {});
    const { bits, registers } = await readRange(opened, wish({ table: 'coil', from: 0, to: 3 }));
    expect(registers).toEqual([]);
    expect(bits.map(({ address }) => address)).toEqual([0, 1, 2, 3]);
  });
});

describe('fettle modbus scan', () => {
  it('finds units, tables, ranges and the longest read, with few requests', async (context) => {
    const opened = await device(context, {
      registers: 1000,
      holes: [
        [50, 199],
        [300, 999],
      ],
      missingFunctions: [1, 2, 4],
      silentUnits: [1, 3],
      maxRegisters: 64,
    });
    const result = await scanDevice(opened, { units: [1, 2, 3], from: 0, to: 1500, mostRequests: 2000 }, new AbortController().signal);
    expect(result).toMatchObject({ complete: true, found: [{ unit: 2, maxRegisters: 64 }] });
    expect(result.found[0]?.ranges).toEqual([
      { table: 'holdingRegister', from: 0, to: 49 },
      { table: 'holdingRegister', from: 200, to: 299 },
    ]);
    expect(result.requests).toBeLessThan(120);
    expect(renderScan(result, 'tcp://plc')).toContain('→ fettle modbus read tcp://plc --unit 2 --holding 0-39');
  });

  it('shows what it has found when it is ended', async (context) => {
    const opened = await device(context, {});
    const stop = new AbortController();
    const result = await scanDevice(
      opened,
      { units: [1, 2, 3], from: 0, to: 50, mostRequests: 500, onFound: () => stop.abort() },
      stop.signal,
    );
    expect(result).toMatchObject({ complete: false, found: [{ unit: 1 }] });
    const bounded = await scanDevice(opened, { units: [1, 2, 3], from: 0, to: 50, mostRequests: 1 }, new AbortController().signal);
    expect(bounded).toMatchObject({ complete: false, found: [] });
  });
});
