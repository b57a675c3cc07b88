/**
 * npm run package [-- --out DIR] [--arch x64|arm64]: a tarball and a .deb that need no network where they are installed.
 * With --tree DIR, the directory they are made of; with --node-red DIR, one with Node-RED and the nodes. The Dockerfile's images are these two.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { makeDeb } from './make-deb.ts';
import { makeNodeRed } from './make-node-red.ts';
import { type Architecture, makeTree, run } from './make-tree.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'build' },
    arch: { type: 'string', default: process.arch },
    tree: { type: 'string' },
    'node-red': { type: 'string' },
  },
});
if (values.arch !== 'x64' && values.arch !== 'arm64') throw new Error(`there is no package for ${values.arch}`);
const architecture: Architecture = values.arch;
if (values.tree !== undefined) makeTree(resolve(values.tree), architecture);
if (values['node-red'] !== undefined) makeNodeRed(resolve(values['node-red']), architecture);
if (values.tree === undefined && values['node-red'] === undefined) makePackages(resolve(values.out));

function makePackages(out: string): void {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  const work = mkdtempSync(join(tmpdir(), 'fettle-package-'));
  try {
    mkdirSync(out, { recursive: true });
    const name = `fettle-${version}-linux-${architecture}`;
    makeTree(join(work, name), architecture);
    const tarball = join(out, `${name}.tar.gz`);
    run('tar', ['--owner=0', '--group=0', '-czf', tarball, '-C', work, name], work);
    const made = [tarball, makeDeb(join(work, name), out, join(work, 'staging'), architecture)];
    for (const file of made) process.stdout.write(`${file}  ${Math.round(statSync(file).size / 1e6)} MB\n`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
