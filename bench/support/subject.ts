import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Usage {
  /** Messages taken in. */
  readonly messages: number;
  readonly cpuUs: number;
  readonly rssBytes: number;
  readonly windows: number;
  readonly late: number;
}

/** The first line of bin/fettle.js says with which settings the gateway runs; so it is measured. */
function launchOf(script: string): { env: NodeJS.ProcessEnv; execArgv: string[] } {
  if (script !== 'subject-gateway') return { env: {}, execArgv: [] };
  const [line = ''] = readFileSync(new URL('../../bin/fettle.js', import.meta.url), 'utf8').split('\n');
  const words = line.split(' ').slice(2);
  const node = words.indexOf('node');
  return { env: Object.fromEntries(words.slice(0, node).map((word) => word.split('='))), execArgv: words.slice(node + 1) };
}

/** A process under measurement: it reports what it has taken in and what that cost. */
export class Subject {
  readonly #child: ChildProcess;
  #waiting: ((usage: Usage) => void)[] = [];
  /** As of the last progress report, some milliseconds old. */
  messages = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message: { progress?: number; usage?: Usage }) => {
      if (message.progress !== undefined) this.messages = message.progress;
      if (message.usage !== undefined) {
        this.messages = message.usage.messages;
        for (const resolve of this.#waiting.splice(0)) resolve(message.usage);
      }
    });
  }

  /** Starts `bench/support/<script>.ts` and waits until it says that it is ready. */
  static async start(script: string, settings: object, environment: NodeJS.ProcessEnv = {}): Promise<Subject> {
    // In a file: a configuration of a hundred assets is too long for an argument.
    const folder = mkdtempSync(join(tmpdir(), 'fettle-bench-'));
    const file = join(folder, 'settings.json');
    writeFileSync(file, JSON.stringify(settings));
    const launch = launchOf(script);
    const child = fork(fileURLToPath(new URL(`${script}.ts`, import.meta.url)), [file], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...launch.env, ...environment },
      execArgv: launch.execArgv,
    });
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', (code, signal) => reject(new Error(`${script} ended with ${code ?? signal} before it was ready`)));
    });
    rmSync(folder, { recursive: true });
    return new Subject(child);
  }

  usage(): Promise<Usage> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#child.send('usage');
    });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.send('stop');
    });
  }
}

/** The child's settings. */
export const settings = <T>(): T => JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as T;

/** The other side: called in the child once it is ready. */
export function serve(usage: () => Omit<Usage, 'cpuUs' | 'rssBytes'>, stop: () => Promise<void>): void {
  const timer = setInterval(() => process.send?.({ progress: usage().messages }), 4);
  process.on('message', (message) => {
    if (message === 'usage') {
      const { user, system } = process.cpuUsage();
      process.send?.({ usage: { ...usage(), cpuUs: user + system, rssBytes: process.memoryUsage().rss } satisfies Usage });
    } else {
      clearInterval(timer);
      void stop().finally(() => process.exit(0));
    }
  });
  process.on('disconnect', () => process.exit(1));
  process.send?.('ready');
}
