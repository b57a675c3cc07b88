import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';

export interface DashboardFile {
  readonly type: string;
  readonly plain: Buffer;
  readonly gzip: Buffer;
  readonly brotli: Buffer;
  /** Of the content, in quotation marks. */
  readonly tag: string;
}

const types = {
  'index.html': 'text/html; charset=utf-8',
  'app.js': 'text/javascript; charset=utf-8',
  'app.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;
export type DashboardFileName = keyof typeof types;
export const dashboardFileNames = Object.keys(types) as DashboardFileName[];

let files: Promise<Readonly<Record<DashboardFileName, DashboardFile>>> | undefined;

/** The page and what belongs to it; read, or in a source tree built, at the first request. */
export const dashboardFiles = (): NonNullable<typeof files> => {
  files ??= load();
  return files;
};

async function load(): Promise<Readonly<Record<DashboardFileName, DashboardFile>>> {
  const texts = await texted();
  const [zip, squeeze] = [promisify(gzip), promisify(brotliCompress)];
  const loaded = await Promise.all(
    dashboardFileNames.map(async (name) => {
      const plain = Buffer.from(texts[name] ?? '');
      const tag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 16)}"`;
      return [name, { type: types[name], plain, gzip: await zip(plain), brotli: await squeeze(plain), tag }] as const;
    }),
  );
  return Object.fromEntries(loaded) as Record<DashboardFileName, DashboardFile>;
}

async function texted(): Promise<Readonly<Record<string, string>>> {
  const built = fileURLToPath(new URL('../dashboard/', import.meta.url));
  if (existsSync(`${built}app.js`))
    return Object.fromEntries(dashboardFileNames.map((name) => [name, readFileSync(`${built}${name}`, 'utf8')]));
  // In the source tree, where the packages that build it are at hand. Not a literal: the compiled package has no tools.
  const tool = new URL('../../tools/bundle-dashboard.ts', import.meta.url).href;
  const { bundleDashboard } = (await import(tool)) as { bundleDashboard(): Promise<Record<string, string>> };
  return bundleDashboard();
}
