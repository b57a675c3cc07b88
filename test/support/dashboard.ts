import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import type { Gateway, GatewayOptions } from '../../src/gateway/gateway.ts';
import { LiveEvents } from '../../src/server/live-events.ts';
import type { ApiServer } from '../../src/server/server.ts';
import { startBrowser } from './browser.ts';
import { startGateway } from './gateway.ts';
import { startServer } from './server.ts';

const password = 'a password of hers';

export interface OpenDashboard {
  readonly gateway: Gateway;
  readonly server: ApiServer;
  readonly page: Page;
  /** What went wrong in the page: errors, and what its policy refused. */
  readonly errors: readonly string[];
  open(path: string): Promise<void>;
  setLanguage(language: 'en' | 'de'): Promise<void>;
}

/** A gateway with this configuration, its page in a browser and somebody logged in; undefined where there is no browser. All is stopped when the test is over. */
export async function openDashboard(configuration: object, options: Partial<GatewayOptions> = {}): Promise<OpenDashboard | undefined> {
  const browser = await startBrowser();
  if (browser === undefined) return undefined;
  const live = new LiveEvents(silentLogger);
  const gateway = await startGateway(configuration, { listener: live, ...options });
  const server = await startServer(gateway, { live });
  onTestFinished(() => browser.close());
  await server.access.store.addUser('ada', 'admin', new Date(), password);
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', timezoneId: 'Europe/Berlin' });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', ({ message }) => errors.push(message));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) errors.push(message.text());
  });
  const login = await context.request.post(`${server.url}/api/v1/session`, {
    headers: { origin: server.url },
    data: { user: 'ada', password },
  });
  if (!login.ok()) throw new Error(`no login: ${await login.text()}`);
  return {
    gateway,
    server,
    page,
    errors,
    open: async (path) => {
      await page.goto(`${server.url}/#/${path}`);
      await page.locator('main h1').first().waitFor();
    },
    setLanguage: async (language) => {
      await page.evaluate((chosen) => localStorage.setItem('fettle.language', chosen), language);
      await page.reload();
      await page.locator('main h1').first().waitFor();
    },
  };
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds serious on the page as it is. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe: checker } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await checker.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
  });
}

/** Of what is wider than the page. */
export const overflowOf = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

/** For a look: FETTLE_LOOK=<folder> keeps the page light, dark and on a phone. */
export async function look(page: Page, name: string): Promise<void> {
  const folder = process.env.FETTLE_LOOK;
  if (folder === undefined) return;
  const take = (suffix: string) => page.screenshot({ path: join(folder, `${name}-${suffix}.png`), fullPage: true });
  await take('light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await take('dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 390, height: 844 });
  await take('phone');
  await page.setViewportSize({ width: 1280, height: 900 });
}
