import { createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { renderSource, renderSunspec } from '../../src/cli/sunspec-view.ts';
import { Device } from '../../src/commissioning/device.ts';
import { readSunspec } from '../../src/commissioning/sunspec.ts';
import { modelOf, placePoints } from '../../src/commissioning/sunspec-model.ts';
import { proposedTags } from '../../src/commissioning/sunspec-tags.ts';
import { parseConfig } from '../../src/config/load.ts';

/** A device over plain Modbus TCP that has these holding registers and no others. */
async function serve(registers: ReadonlyMap<number, number>, maxRegisters = 125): Promise<Device> {
  const answer = (socket: Socket, request: Buffer): void => {
    const [address, count] = [request.readUInt16BE(8), request.readUInt16BE(10)];
    const known = count <= maxRegisters && Array.from({ length: count }, (_, i) => registers.has(address + i)).every(Boolean);
    const body = known ? Buffer.alloc(2 + 2 * count) : Buffer.from([0x83, count > maxRegisters ? 3 : 2]);
    if (known) {
      body[0] = 3;
      body[1] = 2 * count;
      for (let i = 0; i < count; i++) body.writeUInt16BE(registers.get(address + i) as number, 2 + 2 * i);
    }
    const head = Buffer.from(request.subarray(0, 7));
    head.writeUInt16BE(body.length + 1, 4);
    socket.write(Buffer.concat([head, body]));
  };
  const server = createServer((socket) => socket.on('data', (request) => answer(socket, request)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const device = new Device({
    url: `tcp://127.0.0.1:${(server.address() as { port: number }).port}`,
    timeoutMs: 500,
    signal: AbortSignal.timeout(20_000),
  });
  onTestFinished(() => device.close());
  return device;
}

/** "SunS", the models one behind the other, and the end. Points that are not given are "not implemented". */
function registersOf(
  base: number,
  models: readonly [id: number, length: number, values: Record<string, number | string>][],
): Map<number, number> {
  const registers = new Map<number, number>([
    [base, 0x5375],
    [base + 1, 0x6e53],
  ]);
  let address = base + 2;
  for (const [id, length, values] of models) {
    for (let i = 0; i < length + 2; i++) registers.set(address + i, 0);
    const model = modelOf(id);
    if (model !== undefined)
      for (const { path, type, size, address: at } of placePoints(model, address, length, () => 2)) {
        const value =
          values[path] ??
          (type === 'string' ? '' : type.startsWith('int') || type === 'sunssf' ? 0x8000 : type.startsWith('acc') ? 0 : 0xffff);
        if (typeof value === 'string') {
          const bytes = Buffer.alloc(size * 2);
          bytes.write(value, 'latin1');
          for (let i = 0; i < size; i++) registers.set(at + i, bytes.readUInt16BE(2 * i));
        } else if (size === 2) {
          registers.set(at, values[path] === undefined ? value : Math.floor(value / 65_536) & 0xffff);
          registers.set(at + 1, value & 0xffff);
        } else registers.set(at, value & 0xffff);
      }
    registers.set(address, id);
    registers.set(address + 1, length);
    address += length + 2;
  }
  registers.set(address, 0xffff);
  registers.set(address + 1, 0);
  return registers;
}

const inverter = registersOf(40_000, [
  [1, 66, { Mn: 'Sonnenbau', Md: 'WR 5', SN: '4711' }],
  [103, 50, { A: 217, A_SF: -2, W: 1530, W_SF: 0, WH: 123_456_789, WH_SF: 0, Hz: 5001, Hz_SF: -2, St: 4, TmpCab: 415, Tmp_SF: -1 }],
  [160, 48, { N: 2, 'module[1]/DCV': 640, 'module[2]/DCV': 655, DCV_SF: -1 }],
  [64_001, 3, {}],
]);

describe('fettle modbus sunspec', () => {
  it('reads every model with units, powers of ten and what the device does not have, also in short reads', async () => {
    for (const maxRegisters of [125, 20]) {
      const found = await readSunspec(await serve(inverter, maxRegisters), 1);
      expect(found).toMatchObject({
        base: 40_000,
        models: [{ id: 1 }, { id: 103, address: 40_070 }, { id: 160 }, { id: 64_001, values: [] }],
      });
      const given = (path: string) => found?.models.flatMap(({ values }) => values).find((value) => value.path === path)?.value;
      expect(given('Mn')).toBe('Sonnenbau');
      expect(given('A')).toBe(2.17);
      expect(given('WH')).toBe(123_456_789);
      expect(given('Hz')).toBe(50.01);
      expect(given('TmpCab')).toBe(41.5);
      expect(given('AphA')).toBeNull();
      expect(given('module[2]/DCV')).toBe(65.5);
    }
  });

  it('shows it, and proposes a source that fettle check accepts', async () => {
    const found = await readSunspec(await serve(inverter), 1);
    if (found === undefined) throw new Error('nothing was found');
    const text = renderSunspec(found, (_, words) => words);
    expect(text).toMatch(/^unit 1, SunSpec at 40000: Sonnenbau, WR 5, 4711\n/);
    expect(text).toMatch(/103 Inverter \(Three Phase\)/);
    expect(text).toMatch(/\n {2}A +2\.17 A\n/);
    expect(text).toMatch(/\n {2}St +4 \(mppt\)\n/);
    expect(text).toContain('no definition of this model was published');
    const tags = proposedTags(found, 'roof/wr');
    expect(tags.find(({ tag }) => tag === 'roof/wr/A')).toMatchObject({ address: 40_072, type: 'uint16', engineeringUnit: 'A' });
    expect(tags.map(({ tag }) => tag)).toContain('roof/wr/module2/DCV');
    expect(tags.some(({ tag }) => /SN|_SF/.test(tag))).toBe(false);
    const yaml = renderSource(found, 'tcp://10.0.0.5:502', 'roof/wr');
    const { config } = parseConfig(`site: roof\n${yaml}`, 'proposed.yaml', {});
    expect(config.sources[0]).toMatchObject({ type: 'modbus', unit: 1 });
  });

  it('says nothing of a device without the marker', async () => {
    expect(
      await readSunspec(
        await serve(
          new Map([
            [40_000, 1],
            [40_001, 2],
          ]),
        ),
        1,
      ),
    ).toBeUndefined();
  });
});
