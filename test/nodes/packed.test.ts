import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { root } from '../house/sources.ts';
import { freePort, PeerProcess } from '../support/peer-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const require = createRequire(import.meta.url);
const patienceMs = 240_000;

describe('the packed nodes', () => {
  it(
    'install into a fresh user directory, and every node loads on both majors of Node-RED',
    async () => {
      const out = temporaryDirectory();
      execFileSync(process.execPath, [join(root, 'tools/pack-nodes.ts'), '--out', out], { stdio: 'pipe' });
      const tarballs = readdirSync(out).map((file) => join(out, file));
      expect(tarballs).toHaveLength(2);
      const userDir = temporaryDirectory();
      writeFileSync(join(userDir, 'package.json'), '{"name":"user-directory","private":true}');
      execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', ...tarballs], {
        cwd: userDir,
        stdio: 'pipe',
      });
      const installed = JSON.parse(readFileSync(join(userDir, 'node_modules/@fettle/node-red/package.json'), 'utf8')) as {
        readonly 'node-red': { readonly nodes: object };
      };
      const names = Object.keys(installed['node-red'].nodes).sort();
      for (const red of ['node-red', 'node-red-4']) {
        const port = await freePort();
        writeFileSync(
          join(userDir, 'settings.js'),
          `module.exports = ${JSON.stringify({ uiHost: '127.0.0.1', uiPort: port, telemetry: { enabled: false } })};`,
        );
        const script = join(require.resolve(`${red}/package.json`), '../red.js');
        const nodesUrl = `http://127.0.0.1:${port}/nodes`;
        const asked = { headers: { accept: 'application/json' } };
        const server = new PeerProcess(
          red,
          process.execPath,
          [script, '--userDir', userDir],
          userDir,
          async () => (await fetch(nodesUrl, asked)).ok,
        );
        onTestFinished(() => server.stop());
        await server.start();
        const nodes = (await (await fetch(nodesUrl, asked)).json()) as { module: string; name: string; enabled: boolean; err?: unknown }[];
        const ours = nodes.filter(({ module }) => module === '@fettle/node-red');
        expect(ours.map(({ name }) => name).sort()).toEqual(names);
        expect(ours.filter(({ enabled, err }) => !enabled || err !== undefined)).toEqual([]);
        const german = await (await fetch(`http://127.0.0.1:${port}/nodes/messages?lng=de`)).json();
        expect(german).toMatchObject({ '@fettle/node-red/fettle-watch': { 'fettle-watch': { label: { asset: 'Maschine' } } } });
        const icon = await fetch(`http://127.0.0.1:${port}/icons/@fettle/node-red/fettle-watch.svg`);
        expect(await icon.text()).toContain('<svg');
        const examples = await (await fetch(`http://127.0.0.1:${port}/library/examples/flows/@fettle/node-red`)).json();
        expect(JSON.stringify(examples)).toContain('1-watch-a-pump-over-modbus');
        await server.stop();
      }
    },
    patienceMs,
  );
});
