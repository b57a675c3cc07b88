import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished, type TestContext } from 'vitest';
import { ServedPlant } from '../../src/simulator/served-plant.ts';
import { type NodeRedProcess, startNodeRed } from '../nodes/support/node-red-process.ts';
import { keepPicture, startBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { NodeRedEditorPage } from './support/node-red-editor.ts';

let browser: Browser | undefined;
let red: NodeRedProcess;
const isAbsent = (test: TestContext): void => {
  if (browser === undefined) test.skip('chromium is not installed');
};

beforeAll(async () => {
  browser = await startBrowser();
  if (browser !== undefined) red = await startNodeRed(5);
});

afterAll(async () => {
  await browser?.close();
  await red?.dispose();
});

it('every dialog opens in both languages and both themes, without a word that was forgotten, and can be read', async (test) => {
  isAbsent(test);
  const tapping = ['fettle-samples', 'fettle-scores', 'fettle-alarms', 'fettle-command', 'fettle-send'];
  const alone = ['fettle-watch', 'fettle-modbus', 'fettle-window', 'fettle-score', 'fettle-alarm', 'fettle-outbox', 'fettle-train'];
  const names = [...alone, ...tapping];
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
      keep: '1h',
      values: '',
      length: '32',
      slide: '8',
      tags: [{ tag: 'flow', table: 'holdingRegister', address: '100', type: 'float32', order: 'CDAB', scale: '', unit: '' }],
      onDelay: '10s',
      offDelay: '30s',
      deadband: '10%',
      priority: 'medium',
      wires: [],
    })),
  ];
  await red.deploy(flow);
  for (const [locale, theme] of [
    ['en-US', 'light'],
    ['de', 'dark'],
  ] as const) {
    const editor = await NodeRedEditorPage.open(browser as Browser, red.url, { locale, theme });
    const { page } = editor;
    await page.waitForSelector('.red-ui-flow-node');
    for (const id of names) {
      await editor.openDialog(id);
      await page.waitForSelector('#dialog-form .form-tips', { state: 'visible' });
      const text = await page.evaluate(() => document.querySelector('#dialog-form')?.textContent ?? '');
      expect(text, `${id} ${locale}`).not.toMatch(/fettle-[a-z]+\.\w/);
      const labels = await page.evaluate(() => [...document.querySelectorAll('#dialog-form label span')].map((label) => label.textContent));
      expect(
        labels.filter((label) => label === ''),
        `${id} ${locale}`,
      ).toEqual([]);
      if (locale === 'de') expect(text).toMatch(/Nachricht|Knoten|Maschine|leer|Messwerte|Fenster|Adressen|Platte/);
      expect(await faintTexts(page), `${id} ${theme}`).toEqual([]);
      if (id === 'fettle-command' && locale === 'en-US') await keepPicture(page, 'node-red-command');
      if (id === 'fettle-train') await keepPicture(page, theme === 'dark' ? 'node-red-train-dark' : 'node-red-train');
      await editor.cancel();
    }
    await editor.close();
  }
}, 180_000);

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
  const editor = await NodeRedEditorPage.open(browser as Browser, red.url);
  const { page } = editor;
  await page.waitForSelector('[id="modbus"]');
  await editor.openDialog('modbus');
  await page.click('#fettle-modbus-paste');
  const names = ['flow', 'pressure', 'current', 'vibration', 'bearing-temp'];
  await page.fill(
    '#fettle-modbus-text',
    ['Name;Address;Type;Order', ...names.map((name, i) => `${name};${100 + 4 * i};float32;CDAB`)].join('\n'),
  );
  await page.click('#fettle-modbus-take');
  await page.waitForFunction(() => document.querySelectorAll('#node-input-tags-container .fettle-tag').length === 5);
  await page.click('#fettle-modbus-read');
  await page.waitForFunction(() => document.querySelector('#fettle-modbus-said')?.textContent === '✓ 5 of 5 tags answered.');
  const shown = await page.evaluate(() => [...document.querySelectorAll('.fettle-value')].map((value) => value.textContent));
  expect(shown).toEqual(names.map(() => expect.stringMatching(/^= -?[\d.]+$/)));
  await keepPicture(page, 'node-red-modbus');
  await editor.done();
  await editor.deploy();
  await eventually(async () => /× the limit/.test(await editor.statusOf('score')), 'scores');
  await eventually(async () => (await editor.statusOf('alarm')) === 'normal', 'all is well');
  plant.plant.add({ asset: 'line1/pump', kind: 'cavitation', growthS: 1, onsetS: (Date.now() - plant.startedMs) / 1000, durationS: 60 });
  await eventually(async () => /line1\/pump\//.test(await editor.statusOf('alarm')), 'the fault is shown at the node', 30_000);
  await editor.clearNotifications();
  await keepPicture(page, 'node-red-by-hand');
  // Its button: what stands is acknowledged.
  await page.click('[id="alarm"] .red-ui-flow-node-button-button');
  await page.waitForSelector('.red-ui-notification:has-text("Acknowledged: 1")');
  await editor.close();
}, 120_000);

/** Texts of the open dialog whose contrast with what lies behind them is below 3:1 (WCAG 1.4.11, the least that can be read): colours that do not follow the theme. */
const faintTexts = (page: NodeRedEditorPage['page']): Promise<string[]> =>
  page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D;
    /** Any colour of CSS → red, green, blue, alpha. */
    const rgba = (colour: string): Uint8ClampedArray => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      return canvas.getImageData(0, 0, 1, 1).data;
    };
    const luminance = ([r = 0, g = 0, b = 0]: ArrayLike<number> & Iterable<number>): number => {
      const [red = 0, green = 0, blue = 0] = [r, g, b].map((value) => {
        const share = value / 255;
        return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = (element: Element): Uint8ClampedArray => {
      for (let one: Element | null = element; one !== null; one = one.parentElement) {
        const colour = rgba(getComputedStyle(one).backgroundColor);
        if ((colour[3] ?? 0) > 200) return colour;
      }
      return rgba('white');
    };
    const faint: string[] = [];
    for (const element of document.querySelectorAll(
      '#dialog-form label, #dialog-form input, #dialog-form select, #dialog-form .form-tips, #dialog-form td, #dialog-form th',
    )) {
      const { width } = element.getBoundingClientRect();
      if (width === 0) continue;
      const [text, ground] = [luminance(rgba(getComputedStyle(element).color)), luminance(behind(element))];
      const contrast = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
      if (contrast < 3) faint.push(`${element.tagName} ${element.id} ${element.textContent?.slice(0, 20)} ${contrast.toFixed(1)}`);
    }
    return faint;
  });
