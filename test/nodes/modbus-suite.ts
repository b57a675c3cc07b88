import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ServedPlant } from '../../src/simulator/served-plant.ts';
import { eventually } from '../support/eventually.ts';
import { exceptionReply, startRawDevice } from '../support/modbus/raw-device.ts';
import { sharedDirectory } from '../support/temporary-directory.ts';
import { fills, heard, load, type Major, nodeRed } from './support/node-red.ts';
import { leavesNothing } from './support/resources.ts';

interface Sample {
  readonly tag: string;
  readonly value: number | null;
  readonly quality: string;
  readonly reason?: string;
}
interface Heard {
  readonly topic: string;
  readonly payload: Sample[];
  readonly error?: { readonly message: string };
}

const row = (tag: string, address: string, more: object = {}): object => ({
  tag,
  table: 'holdingRegister',
  address,
  type: 'float32',
  order: 'CDAB',
  scale: '',
  unit: '',
  ...more,
});
const tags = [
  row('flow', '100'),
  row('pressure', '40105', { table: 'reference' }),
  row('airflow', '10', { table: 'inputRegister', type: 'int16', order: '', scale: '0.01', unit: '2' }),
];

export function modbusSuite(major: Major): void {
  describe(`fettle-modbus, Node-RED ${major}`, () => {
    let helper: Awaited<ReturnType<typeof nodeRed>>;
    beforeAll(async () => {
      helper = await nodeRed(major, { userDir: sharedDirectory() });
    });
    afterAll(() => new Promise<void>((resolve) => helper.stopServer(resolve)));

    it('sends a message a cycle, says once what is wrong in an outage, goes on by itself, and leaves the line when it is closed', async () => {
      const plant = new ServedPlant({ seed: 4 });
      await plant.device.start(0);
      onTestFinished(() => plant.stop());
      const { port } = plant.device;
      const flow = [
        { id: 'line', type: 'fettle-modbus-connection', url: `tcp://127.0.0.1:${port}`, unit: '1', timeout: '300ms' },
        { id: 'modbus', type: 'fettle-modbus', name: '', connection: 'line', poll: '100ms', tags, wires: [['samples']] },
        { id: 'catch', type: 'catch', wires: [['caught']] },
        ...['samples', 'caught'].map((id) => ({ id, type: 'helper' })),
      ];
      await load(helper, ['fettle-modbus-connection', 'fettle-modbus'], flow);
      const [samples, caught] = [heard<Heard>(helper, 'samples'), heard<Heard>(helper, 'caught')];
      const colours = fills(helper, 'modbus');
      await eventually(() => samples.length > 3, 'cycles');
      expect(samples[2]?.payload.map(({ tag, quality }) => [tag, quality]).sort()).toEqual([
        ['airflow', 'good'],
        ['flow', 'good'],
        ['pressure', 'good'],
      ]);
      await eventually(() => colours.includes('green'), 'it shows that it reads');
      await plant.device.stop();
      await eventually(() => caught.length > 0, 'an error for catch nodes');
      expect(caught[0]?.error?.message).toMatch(/127\.0\.0\.1/);
      await eventually(
        () => samples.at(-1)?.payload.every(({ value, quality }) => value === null && quality === 'bad') === true,
        'bad samples',
      );
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      expect(new Set(caught.map(({ error }) => error?.message)).size).toBe(caught.length);
      await plant.device.start(port);
      await eventually(() => samples.at(-1)?.payload.every(({ quality }) => quality === 'good') === true, 'it reads again');
      await helper.unload();
      const count = samples.length;
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(samples).toHaveLength(count);
    });

    it('says what is wrong with its settings', async () => {
      const flow = [
        { id: 'line', type: 'fettle-modbus-connection', url: 'http://plc', unit: '1', timeout: '300ms' },
        { id: 'modbus', type: 'fettle-modbus', connection: 'line', poll: '100ms', tags, wires: [[]] },
        { id: 'catch', type: 'catch', wires: [['caught']] },
        { id: 'caught', type: 'helper' },
      ];
      await load(helper, ['fettle-modbus-connection', 'fettle-modbus'], flow);
      const caught = heard<Heard>(helper, 'caught');
      await eventually(() => caught.length > 0, 'an error');
      expect(caught[0]?.error?.message).toMatch(/^url .*tcp:\/\/host:port/);
    });

    it('says in words what answers at an address, before anything is deployed', async () => {
      const plant = new ServedPlant({ seed: 4 });
      await plant.device.start(0);
      onTestFinished(() => plant.stop());
      await load(helper, ['fettle-modbus-connection', 'fettle-modbus'], []);
      const request = helper.request() as {
        post(path: string): { send(body: object): Promise<{ body: { value?: number; problem?: string } }> };
      };
      const ask = async (source: object): Promise<{ value?: number | null; problem?: string }> =>
        (await request.post('/fettle-modbus-connection/test').send({ timeout: '300ms', ...source })).body;
      const url = `tcp://127.0.0.1:${plant.device.port}`;
      expect(await ask({ url, unit: '1' })).toEqual({ value: 0 });
      // That it has no such register is an answer too.
      const without = await startRawDevice((request) => request.unit === 1 && request.socket.write(exceptionReply(request, 2)));
      onTestFinished(() => without.close());
      expect(await ask({ url: without.url, unit: '1' })).toEqual({ value: null });
      expect((await ask({ url: without.url, unit: '77' })).problem).toMatch(/unit 77, .*: .* → .*unit id/);
      expect((await ask({ url: 'tcp://127.0.0.1:1', unit: '1' })).problem).toMatch(/^tcp:\/\/127\.0\.0\.1:1.* → check address and port/);
      expect((await ask({ url: 'http://plc', unit: '1' })).problem).toMatch(/tcp:\/\/host:port/);
    });

    it('leaves nothing behind, however often it is deployed', async () => {
      const plant = new ServedPlant({ seed: 4 });
      await plant.device.start(0);
      onTestFinished(() => plant.stop());
      const flow = [
        { id: 'line', type: 'fettle-modbus-connection', url: `tcp://127.0.0.1:${plant.device.port}`, unit: '1', timeout: '300ms' },
        ...['a', 'b'].map((id) => ({ id, type: 'fettle-modbus', name: '', connection: 'line', poll: '50ms', tags, wires: [['samples']] })),
        { id: 'samples', type: 'helper' },
      ];
      await leavesNothing(async () => {
        await load(helper, ['fettle-modbus-connection', 'fettle-modbus'], flow);
        const samples = heard<Heard>(helper, 'samples');
        await eventually(() => samples.length > 3, 'cycles');
        await helper.unload();
      });
    });
  });
}
