import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export type Architecture = 'x64' | 'arm64';

const wrapper = (node: string): string => `#!/bin/sh
# Fettle with the Node it was made for.
here=$(dirname "$(readlink -f "$0")")
exec env MALLOC_ARENA_MAX=2 "$here/node_modules/${node}/bin/node" --max-semi-space-size=2 "$here/bin/fettle.js" "$@"
`;

/** Throws where a step fails, with what it said. */
export function run(command: string, args: readonly string[], cwd: string, environment: NodeJS.ProcessEnv = {}): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', env: { ...process.env, ...environment } });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `${stdout}\n${stderr}`}`);
}

/** Everything that runs Fettle on Linux, in one directory: compiled code, Node, packages as locked, models. Nothing has to be fetched where it is unpacked. */
export function makeTree(directory: string, architecture: Architecture): void {
  mkdirSync(directory, { recursive: true });
  for (const file of ['package.json', 'package-lock.json', '.npmrc', 'tools/node-runtime/package.json', 'nodes/package.json'])
    cpSync(join(root, file), join(directory, file));
  run('npm', ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', `--cpu=${architecture}`, '--os=linux'], directory);
  run(process.execPath, [join(root, 'tools/build.ts'), join(directory, 'dist')], root);
  for (const part of ['bin', 'models', 'docs/guides', 'docs/reference', 'docs/errors.md', 'CHANGELOG.md', 'LICENSE', 'NOTICE'])
    cpSync(join(root, part), join(directory, part), { recursive: true });
  const node = `node-linux-${architecture}`;
  dropUnused(join(directory, 'node_modules'), architecture);
  for (const other of readdirSync(join(directory, 'node_modules')).filter((name) => /^node-(linux|win)-/.test(name) && name !== node))
    rmSync(join(directory, 'node_modules', other), { recursive: true });
  // npm's own, and what it links for the workspace.
  for (const left of ['node_modules/.package-lock.json', 'node_modules/@fettle', 'tools', 'nodes', '.npmrc'])
    rmSync(join(directory, left), { recursive: true, force: true });
  writeFileSync(join(directory, 'fettle'), wrapper(node));
  chmodSync(join(directory, 'fettle'), 0o755);
}

/** ONNX Runtime brings its library for every platform (`bin/napi-v6/linux/x64/…`), Node its headers: what runs here stays. */
export function dropUnused(packages: string, architecture: Architecture): void {
  for (const part of ['include', 'share', 'CHANGELOG.md'])
    rmSync(join(packages, `node-linux-${architecture}`, part), { recursive: true, force: true });
  const folder = join(packages, 'onnxruntime-node/bin');
  for (const api of readdirSync(folder)) {
    for (const other of readdirSync(join(folder, api)).filter((name) => name !== 'linux'))
      rmSync(join(folder, api, other), { recursive: true });
    for (const other of readdirSync(join(folder, api, 'linux')).filter((name) => name !== architecture))
      rmSync(join(folder, api, 'linux', other), { recursive: true });
  }
}
