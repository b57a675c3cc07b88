import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { freePort, PeerProcess, temporaryFolder } from '../../support/peer-process.ts';
import { installInto } from './built-nodes.ts';
import type { Major } from './node-red.ts';

const require = createRequire(import.meta.url);

export interface NodeRedProcess {
  readonly url: string;
  readonly process: PeerProcess;
  /** Puts flows in place of those that run. Rejects with what Node-RED says of them. */
  deploy(flows: readonly object[], credentials?: object): Promise<void>;
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  start(): Promise<void>;
  dispose(): Promise<void>;
}

/** A real Node-RED of this major with the nodes installed in a user directory of its own, on a port of its own. */
export async function startNodeRed(major: Major, settings: object = {}): Promise<NodeRedProcess> {
  const folder = await temporaryFolder('node-red');
  const port = await freePort();
  installInto(folder);
  mkdirSync(folder, { recursive: true });
  const all = {
    uiHost: '127.0.0.1',
    uiPort: port,
    credentialSecret: 'for a test',
    contextStorage: { default: { module: 'localfilesystem', config: { flushInterval: 1 } } },
    externalModules: { palette: { allowInstall: false }, modules: { allowInstall: false } },
    telemetry: { enabled: false },
    editorTheme: { tours: false, projects: { enabled: false } },
    logging: { console: { level: 'warn' } },
    ...settings,
  };
  writeFileSync(join(folder, 'settings.js'), `module.exports = ${JSON.stringify(all)};\n`);
  const red = join(require.resolve(major === 5 ? 'node-red/package.json' : 'node-red-4/package.json'), '../red.js');
  const url = `http://127.0.0.1:${port}`;
  const ready = async (): Promise<boolean> => (await fetch(`${url}/flows`, { headers: { 'node-red-api-version': 'v2' } })).ok;
  const server = new PeerProcess(`node-red ${major}`, process.execPath, [red, '--userDir', folder], folder, ready);
  await server.start();
  return {
    url,
    process: server,
    deploy: async (flows, credentials = {}) => {
      const withCredentials = flows.map((node) => {
        const secret = (credentials as Record<string, object>)[(node as { id: string }).id];
        return secret === undefined ? node : { ...node, credentials: secret };
      });
      const response = await fetch(`${url}/flows`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'node-red-api-version': 'v2' },
        body: JSON.stringify({ flows: withCredentials }),
      });
      if (!response.ok) throw new Error(`Node-RED refused the flows: ${response.status} ${await response.text()}`);
    },
    stop: (signal) => server.stop(signal),
    start: () => server.start(),
    dispose: () => server.dispose(),
  };
}
