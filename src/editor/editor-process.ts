import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Backoff } from '../core/backoff.ts';
import { sleep } from '../core/clock.ts';
import { errorText, FettleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { settingsText } from './editor-settings.ts';

export interface EditorOptions {
  /** Data directory of the gateway; the editor's user directory lies below it. */
  readonly data: string;
  /** `127.0.0.1:1880`; port 0 takes any free one. */
  readonly listen: string;
  /** Folder whose `node_modules` have `node-red` and `@fettle/node-red`; that of Fettle itself where absent. */
  readonly installation?: string | undefined;
  readonly gateway: string;
  readonly certificate?: string | undefined;
  /** For the flows: reads, and handles alarms. Called when there are no flows yet. */
  readonly token: () => string;
  readonly log: Logger;
}

const memoryMb = 256;
const startWithinMs = 60_000;
const stopWithinMs = 10_000;
const shippedFlow = '3-tap-a-gateway.json';

/** Where Node-RED and the nodes lie. */
interface Installation {
  readonly red: string;
  readonly nodes: string;
  /** What the process may read of the disk, beside its user directory. */
  readonly readable: readonly string[];
}

/**
 * Node-RED beside the gateway, in a process of its own that can read nothing of the disk but itself and its user directory (Node's permission model), starts no programs
 * and loads no native code. It may crash as it likes: it is started again, and the gateway does not notice.
 */
export class NodeRedEditor {
  readonly #options: EditorOptions;
  readonly #installation: Installation;
  readonly #directory: string;
  readonly #token = randomBytes(24).toString('base64url');
  readonly #stopped = new AbortController();
  #child: ChildProcess | undefined;
  #running: Promise<void> = Promise.resolve();
  url = '';

  private constructor(options: EditorOptions, installation: Installation) {
    this.#options = options;
    this.#installation = installation;
    this.#directory = join(options.data, 'node-red');
  }

  /** Resolves when the editor answers. Throws FETTLE_EDITOR_FAILED where Node-RED is not installed or does not start, and the reason of `signal` when that aborts first. */
  static async start(options: EditorOptions, signal?: AbortSignal): Promise<NodeRedEditor> {
    const editor = new NodeRedEditor(options, installationIn(options.installation));
    signal?.addEventListener('abort', () => editor.#stopped.abort(signal.reason), { once: true });
    await editor.#prepare();
    editor.#running = editor.#keepRunning();
    try {
      await editor.#ready();
      await editor.#firstFlow();
    } catch (error) {
      await editor.stop();
      throw error;
    }
    return editor;
  }

  /** Opens the editor with one click; for the person at the terminal. */
  get link(): string {
    return `${this.url}/?access_token=${this.#token}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#child?.kill('SIGTERM');
    const hard = setTimeout(() => this.#child?.kill('SIGKILL'), stopWithinMs);
    await this.#running;
    clearTimeout(hard);
  }

  async #prepare(): Promise<void> {
    const directory = this.#directory;
    mkdirSync(join(directory, 'node_modules/@fettle'), { recursive: true, mode: 0o700 });
    const link = join(directory, 'node_modules/@fettle/node-red');
    rmSync(link, { force: true });
    symlinkSync(this.#installation.nodes, link, 'junction');
    const [, host = '127.0.0.1', wanted = '1880'] = /^(.*):(\d+)$/.exec(this.#options.listen) ?? [];
    const port = await freePort(host, Number(wanted));
    this.url = `http://${host}:${port}`;
    const { gateway, certificate } = this.#options;
    const tokenHash = createHash('sha256').update(this.#token).digest('hex');
    const settings = { host, port, credentialSecret: this.#secret(), tokenHash, gateway, certificate };
    writeFileSync(join(directory, 'settings.js'), settingsText(settings), { mode: 0o600 });
  }

  /** The key of the flows' credentials, made once. */
  #secret(): string {
    const file = join(this.#directory, 'credential-secret');
    if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600 });
    return readFileSync(file, 'utf8');
  }

  async #keepRunning(): Promise<void> {
    const backoff = new Backoff({ baseMs: 1000, maxMs: 60_000 });
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const startedMs = performance.now();
      const said = await this.#run();
      if (signal.aborted) return;
      if (performance.now() - startedMs > 5 * 60_000) backoff.reset();
      this.#options.log.warn({ code: 'FETTLE_EDITOR_FAILED' }, `Node-RED ended (${said}); it is started again, the gateway goes on`);
      await sleep(backoff.next(), signal).catch(() => {});
    }
  }

  /** One life of the process. Returns how it ended. */
  #run(): Promise<string> {
    const { red, readable } = this.#installation;
    const directory = realpathSync(this.#directory);
    const args = [
      `--max-old-space-size=${memoryMb}`,
      '--no-warnings',
      '--permission',
      ...(process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : []),
      ...[...readable, directory].map((path) => `--allow-fs-read=${path}`),
      `--allow-fs-write=${directory}`,
    ];
    const { PATH = '', LANG = 'C.UTF-8', TZ } = process.env;
    const child = spawn(process.execPath, [...args, red, '--userDir', directory], {
      cwd: directory,
      // Nothing of the gateway's: passwords stand in environments.
      env: { PATH, LANG, HOME: directory, ...(TZ !== undefined && { TZ }) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    let last = '';
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        // The permission model has no fsync; Node-RED says so at every file.
        if (line.trim() === '' || line.includes('fsync API is disabled')) return;
        last = line;
        this.#options.log.debug({ nodeRed: line }, 'Node-RED says');
      });
    }
    return new Promise((resolve) => {
      child.once('error', (error) => resolve(errorText(error)));
      child.once('exit', (code, signal) => resolve(`${signal ?? `exit code ${code}`}${last === '' ? '' : `, last words: ${last}`}`));
    });
  }

  async #ready(): Promise<void> {
    const deadline = performance.now() + startWithinMs;
    while (performance.now() < deadline) {
      const answer = await fetch(`${this.url}/auth/login`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
      if (answer?.ok === true) return;
      await sleep(200, this.#stopped.signal);
    }
    throw new FettleError('FETTLE_EDITOR_FAILED', `Node-RED did not answer on ${this.url} within ${startWithinMs / 1000} s`, {
      hint: 'log: { level: debug } shows what it says; the gateway goes on without it',
    });
  }

  /** A first flow, where there is none: alarms of this gateway, acknowledged from the flow. */
  async #firstFlow(): Promise<void> {
    const headers = { authorization: `Bearer ${this.#token}`, 'node-red-api-version': 'v2', 'content-type': 'application/json' };
    const present = (await (await fetch(`${this.url}/flows`, { headers })).json()) as { flows: readonly object[] };
    if (present.flows.length > 0) return;
    const example = JSON.parse(readFileSync(join(this.#installation.nodes, 'examples', shippedFlow), 'utf8')) as { type: string }[];
    const { gateway, token } = this.#options;
    const secret = token();
    const flows = example.map((node) => {
      if (node.type === 'fettle-gateway') return { ...node, url: gateway, credentials: { token: secret } };
      return node.type === 'comment' ? { ...node, name: 'Listens to the gateway beside it; change what you like' } : node;
    });
    const answer = await fetch(`${this.url}/flows`, { method: 'POST', headers, body: JSON.stringify({ flows }) });
    if (!answer.ok) throw new FettleError('FETTLE_EDITOR_FAILED', `Node-RED did not take the first flow: ${await answer.text()}`);
  }
}

function installationIn(folder: string | undefined): Installation {
  const from = folder ?? fileURLToPath(new URL('../..', import.meta.url));
  const resolve = createRequire(join(from, 'package.json')).resolve;
  try {
    const red = realpathSync(join(dirname(resolve('node-red/package.json')), 'red.js'));
    const nodes = realpathSync(dirname(resolve('@fettle/node-red/package.json')));
    if (!existsSync(join(nodes, 'dist'))) throw new Error(`${nodes} is not built: npm run build`);
    // Packages lie beside Node-RED, or in folders above it.
    const modules = red.slice(0, red.lastIndexOf(`${join('/', 'node_modules')}`) + '/node_modules'.length);
    return { red, nodes, readable: [modules, nodes] };
  } catch (error) {
    throw new FettleError('FETTLE_EDITOR_FAILED', `Node-RED cannot be started: ${errorText(error)}`, {
      cause: error,
      hint: `in ${from}: npm install node-red @fettle/node-red; or name a folder where they are as nodeRed.installation`,
    });
  }
}

/** The port wanted where it is free, else any: somebody may have a Node-RED of their own there. */
async function freePort(host: string, wanted: number): Promise<number> {
  const tryPort = (port: number): Promise<number | undefined> =>
    new Promise((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(undefined));
      server.listen(port, host, () => {
        const address = server.address();
        server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
      });
    });
  const port = (await tryPort(wanted)) ?? (await tryPort(0));
  if (port === undefined) throw new FettleError('FETTLE_EDITOR_FAILED', `Node-RED can listen on no port of ${host}`);
  return port;
}
