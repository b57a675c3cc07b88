import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Architecture, dropUnused, run } from './make-tree.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(import.meta.url);
const versionOf = (name: string): string => (require(`${name}/package.json`) as { version: string }).version;

const wrapper = `#!/bin/sh
# Node-RED with the Node the nodes were made for. FETTLE_TOKEN_FILE: the token for the gateway, which flows know as \${FETTLE_TOKEN}.
here=$(dirname "$(readlink -f "$0")")
if [ -r "\${FETTLE_TOKEN_FILE:-}" ]; then FETTLE_TOKEN=$(cat "$FETTLE_TOKEN_FILE"); export FETTLE_TOKEN; fi
exec "$here/node_modules/.bin/node" "$here/node_modules/node-red/red.js" --settings "$here/settings.js" "$@"
`;

/** Node-RED as tested here, the nodes as they are published, ONNX Runtime and Node, in one directory; `first-flow` beside them is for an empty user directory. */
export function makeNodeRed(directory: string, architecture: Architecture): void {
  const packs = mkdtempSync(join(tmpdir(), 'fettle-packs-'));
  try {
    run(process.execPath, [join(root, 'tools/pack-nodes.ts'), '--out', packs], root);
    mkdirSync(directory, { recursive: true });
    const runtime = `node-linux-${architecture}`;
    const dependencies = {
      ...Object.fromEntries(['node-red', 'onnxruntime-node', runtime].map((name) => [name, versionOf(name)])),
      ...Object.fromEntries(
        readdirSync(packs).map((file) => [file.includes('node-red') ? '@fettle/node-red' : '@fettle/gateway', `file:${join(packs, file)}`]),
      ),
    };
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ private: true, dependencies }));
    run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', `--cpu=${architecture}`, '--os=linux', '--force'], directory);
  } finally {
    rmSync(packs, { recursive: true, force: true });
  }
  dropUnused(join(directory, 'node_modules'), architecture);
  writeFileSync(join(directory, 'node-red'), wrapper);
  chmodSync(join(directory, 'node-red'), 0o755);
  cpSync(join(root, 'packaging/node-red/settings.js'), join(directory, 'settings.js'));
  writeFirstFlow(join(directory, 'first-flow'));
}

/** The example that listens to a gateway, with address and token from the environment; no secret stands in it. */
function writeFirstFlow(folder: string): void {
  mkdirSync(folder);
  const flow = JSON.parse(readFileSync(join(root, 'flows/3-tap-a-gateway.json'), 'utf8')) as { id: string; type: string }[];
  const named = flow.map((node) => {
    if (node.type === 'fettle-gateway') return { ...node, url: '${FETTLE_GATEWAY}' };
    return node.type === 'comment' ? { ...node, name: 'Listens to the gateway; change what you like' } : node;
  });
  const gateways = named.filter(({ type }) => type === 'fettle-gateway');
  writeFileSync(join(folder, 'flows.json'), JSON.stringify(named, null, 4));
  writeFileSync(
    join(folder, 'flows_cred.json'),
    JSON.stringify(Object.fromEntries(gateways.map(({ id }) => [id, { token: '${FETTLE_TOKEN}' }]))),
  );
}
