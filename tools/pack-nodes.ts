/** npm run pack:nodes [-- --out DIR]: the tarballs of the library and of the nodes, as they are published. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildNodes } from './build-nodes.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({ options: { out: { type: 'string', default: 'build' } } });
const out = resolve(values.out);

function pack(folder: string): void {
  const { status, stdout, stderr } = spawnSync('npm', ['pack', '--ignore-scripts', '--pack-destination', out], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`npm pack in ${folder}: ${stderr}`);
  process.stdout.write(`${join(out, stdout.trim().split('\n').at(-1) ?? '')}\n`);
}

const work = mkdtempSync(join(tmpdir(), 'fettle-pack-'));
try {
  mkdirSync(out, { recursive: true });
  const library = join(work, 'gateway');
  for (const file of ['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE', 'NOTICE', 'bin', 'models', 'docs/reference'])
    cpSync(join(root, file), join(library, file), { recursive: true });
  const built = spawnSync(process.execPath, [join(root, 'tools/build.ts'), join(library, 'dist')], { cwd: root, stdio: 'inherit' });
  if (built.status !== 0) process.exit(built.status ?? 1);
  pack(library);

  const nodes = join(work, 'node-red');
  for (const file of ['package.json', 'README.md', 'LICENSE']) cpSync(join(root, 'nodes', file), join(nodes, file), { recursive: true });
  await buildNodes(join(nodes, 'dist'));
  // In the repository the library is the folder above; who installs the nodes gets it from where they come from.
  const manifest = JSON.parse(readFileSync(join(nodes, 'package.json'), 'utf8')) as {
    version: string;
    dependencies: Record<string, string>;
    scripts?: object;
  };
  const { scripts: _, ...published } = manifest;
  published.dependencies['@fettle/gateway'] = `^${manifest.version}`;
  writeFileSync(join(nodes, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
  pack(nodes);
} finally {
  rmSync(work, { recursive: true, force: true });
}
