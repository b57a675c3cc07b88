import { join } from 'node:path';
import mqtt from 'mqtt';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { look, type OpenDashboard, openDashboard, overflowOf, seriousFindings } from '../support/dashboard.ts';
import { eventually } from '../support/eventually.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { syntheticRows } from '../support/synthetic-machine.ts';
import { sharedDirectory, temporaryDirectory } from '../support/temporary-directory.ts';
import { trainedBundle } from '../support/trained-bundle.ts';

const channels = 3;
const length = 8;
const press = 'line1/press';
const pump = 'line1/pump';
const rack = 'line1/rack';
const temperature = `${pump}/bearing-temp`;
const sensors = Array.from({ length: channels }, (_, c) => `${press}/sensor-${c}`);
const slots = Array.from({ length: 12 }, (_, i) => `${rack}/slot-${i}`);
const bundles = sharedDirectory();

beforeAll(async () => {
  await trainedBundle({ folder: bundles, length, channels, precision: 'int8' });
});

/** A press that a detector judges, a pump with a limit, a rack of limits; a program sends their values. */
const configuration = (more: object = {}) => ({
  site: 'hall1',
  data: temporaryDirectory(),
  sources: [{ id: 'program', type: 'http', silentAfter: '1h', tags: [...sensors, temperature, ...slots].map((tag) => ({ tag })) }],
  tags: Object.fromEntries([temperature, ...slots].map((tag) => [tag, { limits: { hi: 80 } }])),
  assets: [
    {
      id: press,
      tags: sensors,
      window: { step: '1s', length, slide: 1, allowedLateness: '0s' },
      detector: { model: join(bundles, 'machine/1.0.0') },
      alarm: { notWatchedAfter: '1h' },
    },
    ...[
      { id: pump, tags: [temperature] },
      { id: rack, tags: slots },
    ].map((asset) => ({
      ...asset,
      window: { step: '100ms', allowedLateness: '0s' },
      alarm: { kind: 'alarm', priority: 'high', notWatchedAfter: '1h', advice: 'Check the lubrication' },
    })),
  ],
  ...more,
});

async function open(context: TestContext, more: object = {}): Promise<OpenDashboard> {
  const dashboard = (await openDashboard(configuration(more))) ?? context.skip('chromium is not installed');
  onTestFinished(() => expect(dashboard.errors).toEqual([]));
  return dashboard;
}

const stateOf = (gateway: Gateway, asset: string, rule: string): string =>
  gateway
    .status()
    .assets.find((one) => one.asset === asset)
    ?.alarms.find((alarm) => alarm.rule === rule)?.state ?? 'normal';

/** Sends values until as many alarms have been raised as that makes. */
async function raise(gateway: Gateway, tags: readonly string[]): Promise<void> {
  const before = gateway.counters.raised;
  await eventually(async () => {
    await gateway.push(
      'program',
      tags.map((tag) => ({ tag, value: 91.5 })),
      false,
    );
    return gateway.counters.raised >= before + tags.length;
  }, `${tags.length} alarms are raised`);
}

/** A minute ago the press ran as it never did for some seconds; nobody saw it. */
async function runThroughAFault(gateway: Gateway): Promise<void> {
  const rows = syntheticRows({ rows: 120, channels, seed: 5 });
  const startMs = Math.floor(Date.now() / 1000) * 1000 - 130_000;
  await gateway.push(
    'program',
    Array.from({ length: 120 }, (_, row) =>
      sensors.map((tag, c) => ({
        tag,
        time: startMs + row * 1000,
        value: row >= 50 && row < 56 && c === 0 ? 2000 : (rows[row * channels + c] as number),
      })),
    ).flat(),
    false,
  );
  await eventually(
    () => gateway.counters.raised > 0 && gateway.counters.raised === gateway.counters.cleared,
    'the fault has come and gone',
  );
}

const card = (page: Page, asset: string) => page.locator('article.alarm').filter({ hasText: asset });
const newest = (page: Page) => page.locator('table.journal tbody tr').first();

