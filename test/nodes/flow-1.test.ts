import mqtt from 'mqtt';
import { expect, it, onTestFinished } from 'vitest';
import { ServedPlant } from '../../src/simulator/served-plant.ts';
import { askInfluxdb } from '../grafana/ask.ts';
import { eventually } from '../support/eventually.ts';
import { startInfluxd } from '../support/influxd.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { shippedFlow } from './support/flows.ts';
import { startNodeRed } from './support/node-red-process.ts';

const learnsWithin = 120_000;

it(
  'the first flow watches a pump over Modbus, tells of a fault over MQTT, and its results are in InfluxDB',
  async ({ skip }) => {
    const broker = (await startMosquitto()) ?? skip();
    onTestFinished(() => broker.dispose());
    const influxd = (await startInfluxd()) ?? skip();
    onTestFinished(() => influxd.dispose());
    const plant = new ServedPlant({ seed: 4 });
    await plant.device.start(0);
    plant.run();
    onTestFinished(() => plant.stop());
    const red = await startNodeRed(5);
    onTestFinished(() => red.dispose());
    // As it is shipped, but for addresses, and for a machine that is known ten times as soon.
    const own: Record<string, object> = {
      'mqtt-broker': { port: String(broker.port) },
      'fettle-modbus-connection': { url: `tcp://127.0.0.1:${plant.device.port}` },
      'fettle-modbus': { poll: '100ms' },
      'fettle-watch': { step: '100ms', learn: '20s', budget: '' },
      'fettle-outbox': { url: influxd.url },
    };
    const client = await mqtt.connectAsync(broker.url);
    onTestFinished(() => client.endAsync(true));
    const events: { rule: string; active: boolean; message: string }[] = [];
    client.on('message', (_topic, payload) => events.push(JSON.parse(payload.toString()) as never));
    await client.subscribeAsync('flow/line1/pump/alarm/event');
    await red.deploy(shippedFlow('1-').map((node) => ({ ...node, ...own[node.type] })));
    const rows = async (): Promise<unknown[][]> => {
      const { series } = await askInfluxdb(influxd.url, 'fettle', "SELECT ratio FROM fettle_score WHERE asset = 'line1/pump'").catch(
        () => ({ series: [] }),
      );
      return series.flatMap((one) => [...one.rows] as unknown[][]);
    };
    await eventually(async () => (await rows()).length > 10, 'it has learnt, and its scores are stored', learnsWithin);
    plant.plant.add({ asset: 'line1/pump', kind: 'cavitation', growthS: 1, onsetS: (Date.now() - plant.startedMs) / 1000, durationS: 600 });
    await eventually(() => events.some(({ rule, active }) => rule === 'anomaly' && active), 'the fault is told', 60_000);
    expect(events.find(({ rule }) => rule === 'anomaly')?.message).toContain('line1/pump/');
  },
  learnsWithin + 90_000,
);
