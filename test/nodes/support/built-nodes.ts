import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../house/sources.ts';

const cache = join(root, 'node_modules/.cache/fettle-nodes');
let built: string | undefined;

/** Newest change below a folder, ms. */
const newest = (folder: string): number =>
  Math.max(
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );

/**
 * A `node_modules/@fettle` with gateway and nodes as they are packed, built once for the sources as they are now. It lies below the repository's node_modules, where what they
 * depend on is found.
 */
export function builtNodes(): string {
  if (built !== undefined) return built;
  const parts = ['src', 'nodes/src', 'nodes/locales', 'nodes/icons', 'flows', 'tools'].map((part) => newest(join(root, part)));
  const key = String(Math.round(Math.max(...parts)));
  const place = join(cache, key);
  if (!existsSync(place)) build(place);
  built = join(place, 'node_modules/@fettle');
  return built;
}

function build(place: string): void {
  const making = `${place}.${process.pid}`;
  const scope = join(making, 'node_modules/@fettle');
  for (const name of ['gateway', 'node-red']) mkdirSync(join(scope, name), { recursive: true });
  run(['tools/build.ts', join(scope, 'gateway/dist')]);
  run(['tools/build-nodes.ts', join(scope, 'node-red/dist')]);
  for (const part of ['package.json', 'bin', 'models']) cpSync(join(root, part), join(scope, 'gateway', part), { recursive: true });
  cpSync(join(root, 'nodes/package.json'), join(scope, 'node-red/package.json'));
  try {
    // Of an older state of the sources.
    for (const old of readdirSync(cache).filter((name) => /^\d+$/.test(name))) rmSync(join(cache, old), { recursive: true, force: true });
    renameSync(making, place);
  } catch {
    // Another test file was quicker.
    rmSync(making, { recursive: true, force: true });
  }
}

function run(args: readonly string[]): void {
  const { status, stderr, stdout } = spawnSync(process.execPath, [...args], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stdout}${stderr}`);
}

/** A user directory of Node-RED in which the nodes are installed. */
export function installInto(userDir: string): void {
  mkdirSync(join(userDir, 'node_modules'), { recursive: true });
  symlinkSync(builtNodes(), join(userDir, 'node_modules/@fettle'));
}
