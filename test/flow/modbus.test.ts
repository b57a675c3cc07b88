import { describe, expect, it, onTestFinished } from 'vitest';
import { FlowModbus, type PolledSample, readModbusOnce, tagsOfSheet } from '../../src/flow/flow-modbus.ts';
import { ServedPlant } from '../../src/simulator/served-plant.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/peer-process.ts';

const tags = [
  { tag: 'flow', table: 'holdingRegister', address: 100, type: 'float32', order: 'CDAB' },
  { tag: 'pressure', reference: 40105, type: 'float32', order: 'CDAB' },
  { tag: 'airflow', table: 'inputRegister', address: 10, type: 'int16', scale: 0.01, unit: 2 },
];

async function device(): Promise<{ url: string; plant: ServedPlant }> {
  const plant = new ServedPlant({ seed: 4 });
  await plant.device.start(0);
  plant.run();
  onTestFinished(() => plant.stop());
  return { url: `tcp://127.0.0.1:${plant.device.port}`, plant };
}

describe('Modbus inside a flow', () => {
  it('reports every tag once a cycle, and goes on after an outage with words for what happened', async () => {
    const { url, plant } = await device();
    const cycles: PolledSample[][] = [];
    const modbus = new FlowModbus({ source: { url, poll: '50ms', tags } as never }, (samples) => cycles.push(samples));
    onTestFinished(() => modbus.close());
    await modbus.start();
    await eventually(() => cycles.length > 5, 'cycles');
    for (const cycle of cycles.slice(1)) expect(cycle.map(({ tag }) => tag).sort()).toEqual(['airflow', 'flow', 'pressure']);
    expect(cycles[3]).toEqual(
      expect.arrayContaining([{ tag: 'flow', value: expect.closeTo(45, -1), time: expect.any(Number), quality: 'good' }]),
    );
    expect(modbus.status()).toEqual({ state: 'good', problem: undefined });
    const { port } = plant.device;
    await plant.device.stop();
    await eventually(() => modbus.status().problem !== undefined, 'it says so');
    await eventually(
      () => cycles.at(-1)?.every(({ quality, value }) => quality === 'bad' && value === null) === true,
      'bad samples, not those of before',
    );
    expect(cycles.at(-1)?.[0]?.reason).toBe('no communication');
    await plant.device.start(port);
    await eventually(() => cycles.at(-1)?.every(({ quality }) => quality === 'good') === true, 'it reads again');
  });

  it('says of what cannot be read why, and reads the rest', async () => {
    const { url } = await device();
    const samples = await readModbusOnce({ source: { url, tags: [...tags, { tag: 'nothing', table: 'coil', address: 5 }] } });
    expect(samples.find(({ tag }) => tag === 'nothing')).toMatchObject({ value: null, quality: 'bad', reason: expect.any(String) });
    expect(
      samples
        .filter((sample) => sample.quality === 'good')
        .map(({ tag }) => tag)
        .sort(),
    ).toEqual(['airflow', 'flow', 'pressure']);
  });

  it('reads once where nobody listens, or something is wrong, with an answer in words', async () => {
    const url = `tcp://127.0.0.1:${await freePort()}`;
    await expect(readModbusOnce({ source: { url, tags } })).rejects.toMatchObject({
      code: 'FETTLE_MODBUS_UNREACHABLE',
      message: expect.stringMatching(/refused|ECONNREFUSED/),
    });
    await expect(readModbusOnce({ source: { url: 'http://x', tags } })).rejects.toThrow(/^url .*tcp:\/\/host:port/);
    await expect(
      readModbusOnce({ source: { url, tags: [{ tag: 'a', table: 'holdingRegister', address: -1, type: 'int16' }] } }),
    ).rejects.toThrow(/^tags\[0\]\.address /);
  });

  it('takes tags as somebody pastes them from a sheet', () => {
    const { tags: found, problems } = tagsOfSheet(
      'Name;Register;Type;Unit\nflow;40101;float32;m³/h\noil temp;40111;int16;°C\nlost;;int16;\n',
    );
    expect(found).toMatchObject([{ tag: 'flow', type: 'float32' }, { tag: expect.stringMatching(/oil.temp/) }]);
    expect(problems).toMatchObject([{ line: 4 }]);
    expect(() => tagsOfSheet('hello')).toThrow(/no column for the address/);
  });
});
