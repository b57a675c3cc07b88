import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './eventually.ts';

/** A port nobody listens on right now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

/** Whether somebody accepts connections there. */
export const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** A folder of its own under the system's temporary one. */
export const temporaryFolder = (name: string): Promise<string> => mkdtemp(join(tmpdir(), `fettle-${name}-`));

/**
 * A real server as a child process with a folder of its own. `start` waits until `ready` says true; `stop` ends it
 * (by pid, default SIGTERM) and keeps the folder, so that `start` brings the same server back; `dispose` removes all.
 */
export class PeerProcess {
  readonly #name: string;
  readonly #path: string;
  readonly #args: readonly string[];
  readonly #ready: () => Promise<boolean>;
  readonly folder: string;
  #child: ChildProcess | undefined;
  /** What the server wrote, the last 20,000 characters. */
  output = '';

  constructor(name: string, path: string, args: readonly string[], folder: string, ready: () => Promise<boolean>) {
    this.#name = name;
    this.#path = path;
    this.#args = args;
    this.folder = folder;
    this.#ready = ready;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    if (this.#child) return;
    const child = spawn(this.#path, this.#args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.folder });
    this.#child = child;
    const keep = (chunk: Buffer) => {
      this.output = (this.output + chunk.toString()).slice(-20_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const failed = new Promise<never>((_, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`${this.#name} ended at its start (${code}): ${this.output.slice(-2000)}`)));
    });
    failed.catch(() => {});
    const deadline = Date.now() + 15_000;
    while (!(await Promise.race([this.#ready().catch(() => false), failed]))) {
      if (Date.now() > deadline) throw new Error(`${this.#name} was not ready in 15 s: ${this.output.slice(-2000)}`);
      await Promise.race([sleep(30), failed]);
    }
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    const hard = setTimeout(() => child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(hard);
  }

  /** The server stands still (SIGSTOP) with its sockets open, or goes on (SIGCONT). A signal comes to each of its threads in its own time. */
  async freeze(frozen: boolean): Promise<void> {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    process.kill(pid, frozen ? 'SIGSTOP' : 'SIGCONT');
    if (frozen) await eventually(() => standsStill(pid), `process ${pid} stands still`);
  }

  async dispose(): Promise<void> {
    await this.stop('SIGKILL');
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Whether every thread is stopped: proc_pid_stat(5), where the state stands behind the name, which is in brackets. */
function standsStill(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8').replace(/.*\)/s, '').startsWith(' T '),
    );
  } catch {
    // A thread ended meanwhile.
    return false;
  }
}

/** What a test does with a server once it runs. */
export interface Peer {
  readonly process: PeerProcess;
  /** Ends it; `start` brings it back on the same port. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  start(): Promise<void>;
  dispose(): Promise<void>;
}

/** Starts the server and hands out what a test does with it. */
export async function peerOf(server: PeerProcess): Promise<Peer> {
  await server.start();
  return {
    process: server,
    stop: (signal) => server.stop(signal),
    start: () => server.start(),
    dispose: () => server.dispose(),
  };
}
