import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished, type TestContext } from 'vitest';
import { ServedPlant } from '../../src/simulator/served-plant.ts';
import { root } from '../house/sources.ts';
import { type NodeRedProcess, startNodeRed } from '../nodes/support/node-red-process.ts';
import { keepPicture, startBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';

const learnsWithin = 120_000;

let browser: Browser | undefined;
let red: NodeRedProcess;
let page: Page;
const problems: string[] = [];
const isAbsent = (test: TestContext): void => {
  if (browser === undefined) test.skip('chromium is not installed');
};

beforeAll(async () => {
  browser = await startBrowser();
  if (browser === undefined) return;
  red = await startNodeRed(5);
  const context = await browser.newContext({ viewport: { width: 1400, height: 860 }, locale: 'en-US' });
  page = await context.newPage();
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(red.url);
  await page.waitForSelector('.red-ui-palette-node[data-palette-type="fettle-watch"]', { state: 'attached' });
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await red?.dispose();
});

/** The text below a node of the flow. */
const statusOf = (id: string): Promise<string> =>
  page.evaluate((node) => document.querySelector(`[id="${node}"] .red-ui-flow-node-status-label`)?.textContent ?? '', id);

async function openDialog(id: string): Promise<void> {
  await page.evaluate((node) => {
    const { RED } = globalThis as unknown as { RED: { editor: { edit(node: object): void }; nodes: { node(id: string): object } } };
    RED.editor.edit(RED.nodes.node(node));
  }, id);
  await page.waitForSelector('#node-dialog-ok', { state: 'visible' });
  // The dialog slides in.
  await page.waitForTimeout(500);
}

async function done(): Promise<void> {
  await page.click('#node-dialog-ok');
  await page.waitForSelector('#node-dialog-ok', { state: 'detached' });
}

it('a newcomer finds the nodes, imports the first example, and sees them explained', async (test) => {
  isAbsent(test);
  await page.evaluate(() => document.querySelector('[id="red-ui-palette-header-Fettle"]')?.scrollIntoView());
  await keepPicture(page, 'node-red-palette');
  // The example as it is shipped, but for a machine that runs ten times as fast.
  const example = JSON.parse(readFileSync(join(root, 'nodes/examples/1-watch-a-machine.json'), 'utf8')) as Record<string, unknown>[];
  const quick = example.map((node) => ({
    ...node,
    ...(node.repeat === '0.5' && { repeat: '0.05' }),
    ...(node.type === 'fettle-watch' && { step: '50ms' }),
  }));
  // On a busy machine the editor shows its palette before it listens to keys.
  const dialog = page.locator('#red-ui-clipboard-dialog-import-text');
  await eventually(async () => {
    if (await dialog.isVisible()) return true;
    await page.keyboard.press('Control+i');
    await page.waitForTimeout(1_000);
    return dialog.isVisible();
  }, 'the import dialog opens');
  await dialog.fill(JSON.stringify(quick));
  // The dialog looks at what it was given when a key is released.
  await dialog.press('End');
  await page.click('#red-ui-clipboard-dialog-ok');
  await page.waitForSelector('.red-ui-tab-label:has-text("Fettle: watch")', { state: 'attached' });
  await page.evaluate(() => {
    const { RED } = globalThis as unknown as { RED: { workspaces: { show(id: string): void } } };
    RED.workspaces.show('fettle0000000101');
  });
  await page.waitForSelector('[id="fettle0000000105"]');
  const help = await page.evaluate(async () => {
    const { RED } = globalThis as unknown as { RED: { nodes: { getNodeHelp(type: string): string } } };
    return RED.nodes.getNodeHelp('fettle-watch');
  });
  expect(help).toContain('Learns how a machine runs');
}, 60_000);

it(
  'fills in the dialog, deploys, sees it learn, and is told of a fault',
  async (test) => {
    isAbsent(test);
    const id = 'fettle0000000105';
    await openDialog(id);
    await keepPicture(page, 'node-red-watch');
    // A name that cannot be is marked before it is deployed.
    await page.fill('#node-input-asset', 'line1/#');
    await page.locator('#node-input-asset').blur();
    await page.waitForSelector('#node-input-asset.input-error');
    await page.fill('#node-input-asset', 'line1/pump');
    await page.locator('#node-input-asset').blur();
    await page.fill('#node-input-learn', '20s');
    await page.waitForFunction(() => document.querySelector('#node-input-asset.input-error') === null);
    await done();
    await page.click('#red-ui-header-button-deploy');
    const seen: string[] = [];
    const look = async (wanted: RegExp): Promise<boolean> => {
      const text = await statusOf(id);
      if (seen.at(-1) !== text) seen.push(text);
      return wanted.test(text);
    };
    await eventually(() => look(/^(waits for values|learning, \d+ %)$/), 'it waits or learns');
    await eventually(() => look(/^normal$/), 'it has learnt', learnsWithin);
    expect(seen.some((text) => /^learning, \d+ %$/.test(text))).toBe(true);
    await keepPicture(page, 'node-red-flow');
    // The button of "fault".
    await page.evaluate(() => {
      const { RED } = globalThis as unknown as {
        RED: { nodes: { node(id: string): object; getType(type: string): { button: { onclick(): void } } } };
      };
      RED.nodes.getType('inject').button.onclick.call(RED.nodes.node('fettle0000000109'));
    });
    await eventually(() => look(/line1\/pump\//), 'the fault is shown at the node', 60_000);
    await page.waitForFunction(() => document.querySelector('.red-ui-debug-content-list')?.textContent?.includes('alarms') === true);
    await page.waitForTimeout(300);
    await keepPicture(page, 'node-red-alarm');
    expect(problems).toEqual([]);
  },
  learnsWithin + 90_000,
);

it('every dialog opens in both languages, without a word that was forgotten', async (test) => {
  isAbsent(test);
  const tapping = ['fettle-samples', 'fettle-scores', 'fettle-alarms', 'fettle-command', 'fettle-send'];
  const names = ['fettle-watch', 'fettle-modbus', 'fettle-window', 'fettle-score', 'fettle-alarm', 'fettle-outbox', ...tapping];
  const flow = [
    { id: 'tab', type: 'tab', label: 'dialogs' },
    { id: 'model', type: 'fettle-model', model: 'pump' },
    { id: 'line', type: 'fettle-modbus-connection', url: 'tcp://127.0.0.1:1', unit: '1', timeout: '1s' },
    { id: 'gateway', type: 'fettle-gateway', url: 'http://127.0.0.1:1' },
    ...names.map((type, i) => ({
      id: type,
      z: 'tab',
      type,
      x: 200,
      y: 60 + 60 * i,
      gateway: 'gateway',
      asset: 'a',
      learn: '30m',
      step: '1s',
      above: 0,
      source: 'flow',
      verb: 'acknowledge',
      verbType: 'verb',
      assetType: 'str',
      comment: '',
      commentType: 'str',
      duration: '',
      model: 'model',
      connection: 'line',
      poll: '1s',
      target: 'influxdb',
      url: 'http://127.0.0.1:8086',
      size: '500',
      tags: [{ tag: 'flow', table: 'holdingRegister', address: '100', type: 'float32', order: 'CDAB', scale: '', unit: '' }],
      onDelay: '10s',
      offDelay: '30s',
      deadband: '10%',
      priority: 'medium',
      wires: [],
    })),
  ];
  await red.deploy(flow);
  for (const locale of ['en-US', 'de']) {
    const context = await (browser as Browser).newContext({ viewport: { width: 1400, height: 860 }, locale });
    const other = await context.newPage();
    await other.goto(red.url);
    await other.waitForSelector('.red-ui-flow-node');
    for (const id of names) {
      await other.evaluate((node) => {
        const { RED } = globalThis as unknown as { RED: { editor: { edit(node: object): void }; nodes: { node(id: string): object } } };
        RED.editor.edit(RED.nodes.node(node));
      }, id);
      await other.waitForSelector('#dialog-form .form-tips', { state: 'visible' });
      const text = await other.evaluate(() => document.querySelector('#dialog-form')?.textContent ?? '');
      expect(text, `${id} ${locale}`).not.toMatch(/fettle-[a-z]+\.\w/);
      const labels = await other.evaluate(() =>
        [...document.querySelectorAll('#dialog-form label span')].map((label) => label.textContent),
      );
      expect(
        labels.filter((label) => label === ''),
        `${id} ${locale}`,
      ).toEqual([]);
      if (locale === 'de') expect(text).toMatch(/Nachricht|Knoten|Maschine|leer|Messwerte|Fenster|Adressen|Platte/);
      if (id === 'fettle-command' && locale === 'en-US') await keepPicture(other, 'node-red-command');
      await other.click('#node-dialog-cancel');
      await other.waitForSelector('#node-dialog-cancel', { state: 'detached' });
    }
    await context.close();
  }
}, 120_000);

it('registers are pasted from a sheet and read before anything is deployed; windows, scores and alarms are wired by hand', async (test) => {
  isAbsent(test);
  const plant = new ServedPlant({ seed: 4 });
  await plant.device.start(0);
  plant.run();
  onTestFinished(() => plant.stop());
  await red.deploy([
    { id: 'tab', type: 'tab', label: 'by hand' },
    { id: 'model', type: 'fettle-model', name: '', model: 'pump' },
    { id: 'line', type: 'fettle-modbus-connection', name: '', url: `tcp://127.0.0.1:${plant.device.port}`, unit: '1', timeout: '1s' },
    {
      id: 'modbus',
      z: 'tab',
      type: 'fettle-modbus',
      name: '',
      connection: 'line',
      poll: '100ms',
      tags: [],
      x: 130,
      y: 100,
      wires: [['window']],
    },
    {
      id: 'window',
      z: 'tab',
      type: 'fettle-window',
      name: '',
      asset: 'line1/pump',
      model: 'model',
      values: '',
      step: '1s',
      length: '32',
      slide: '4',
      lateness: '500ms',
      x: 290,
      y: 100,
      wires: [['score'], ['alarm']],
    },
    { id: 'score', z: 'tab', type: 'fettle-score', name: '', model: 'model', x: 450, y: 80, wires: [['alarm']] },
    {
      id: 'alarm',
      z: 'tab',
      type: 'fettle-alarm',
      name: '',
      onDelay: '800ms',
      offDelay: '2s',
      priority: 'medium',
      advice: '',
      deadband: '10%',
      latching: false,
      x: 600,
      y: 120,
      wires: [[], []],
    },
  ]);
  const context = await (browser as Browser).newContext({ viewport: { width: 1400, height: 860 }, locale: 'en-US' });
  const editor = await context.newPage();
  await editor.goto(red.url);
  await editor.waitForSelector('[id="modbus"]');
  const open = async (id: string): Promise<void> => {
    await editor.evaluate((node) => {
      const { RED } = globalThis as unknown as { RED: { editor: { edit(node: object): void }; nodes: { node(id: string): object } } };
      RED.editor.edit(RED.nodes.node(node));
    }, id);
    await editor.waitForSelector('#dialog-form .form-tips', { state: 'visible' });
  };
  await open('modbus');
  await editor.click('#fettle-modbus-paste');
  const names = ['flow', 'pressure', 'current', 'vibration', 'bearing-temp'];
  await editor.fill(
    '#fettle-modbus-text',
    ['Name;Address;Type;Order', ...names.map((name, i) => `${name};${100 + 4 * i};float32;CDAB`)].join('\n'),
  );
  await editor.click('#fettle-modbus-take');
  await editor.waitForFunction(() => document.querySelectorAll('#node-input-tags-container .fettle-tag').length === 5);
  await editor.click('#fettle-modbus-read');
  await editor.waitForFunction(() => document.querySelector('#fettle-modbus-said')?.textContent === '✓ 5 of 5 tags answered.');
  const shown = await editor.evaluate(() => [...document.querySelectorAll('.fettle-value')].map((value) => value.textContent));
  expect(shown).toEqual(names.map(() => expect.stringMatching(/^= -?[\d.]+$/)));
  await editor.waitForTimeout(500);
  await keepPicture(editor, 'node-red-modbus');
  await editor.click('#node-dialog-ok');
  await editor.waitForSelector('#node-dialog-ok', { state: 'detached' });
  await editor.click('#red-ui-header-button-deploy');
  const statusOf = (id: string): Promise<string> =>
    editor.evaluate((node) => document.querySelector(`[id="${node}"] .red-ui-flow-node-status-label`)?.textContent ?? '', id);
  await eventually(async () => /× the limit/.test(await statusOf('score')), 'scores');
  await eventually(async () => (await statusOf('alarm')) === 'normal', 'all is well');
  plant.plant.add({ asset: 'line1/pump', kind: 'cavitation', growthS: 1, onsetS: (Date.now() - plant.startedMs) / 1000, durationS: 60 });
  await eventually(async () => /line1\/pump\//.test(await statusOf('alarm')), 'the fault is shown at the node', 30_000);
  await editor.evaluate(() =>
    document.querySelectorAll('.red-ui-notification').forEach((one) => {
      one.remove();
    }),
  );
  await keepPicture(editor, 'node-red-by-hand');
  // Its button: what stands is acknowledged.
  await editor.click('[id="alarm"] .red-ui-flow-node-button-button');
  await editor.waitForSelector('.red-ui-notification:has-text("Acknowledged: 1")');
  await context.close();
}, 120_000);
