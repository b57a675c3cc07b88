import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { freePort } from '../support/peer-process.ts';
import { sharedDirectory } from '../support/temporary-directory.ts';
import { fills, heard, load, type Major, nodeRed } from './support/node-red.ts';
import { leavesNothing } from './support/resources.ts';

export function outboxSuite(major: Major): void {
  describe(`fettle-outbox, Node-RED ${major}`, () => {
    let helper: Awaited<ReturnType<typeof nodeRed>>;
    beforeAll(async () => {
      helper = await nodeRed(major, { userDir: sharedDirectory() });
    });
    afterAll(() => new Promise<void>((resolve) => helper.stopServer(resolve)));

    it('keeps what is sent while the broker is away, over a redeploy, and says how much waits', async ({ skip }) => {
      const port = await freePort();
      const flow = [
        {
          id: 'outbox',
          type: 'fettle-outbox',
          target: 'mqtt',
          url: `mqtt://127.0.0.1:${port}`,
          database: '',
          username: '',
          size: '100',
          wires: [['kept']],
        },
        { id: 'catch', type: 'catch', wires: [['caught']] },
        ...['kept', 'caught'].map((id) => ({ id, type: 'helper' })),
      ];
      await load(helper, ['fettle-outbox'], flow);
      const [kept, caught] = [heard(helper, 'kept'), heard<{ error?: { message: string } }>(helper, 'caught')];
      const colours = fills(helper, 'outbox');
      for (let n = 0; n < 5; n++) helper.getNode('outbox')?.receive({ topic: 'out/n', payload: n });
      await eventually(() => kept.length === 5, 'kept');
      await eventually(() => caught.length > 0 && colours.includes('yellow'), 'it says what waits');
      expect(caught[0]?.error?.message).toContain(`127.0.0.1:${port}`);
      await helper.unload();
      const broker = (await startMosquitto({ port })) ?? skip();
      onTestFinished(() => broker.dispose());
      const client = await mqtt.connectAsync(broker.url);
      onTestFinished(() => client.endAsync(true));
      const came: string[] = [];
      client.on('message', (_topic, payload) => came.push(payload.toString()));
      await client.subscribeAsync('out/n', { qos: 1 });
      await load(helper, ['fettle-outbox'], flow);
      const later = fills(helper, 'outbox');
      helper.getNode('outbox')?.receive({ topic: 'out/n', payload: { n: 5 } });
      await eventually(() => came.length === 6, 'all of them');
      expect(came).toEqual(['0', '1', '2', '3', '4', '{"n":5}']);
      await eventually(() => later.includes('green'), 'nothing waits');
    });

    it('says what is wrong with its settings, and leaves nothing behind, however often it is deployed', async () => {
      const flowOf = (url: string): object[] => [
        { id: 'outbox', type: 'fettle-outbox', target: 'http', url, database: '', username: '', size: '100', wires: [['kept']] },
        { id: 'catch', type: 'catch', wires: [['caught']] },
        ...['kept', 'caught'].map((id) => ({ id, type: 'helper' })),
      ];
      await load(helper, ['fettle-outbox'], flowOf('no address'));
      const caught = heard<{ error?: { message: string } }>(helper, 'caught');
      helper.getNode('outbox')?.receive({ payload: 1 });
      await eventually(() => caught.length > 0, 'an error');
      expect(caught[0]?.error?.message).toBe('url must be an address like https://host/path');
      await helper.unload();
      // Nobody listens there: connections are being tried while it is removed.
      const url = `http://127.0.0.1:${await freePort()}`;
      await leavesNothing(async () => {
        await load(helper, ['fettle-outbox'], flowOf(url));
        const kept = heard(helper, 'kept');
        for (let n = 0; n < 3; n++) helper.getNode('outbox')?.receive({ payload: { n } });
        await eventually(() => kept.length === 3, 'kept');
        await helper.unload();
      });
    });
  });
}
