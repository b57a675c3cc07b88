import mqtt from 'mqtt';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { Interner } from '../../src/core/interner.ts';
import { german } from '../../src/dashboard/texts-de.ts';
import { english } from '../../src/dashboard/texts-en.ts';
import { httpSource } from '../../src/sources/http/index.ts';
import { ModbusCounters } from '../../src/sources/modbus/counters.ts';
import { mqttSource } from '../../src/sources/mqtt/index.ts';
import { look, openDashboard, overflowOf, seriousFindings } from '../support/dashboard.ts';
import { eventually } from '../support/eventually.ts';
import { answerWell, startRawDevice } from '../support/modbus/raw-device.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const silentUnit = 2;

/** One device whose unit 2 never answers, and a broker. */
async function plant(test: TestContext) {
  const mosquitto = (await startMosquitto()) ?? test.skip('mosquitto is not installed');
  onTestFinished(() => mosquitto.dispose());
  const device = await startRawDevice((request) => {
    if (request.unit !== silentUnit) answerWell(request);
  });
  onTestFinished(() => device.close());
  const tag = (unit: number) => ({ tag: `press/flow${unit}`, reference: '40001', type: 'int16', unit, poll: '200ms' });
  const dashboard = await openDashboard({
    site: 'north',
    data: temporaryDirectory(),
    sources: [
      { id: 'plc', type: 'modbus', url: device.url, timeout: '150ms', inFlight: 2, tags: [tag(1), tag(silentUnit)] },
      { id: 'broker', type: 'mqtt', url: mosquitto.url, topics: [{ topic: 'plant/press', tags: { 'press/heat': '$.heat' } }] },
    ],
    assets: [{ id: 'press', tags: ['press/flow1', 'press/heat'] }],
  });
  if (dashboard === undefined) return test.skip('chromium is not installed');
  const client = await mqtt.connectAsync(mosquitto.url);
  onTestFinished(() => client.endAsync(true));
  await eventually(() => dashboard.gateway.status().sources.broker?.state === 'good', 'the broker is heard');
  await eventually(() => dashboard.gateway.status().sources.plc?.units[1]?.state === 'failed', 'unit 2 has failed');
  await client.publishAsync('plant/press', JSON.stringify({ heat: 71 }), { qos: 1 });
  await client.publishAsync('plant/press', 'heat is 71', { qos: 1 });
  await eventually(() => dashboard.gateway.status().sources.broker?.lastRejected !== undefined, 'a message is rejected');
  return { ...dashboard, client };
}

describe('the page of the sources', () => {
  it('says of each unit how its polls go, what is wrong and what to do, and which message was not read; in both languages', async (test) => {
    const { page, open, setLanguage, errors, client } = await plant(test);
    await open('sources');
    const row = (name: string) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name }) });
    const broker = page.getByRole('region', { name: 'broker' });
    await row('unit 1').getByText('Every poll is answered.').waitFor();
    await row('unit 1')
      .getByText(/^(On time: 99 of 100 begin within|Late: one in a hundred begins more than) \d+ ms/)
      .waitFor();
    await row(`unit ${silentUnit}`).getByText('No poll is answered.').waitFor();
    await row(`unit ${silentUnit}`).getByText('It does not answer.').waitFor();
    await row(`unit ${silentUnit}`).getByText('→ check the unit id, and that the device is powered').waitFor();
    await row(`unit ${silentUnit}`).getByText('no answer within 150 ms').waitFor();
    const rejected = page.getByRole('region', { name: 'Last message that could not be read' });
    expect(await rejected.innerText()).toMatch(/On plant\/press at \d\d:\d\d:\d\d: not JSON\s+heat is 71\s+→ Compare it with the fields/);
    await eventually(async () => {
      await client.publishAsync('plant/press', JSON.stringify({ heat: Math.random() }), { qos: 1 });
      return (
        /[\d.]+ messages and [\d.]+ k?B a second now\./.test(await broker.innerText()) && !/ 0 messages/.test(await broker.innerText())
      );
    }, 'the rate is shown');
    expect(await broker.innerText()).toMatch(/messages not read\s+1/);
    expect(await page.getByRole('region', { name: 'plc' }).innerText()).toMatch(/without answer\s+\d+/);
    expect(await seriousFindings(page)).toEqual([]);
    await look(page, 'sources-en');

    await setLanguage('de');
    await row('unit 1').getByText('Jede Abfrage wird beantwortet.').waitFor();
    await row(`unit ${silentUnit}`).getByText('Keine Abfrage wird beantwortet.').waitFor();
    await row(`unit ${silentUnit}`).getByText('Antwortet nicht.').waitFor();
    await row(`unit ${silentUnit}`).getByText('→ Unit-Id prüfen').waitFor();
    expect(await page.getByRole('region', { name: 'Letzte Nachricht, die nicht zu lesen war' }).innerText()).toMatch(
      /Auf plant\/press um \d\d:\d\d:\d\d: kein JSON\s+heat is 71\s+→ Mit den Feldern des Topics/,
    );
    await broker.getByText(/^Jetzt [\d,]+ Nachrichten und [\d,]+ k?B je Sekunde\.$/).waitFor();
    expect(await broker.innerText()).toMatch(/nicht lesbare Nachrichten\s+1/);
    await look(page, 'sources-de');
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    expect(errors).toEqual([]);
  }, 60_000);
});

it('every counter of a source has words in both languages', () => {
  const context = { id: 's', site: 'n', tags: new Interner(10), clock: systemClock } as never;
  const broker = mqttSource.create(
    mqttSource.schema.parse({ id: 's', type: 'mqtt', url: 'mqtt://h', topics: [{ topic: 'a', tags: { b: '$.c' } }] }),
    context,
  );
  const program = httpSource.create(httpSource.schema.parse({ id: 's', type: 'http', tags: [{ tag: 'a' }] }), context);
  const names = [new ModbusCounters(), broker.status().counters, program.status().counters].flatMap(Object.keys);
  expect(names.length).toBeGreaterThan(25);
  expect(names.filter((name) => !(`counter.${name}` in english) || !(`counter.${name}` in german))).toEqual([]);
});
