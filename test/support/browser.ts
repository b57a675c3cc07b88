import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { root } from '../house/sources.ts';
import { requirePeer } from './peers.ts';

/** Debian's Chromium without a window; undefined where it is not installed. */
export async function startBrowser(): Promise<Browser | undefined> {
  const executablePath = requirePeer('chromium');
  if (executablePath === undefined) return undefined;
  // As root, as in CI, there is no sandbox; nothing but our own page is opened.
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

/** For the docs, where `FETTLE_SCREENSHOTS` is set: docs/images/<name>.png. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  if (process.env.FETTLE_SCREENSHOTS === undefined) return;
  const folder = join(root, 'docs/images');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
