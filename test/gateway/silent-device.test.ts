import mqtt from 'mqtt';
import { expect, it, onTestFinished } from 'vitest';
import type { AlarmTransition } from '../../src/core/alarm.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** The gateway's time goes this much faster than ours. */
const pace = 20;

it('a device that falls silent is missed while others of the same source go on', async (context) => {
  const mosquitto = (await startMosquitto()) ?? context.skip();
  onTestFinished(() => mosquitto.dispose());
  const began = Date.now();
  const clock = { wallMs: () => began + (Date.now() - began) * pace, monotonicMs: () => performance.now() * pace };
  const transitions: AlarmTransition[] = [];
  const asset = (id: string): object => ({
    id,
    tags: [`${id}/flow`],
    window: { step: '1s', allowedLateness: '0s' },
    alarm: { notWatchedAfter: '20s' },
  });
  const gateway = await startGateway(
    {
      site: 'north',
      data: temporaryDirectory(),
      sources: [
        {
          id: 'plant',
          type: 'mqtt',
          url: mosquitto.url,
          topics: [{ topic: 'plant/{m}', time: { path: '$.ts' }, tags: { '{m}/flow': '$.flow' } }],
        },
      ],
      assets: [asset('pump'), asset('fan')],
    },
    { clock, listener: { transition: (transition) => void transitions.push(transition) } },
  );
  await eventually(() => gateway.status().sources.plant?.state === 'good', 'the source is connected');
  const client = await mqtt.connectAsync(mosquitto.url, { protocolVersion: 5 });
  onTestFinished(() => client.endAsync(true));
  let devices = ['pump', 'fan'];
  const speaking = setInterval(() => {
    for (const device of devices)
      client.publish(`plant/${device}`, JSON.stringify({ ts: clock.wallMs(), flow: 5 + Math.random() }), { qos: 1 });
  }, 25);
  onTestFinished(() => clearInterval(speaking));
  await eventually(() => gateway.status().assets.every(({ watching }) => watching === 'yes' || watching === 'no'), 'both are watched');
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(transitions).toEqual([]);
  devices = ['fan'];
  await eventually(() => transitions.length > 0, 'the pump is missed');
  expect(transitions).toMatchObject([{ asset: 'pump', rule: 'notWatched', to: 'unacknowledged' }]);
  devices = ['pump', 'fan'];
  await eventually(() => transitions.length > 1, 'the pump is back');
  expect(transitions[1]).toMatchObject({ asset: 'pump', rule: 'notWatched', to: 'normal' });
});
