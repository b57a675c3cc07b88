/** src → dist, or the directory given: compiled JavaScript and types, and the files that are read at run time. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleDashboard } from './bundle-dashboard.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = resolve(process.argv[2] ?? `${root}/dist`);
rmSync(out, { recursive: true, force: true });
const { status } = spawnSync(
  process.execPath,
  [`${root}/node_modules/typescript/bin/tsc`, '-p', `${root}/tsconfig.build.json`, '--outDir', out],
  {
    stdio: 'inherit',
    cwd: root,
  },
);
if (status !== 0) process.exit(status ?? 1);
for (const file of ['cli/starter.yaml', 'commissioning/sunspec-models.json']) cpSync(`${root}/src/${file}`, `${out}/${file}`);
mkdirSync(`${out}/dashboard`, { recursive: true });
for (const [name, text] of Object.entries(await bundleDashboard())) writeFileSync(`${out}/dashboard/${name}`, text);
