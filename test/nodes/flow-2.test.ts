import mqtt from 'mqtt';
import { expect, it, onTestFinished } from 'vitest';
import { Plant } from '../../src/simulator/plant.ts';
import { eventually } from '../support/eventually.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { shippedFlow } from './support/flows.ts';
import { startNodeRed } from './support/node-red-process.ts';

const asset = 'line1/pump';
const patienceMs = 60_000;

it(
  'the second flow watches what sensors say over MQTT, tells people over MQTT, and remembers across a restart what stands',
  async ({ skip }) => {
    const broker = (await startMosquitto()) ?? skip();
    onTestFinished(() => broker.dispose());
    const red = await startNodeRed(5);
    onTestFinished(() => red.dispose());
    // As it is shipped, but for the port of the broker.
    await red.deploy(shippedFlow('2-').map((node) => (node.type === 'mqtt-broker' ? { ...node, port: String(broker.port) } : node)));

    const client = await mqtt.connectAsync(broker.url);
    onTestFinished(() => client.endAsync(true));
    const events: { state: string; rule: string; message: string; advice: string }[] = [];
    let state: { state: string } | undefined;
    client.on('message', (topic, payload) => {
      const said = JSON.parse(payload.toString()) as never;
      if (topic.endsWith('/event')) events.push(said);
      else state = said;
    });
    await client.subscribeAsync('flow/line1/pump/#');
    const plant = new Plant({ seed: 9 });
    plant.add({ asset, kind: 'cavitation', growthS: 1, onsetS: 10, durationS: 600 });
    const startMs = Date.now() - 60_000;
    let second = 0;
    const play = async (): Promise<void> => {
      for (let i = second * 10; i < (second + 1) * 10; i++) {
        plant.advanceTo(i / 10);
        await client.publishAsync(`plant/${asset}/telemetry`, JSON.stringify({ ts: startMs + i * 100, ...plant.machine(asset).read() }), {
          qos: 1,
        });
      }
      second++;
    };
    await eventually(
      async () => {
        await play();
        return events.length > 0;
      },
      'the alarm',
      40_000,
    );
    expect(events).toMatchObject([
      {
        rule: 'anomaly',
        state: 'unacknowledged',
        advice: 'Check suction pressure and strainer',
        message: expect.stringContaining('line1/pump/'),
      },
    ]);
    await eventually(() => state?.state === 'active', 'its state, retained');

    // Its context is written every second.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await red.stop('SIGTERM');
    await red.start();
    for (let i = 0; i < 8; i++) await play();
    await new Promise((resolve) => setTimeout(resolve, 500));
    // It has been told already.
    expect(events.filter((event) => event.state === 'unacknowledged')).toHaveLength(1);
  },
  patienceMs,
);