describe('an alarm that stands', () => {
  it('is acknowledged in the browser, and MQTT, journal and page say who did it', async (context) => {
    const broker = (await startMosquitto()) ?? context.skip('mosquitto is not installed');
    const client = await mqtt.connectAsync(broker.url);
    onTestFinished(() => client.endAsync(true));
    const states: string[] = [];
    const events: { verb: string | null; by: string | null; to: string }[] = [];
    client.on('message', (topic, payload) => {
      const document = JSON.parse(payload.toString());
      if (topic.endsWith('/event')) events.push(document);
      else states.push(...document.alarms.map(({ state }: { state: string }) => state));
    });
    await client.subscribeAsync([`fettle/hall1/${pump}/alarm`, `fettle/hall1/${pump}/alarm/event`], { qos: 1 });
    const { gateway, page, open: go } = await open(context, { alerts: { url: broker.url } });
    await raise(gateway, [temperature]);
    await eventually(() => states.at(-1) === 'unacknowledged', 'MQTT has it');
    await go('alarms');
    await page.getByText('1 waits for somebody.').waitFor();
    expect(await card(page, pump).innerText()).toContain('bearing-temp 91.5 is above its limit of 80');
    await look(page, 'alarms-standing');
    await card(page, pump)
      .getByRole('button', { name: `Acknowledge: ${pump}` })
      .click();
    await eventually(() => states.at(-1) === 'acknowledged', 'the retained state has it acknowledged');
    await eventually(() => events.length === 2, 'and the event');
    expect(events.at(-1)).toMatchObject({ verb: 'acknowledge', by: 'ada', to: 'acknowledged' });
    await page.getByText('None waits for somebody.').waitFor();
    expect(
      await card(page, pump)
        .getByRole('button', { name: /^Acknowledge/ })
        .count(),
    ).toBe(0);
    await newest(page).getByText('Acknowledge', { exact: true }).waitFor();
    expect(await newest(page).innerText()).toMatch(/unacknowledged → acknowledged[\s\S]*ada/);
    await client.endAsync(true);
    await broker.dispose();
  }, 60_000);

  it('is acknowledged with a comment, and takes more comments', async (context) => {
    const { gateway, page, open: go } = await open(context);
    await raise(gateway, [temperature]);
    await go('alarms');
    await card(page, pump)
      .getByRole('button', { name: /^Comment/ })
      .click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Comment', { exact: true }).fill('bearing is on order');
    expect(await dialog.getByLabel('Acknowledge it with this comment').isChecked()).toBe(true);
    await dialog.getByRole('button', { name: 'Comment' }).click();
    await newest(page).getByText('bearing is on order').waitFor();
    expect(stateOf(gateway, pump, 'hi')).toBe('acknowledged');
    await page.getByText('None waits for somebody.').waitFor();
    await card(page, pump)
      .getByRole('button', { name: /^Comment/ })
      .click();
    await dialog.getByLabel('Comment', { exact: true }).fill('fitted at noon');
    // It waits for nobody any more.
    expect(await dialog.getByLabel('Acknowledge it with this comment').count()).toBe(0);
    await dialog.getByRole('button', { name: 'Comment' }).click();
    await newest(page).getByText('fitted at noon').waitFor();
    expect(await newest(page).innerText()).not.toContain('→');
    expect(stateOf(gateway, pump, 'hi')).toBe('acknowledged');
  }, 60_000);

  it('is put away with a reason, and comes back', async (context) => {
    const { gateway, page, open: go } = await open(context);
    await raise(gateway, [temperature]);
    await go('alarms');
    const putAway = async (choice: string, reason: string) => {
      await card(page, pump).getByRole('button', { name: /^More/ }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('radio', { name: choice }).check();
      await dialog.getByLabel('Why').fill(reason);
      await dialog.getByRole('button', { name: 'Do so' }).click();
      await newest(page).getByText(reason).waitFor();
    };
    await putAway('Suppress', 'gauge is being calibrated');
    expect(stateOf(gateway, pump, 'hi')).toBe('suppressedByDesign');
    await page.getByText('1 shelved, suppressed or out of service').click();
    await card(page, pump)
      .getByRole('button', { name: /^End suppression/ })
      .click();
    await eventually(() => stateOf(gateway, pump, 'hi') === 'unacknowledged', 'it is back');
    await putAway('Out of service', 'pump is dismantled');
    expect(stateOf(gateway, pump, 'hi')).toBe('outOfService');
  }, 60_000);
});

describe('an alert that has ended', () => {
  it('is judged afterwards, from a dialog that says what each word does; the journal shows who, when, what and why', async (context) => {
    const { gateway, page, open: go, setLanguage } = await open(context);
    await runThroughAFault(gateway);
    expect(stateOf(gateway, press, 'anomaly')).toBe('normal');
    await go('alarms');
    const over = page.getByRole('region', { name: 'Over, and nobody has said what it was' });
    await over.waitFor();
    await look(page, 'alarms-over');
    await over.getByRole('button', { name: `What was it? ${press}` }).click();
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    expect(await dialog.getByRole('radio').count()).toBe(4);
    for (const sentence of [
      'A fault of the machine',
      'Nothing was wrong',
      'Work on the machine',
      'From now on the machine is to run like this',
    ])
      await dialog.getByText(sentence).waitFor();
    await look(page, 'alarms-verdict');
    expect(await seriousFindings(page)).toEqual([]);
    await dialog.getByRole('radio', { name: 'Planned' }).check();
    await dialog.getByLabel('Why').fill('the nozzle was cleaned');
    await dialog.getByRole('button', { name: 'Say so' }).click();
    await newest(page).getByText('Planned', { exact: true }).waitFor();
    expect(await newest(page).innerText()).toMatch(/about \d\d:\d\d:\d\d to \d\d:\d\d:\d\d[\s\S]*ada[\s\S]*the nozzle was cleaned/);
    await eventually(async () => (await over.count()) === 0, 'nobody is asked again');
    expect(await page.getByRole('button', { name: /^What was it/ }).count()).toBe(0);
    const [{ document = '' } = {}] = await gateway.query<{ document: string }>(
      'SELECT document FROM transitions ORDER BY rowid DESC LIMIT 1',
    );
    expect(JSON.parse(document)).toMatchObject({ rule: 'anomaly', verb: 'planned', by: 'ada', from: 'normal', to: 'normal' });
    await setLanguage('de');
    await newest(page).getByText('Geplant', { exact: true }).waitFor();
    await page.getByText('Kein Alarm steht an').first().waitFor();
    await look(page, 'alarms-de');
    expect(await seriousFindings(page)).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await overflowOf(page)).toBe(0);
  }, 60_000);
});

