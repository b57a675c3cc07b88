import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { AlarmCommand } from '../../src/core/control-row.ts';
import type { GatewayOptions } from '../../src/gateway/gateway.ts';
import type { LearningStatus } from '../../src/gateway/learner.ts';
import type { GatewayStatus } from '../../src/gateway/status.ts';

export type Question =
  /** What the clock on the wall shows from now on, and how much time has gone by in the gateway's own eyes: the rest has only been played faster. */
  | { readonly ask: 'clock'; readonly atMs: number; readonly passedMs: number }
  /** Answered when the marker with this number has come in. */
  | { readonly ask: 'marker'; readonly tag: string; readonly number: number }
  | { readonly ask: 'state' }
  | { readonly ask: 'command'; readonly command: AlarmCommand }
  | { readonly ask: 'stop' };

export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

export interface ChildState {
  /** In the database. */
  readonly bytes: number;
  readonly counters: GatewayStatus['counters'];
  readonly learning: Readonly<Record<string, LearningStatus>>;
  readonly connected: boolean;
  readonly assets: GatewayStatus['assets'];
}

/** What the child is told at its start. */
export type ChildOptions = { readonly atMs: number } & Pick<GatewayOptions, 'acknowledge' | 'synchronous'>;

/** A gateway in a child process, spoken to over IPC. */
export class MonthGateway {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  readonly #exited: Promise<unknown>;
  #asked = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, 'exit');
    child.on('message', ({ id, result, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error));
    });
    child.once('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the gateway ended (${signal ?? code})`));
      this.#waiting.clear();
    });
  }

  /** Ready when this resolves. */
  static async start(file: string, options: ChildOptions, environment: NodeJS.ProcessEnv = {}): Promise<MonthGateway> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'month-child.ts'), file, JSON.stringify(options)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...environment },
    });
    const gateway = new MonthGateway(child);
    await new Promise((resolve, reject) => gateway.#waiting.set(0, { resolve, reject }));
    return gateway;
  }

  ask(question: Question): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = ++this.#asked;
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, ...question });
    });
  }

  state(): Promise<ChildState> {
    return this.ask({ ask: 'state' }) as Promise<ChildState>;
  }

  async stop(): Promise<void> {
    await this.ask({ ask: 'stop' });
    await this.kill();
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
