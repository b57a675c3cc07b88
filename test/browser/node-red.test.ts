import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import { type NodeRedProcess, startNodeRed } from '../nodes/support/node-red-process.ts';
import { keepPicture, startBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { NodeRedEditorPage } from './support/node-red-editor.ts';

const learnsWithin = 120_000;
const watch = 'fettle0000000105';

let browser: Browser | undefined;
let red: NodeRedProcess;
let editor: NodeRedEditorPage;
const isAbsent = (test: TestContext): void => {
  if (browser === undefined) test.skip('chromium is not installed');
};

beforeAll(async () => {
  browser = await startBrowser();
  if (browser === undefined) return;
  red = await startNodeRed(5);
  editor = await NodeRedEditorPage.open(browser, red.url);
});

afterAll(async () => {
  await browser?.close();
  await red?.dispose();
});

it('a newcomer finds the nodes, imports the first example, and sees them explained', async (test) => {
  isAbsent(test);
  const { page } = editor;
  await page.evaluate(() => document.querySelector('[id="red-ui-palette-header-Fettle"]')?.scrollIntoView());
  await keepPicture(page, 'node-red-palette');
  await editor.importExample('0-try-without-a-device', 'fettle0000000101');
  await page.waitForSelector(`[id="${watch}"]`);
  expect(await editor.help('fettle-watch')).toContain('Learns how a machine runs');
  // As it is shipped, but for a machine that runs ten times as fast.
  await editor.set('fettle0000000103', { repeat: '0.05' });
}, 60_000);

it(
  'fills in the dialog, deploys, sees it learn, and is told of a fault',
  async (test) => {
    isAbsent(test);
    const { page } = editor;
    await editor.clearNotifications();
    await editor.openDialog(watch);
    await keepPicture(page, 'node-red-watch');
    // A name that cannot be is marked before it is deployed.
    await editor.fill('#node-input-asset', 'line1/#');
    await page.waitForSelector('#node-input-asset.input-error');
    await editor.fill('#node-input-asset', 'line1/pump');
    await editor.fill('#node-input-learn', '20s');
    await page.click('#dialog-form summary');
    await editor.fill('#node-input-step', '50ms');
    await page.waitForFunction(() => document.querySelector('#node-input-asset.input-error') === null);
    await editor.done();
    await editor.deploy();
    const seen: string[] = [];
    const look = async (wanted: RegExp): Promise<boolean> => {
      const text = await editor.statusOf(watch);
      if (seen.at(-1) !== text) seen.push(text);
      return wanted.test(text);
    };
    await eventually(() => look(/^(waits for values|learning, \d+ %)$/), 'it waits or learns');
    await eventually(() => look(/^normal$/), 'it has learnt', learnsWithin);
    expect(seen.some((text) => /^learning, \d+ %$/.test(text))).toBe(true);
    await keepPicture(page, 'node-red-flow');
    // The button of "fault".
    await editor.press('fettle0000000109');
    await eventually(() => look(/line1\/pump\//), 'the fault is shown at the node', 60_000);
    await page.waitForFunction(() => document.querySelector('.red-ui-debug-content-list')?.textContent?.includes('alarms') === true);
    await page.waitForTimeout(300);
    await keepPicture(page, 'node-red-alarm');
    expect(editor.problems).toEqual([]);
  },
  learnsWithin + 90_000,
);