describe('a page without alarms', () => {
  it('does not say that all is well while a machine or a source is not', async (context) => {
    const { page, open: go } = await open(context, {
      sources: [{ id: 'plc', type: 'modbus', url: 'tcp://127.0.0.1:1', tags: [{ tag: temperature, reference: '40001', type: 'int16' }] }],
      tags: {},
      assets: [{ id: pump, tags: [temperature], window: { step: '100ms' } }],
    });
    await go('alarms');
    const unwell = page.getByRole('region', { name: 'No alarm stands, but not everything is well:' });
    // Machine and source are told one after the other.
    await unwell.getByText(/Source plc: (connecting|failed|degraded)/).waitFor();
    expect(await page.locator('.calm').count()).toBe(0);
    await look(page, 'alarms-unwell');
  }, 60_000);

  it('speaks of alarms only where everything is well', async (context) => {
    const { gateway, page, open: go } = await open(context);
    await gateway.push(
      'program',
      [...slots, temperature].map((tag) => ({ tag, value: 20 })),
      false,
    );
    await go('alarms');
    await page.getByText('No alarm stands, and none waits for somebody.').waitFor();
  }, 60_000);
});

describe('a flood', () => {
  it('is called one while it goes on, and does not have the page ask at every change', async (context) => {
    const { gateway, page, open: go } = await open(context);
    await go('alarms');
    await page.getByRole('heading', { name: 'Journal' }).waitFor();
    expect(await page.locator('.flood').count()).toBe(0);
    await raise(gateway, slots);
    await page.locator('.flood').waitFor();
    await eventually(
      async () => /A flood of alarms 12 alarms in the last ten minutes/.test(await page.locator('.flood').innerText()),
      'it is a flood of twelve',
    );
    expect(await seriousFindings(page)).toEqual([]);
    await look(page, 'alarms-flood');
    let asked = 0;
    page.on('request', (request) => {
      if (request.url().includes('/api/v1/alarms/')) asked++;
    });
    const began = performance.now();
    const said: Promise<void>[] = [];
    // About thirty a second, for as long as it takes.
    for (let i = 0; i < 100; i++) {
      said.push(gateway.command({ verb: 'comment', asset: rack, rule: 'hi', tag: slots[0] as string, by: 'ada', comment: `remark ${i}` }));
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    await Promise.all(said);
    await newest(page).getByText('remark 99').waitFor();
    const seconds = (performance.now() - began) / 1000;
    // Journal and figures, once a second each, and once when it has ended.
    expect(asked).toBeLessThanOrEqual(2 * (seconds + 2));
    expect(asked).toBeGreaterThan(0);
  }, 60_000);
});
