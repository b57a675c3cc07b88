import mqtt from 'mqtt';
import { expect, it, onTestFinished } from 'vitest';
import { ServedPlant } from '../../src/simulator/served-plant.ts';
import { askInfluxdb } from '../grafana/ask.ts';
import { startNodeRed } from '../nodes/support/node-red-process.ts';
import { keepPicture, startBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { startInfluxd } from '../support/influxd.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { NodeRedEditorPage } from './support/node-red-editor.ts';

const learnsWithin = 120_000;
const [modbus, watch, alarms, outbox] = ['fettle0000000603', 'fettle0000000604', 'fettle0000000605', 'fettle0000000608'] as const;

it(
  'a pump over Modbus: the first flow is imported, every dialog filled in and tried, deployed, and it tells of a fault',
  async ({ skip }) => {
    const browser = (await startBrowser()) ?? skip('chromium is not installed');
    onTestFinished(() => browser.close());
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
    const editor = await NodeRedEditorPage.open(browser, red.url);
    const { page } = editor;
    await editor.importExample('1-watch-a-pump-over-modbus', 'fettle0000000601');
    await editor.clearNotifications();

    // The address: what is wrong with it, and what is right, in words.
    await editor.openDialog(modbus);
    await editor.openConfiguration('connection');
    const said = (id: string): Promise<string> => page.evaluate((name) => document.querySelector(`#${name}`)?.textContent ?? '', id);
    await editor.fill('#node-config-input-url', 'tcp://127.0.0.1:1');
    await page.click('#fettle-modbus-connection-test');
    await eventually(
      async () => /^✗ tcp:\/\/127\.0\.0\.1:1.*→ check address and port/.test(await said('fettle-modbus-connection-said')),
      'nobody there',
    );
    await editor.fill('#node-config-input-url', `tcp://127.0.0.1:${plant.device.port}`);
    await page.click('#fettle-modbus-connection-test');
    await eventually(async () => (await said('fettle-modbus-connection-said')).startsWith('✓ Unit 1 answers'), 'it answers');
    await keepPicture(page, 'node-red-connection');
    await editor.done();
    await editor.fill('#node-input-poll', '100ms');
    await page.click('#fettle-modbus-read');
    await eventually(async () => (await said('fettle-modbus-said')) === '✓ 5 of 5 tags answered.', 'read once');
    await editor.done();

    await editor.openDialog(watch);
    await editor.fill('#node-input-learn', '20s');
    await page.click('#dialog-form summary');
    await editor.fill('#node-input-step', '100ms');
    await page.selectOption('#node-input-budget', '');
    await editor.done();
    await editor.openDialog(alarms);
    await editor.openConfiguration('broker');
    await editor.fill('#node-config-input-port', String(broker.port));
    await editor.done();
    await editor.done();
    await editor.openDialog(outbox);
    await editor.fill('#node-input-url', influxd.url);
    await keepPicture(page, 'node-red-outbox');
    await editor.done();

    const client = await mqtt.connectAsync(broker.url);
    onTestFinished(() => client.endAsync(true));
    const events: { rule: string; active: boolean; message: string }[] = [];
    client.on('message', (_topic, payload) => events.push(JSON.parse(payload.toString()) as never));
    await client.subscribeAsync('flow/line1/pump/alarm/event');
    await editor.deploy();
    await eventually(async () => /^\d+ cycles$/.test(await editor.statusOf(modbus)), 'the device is read');
    await eventually(async () => (await editor.statusOf(watch)) === 'normal', 'it has learnt', learnsWithin);
    await eventually(async () => /^\d+ delivered$/.test(await editor.statusOf(outbox)), 'scores are delivered');
    plant.plant.add({ asset: 'line1/pump', kind: 'cavitation', growthS: 1, onsetS: (Date.now() - plant.startedMs) / 1000, durationS: 600 });
    await eventually(() => events.some(({ rule, active }) => rule === 'anomaly' && active), 'the fault is told', 60_000);
    expect(events.find(({ rule }) => rule === 'anomaly')?.message).toContain('line1/pump/');
    await eventually(async () => /line1\/pump\//.test(await editor.statusOf(watch)), 'and shown at the node');
    await editor.clearNotifications();
    await keepPicture(page, 'node-red-pump');
    const { series } = await askInfluxdb(influxd.url, 'fettle', "SELECT ratio FROM fettle_score WHERE asset = 'line1/pump'");
    expect(series.flatMap(({ rows }) => [...rows]).length).toBeGreaterThan(10);
    expect(editor.problems).toEqual([]);
  },
  learnsWithin + 150_000,
);
