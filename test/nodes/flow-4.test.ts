import mqtt from 'mqtt';
import { expect, it, onTestFinished } from 'vitest';
import { Plant } from '../../src/simulator/plant.ts';
import { eventually } from '../support/eventually.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { pressed, shippedFlow } from './support/flows.ts';
import { startNodeRed } from './support/node-red-process.ts';

const asset = 'line1/pump';
const learnsWithin = 90_000;

it(
  'the fourth flow learns from what a machine said, compares, puts the candidate in force, judges with it, and takes it back',
  async ({ skip }) => {
    const broker = (await startMosquitto()) ?? skip();
    onTestFinished(() => broker.dispose());
    const red = await startNodeRed(5);
    onTestFinished(() => red.dispose());
    // As it is shipped, but for the port of the broker; what its debug nodes show is published as well.
    const out = (id: string, topic: string): object => ({
      id,
      z: 'fettle0000000401',
      type: 'mqtt out',
      broker: 'fettle0000000409',
      topic,
      qos: '1',
      x: 1,
      y: 1,
      wires: [],
    });
    const more: Record<string, object> = {
      'mqtt-broker': { port: String(broker.port) },
      'fettle-train': { wires: [['candidates'], ['active']] },
      'fettle-score': { wires: [['scores']] },
      catch: { wires: [['wrong']] },
    };
    const outputs = ['candidates', 'active', 'scores', 'wrong'].map((id) => out(id, `said/${id}`));
    await red.deploy([...shippedFlow('4-').map((node) => ({ ...node, ...more[node.type] })), ...outputs]);

    const client = await mqtt.connectAsync(broker.url);
    onTestFinished(() => client.endAsync(true));
    const said: Record<string, Record<string, unknown>[]> = { candidates: [], active: [], scores: [], wrong: [] };
    client.on('message', (topic, payload) => said[topic.split('/')[1] as string]?.push(JSON.parse(payload.toString()) as never));
    await client.subscribeAsync('said/#', { qos: 1 });

    const plant = new Plant({ seed: 9 });
    const startMs = Date.now() - 600_000;
    let row = 0;
    const play = async (seconds: number): Promise<void> => {
      for (const end = row + seconds * 10; row < end; row++) {
        plant.advanceTo(row / 10);
        const text = JSON.stringify({ ts: startMs + row * 100, ...plant.machine(asset).read() });
        await client.publishAsync(`plant/${asset}/telemetry`, text, { qos: 1 });
      }
    };
    // The answer to a deploy comes before the flows have started.
    await eventually(
      async () => {
        await play(1);
        return (said.scores as object[]).length > 0;
      },
      'the shipped model judges',
      20_000,
    );
    await play(150);
    expect(said.scores?.at(-1)).toMatchObject({ model: 'pump@1.0.0' });

    await pressed(red, 'fettle000000040c');
    await eventually(() => said.candidates?.length === 1, 'a candidate', learnsWithin);
    expect(said.candidates?.[0]).toMatchObject({
      candidate: 'pump@1.0.1',
      comparison: { active: { name: 'pump@1.0.0' }, candidate: { name: 'pump@1.0.1', alarms: 0 } },
    });
    await play(40);
    await pressed(red, 'fettle000000040d');
    await eventually(() => said.candidates?.length === 2, 'compared on what came since', 20_000);
    await pressed(red, 'fettle000000040e');
    await eventually(() => said.active?.length === 1, 'in force');
    expect(said.active?.[0]).toEqual({ asset, active: 'pump@1.0.1' });
    // Taken without a deploy.
    await eventually(
      async () => {
        await play(1);
        return said.scores?.at(-1)?.model === 'pump@1.0.1';
      },
      'it judges',
      20_000,
    );
    await pressed(red, 'fettle000000040f');
    await eventually(() => said.active?.length === 2, 'taken back');
    expect(said.active?.[1]).toEqual({ asset, active: 'pump@1.0.0' });
    expect(said.wrong).toEqual([]);
  },
  2 * learnsWithin,
);
