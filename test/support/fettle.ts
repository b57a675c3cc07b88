import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import type { GatewayStatus } from '../../src/gateway/status.ts';
import { readRuntimeFile } from '../../src/server/runtime-file.ts';
import { eventually } from './eventually.ts';

const command = join(import.meta.dirname, '../../bin/fettle.js');
/** As where nobody watches: no colours, whatever the terminal of the test run. */
const environment = (): NodeJS.ProcessEnv => {
  const { FORCE_COLOR: _, ...rest } = process.env;
  return rest;
};

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `fettle …` to its end. */
export async function fettle(...args: readonly string[]): Promise<Said> {
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [command, ...args], { env: environment() })) };
  } catch (error) {
    return error as Said;
  }
}

/** What a running `fettle run` answers to whom knows its data directory. */
export async function askStatus(data: string): Promise<GatewayStatus> {
  const runtime = readRuntimeFile(data);
  if (runtime === undefined) throw new Error(`no gateway runs on ${data}`);
  const response = await fetch(`${runtime.url}/api/v1/status`, { headers: { authorization: `Bearer ${runtime.token}` } });
  return (await response.json()) as GatewayStatus;
}

export interface RunningFettle {
  readonly pid: number;
  /** Ends it (SIGTERM unless told otherwise) and gives its exit code, null where the signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** `fettle run` in a process of its own, ready when this resolves; it is ended when the test is over. */
export async function runFettle(file: string): Promise<RunningFettle> {
  const child = spawn(process.execPath, [command, 'run', '-c', file], { stdio: ['ignore', 'pipe', 'pipe'], env: environment() });
  let log = '';
  const keep = (chunk: Buffer) => {
    log += chunk.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  await eventually(
    () => {
      if (child.exitCode !== null) throw new Error(`fettle run ended (${child.exitCode}): ${log}`);
      return log.includes('fettle is running');
    },
    `fettle run is ready: ${log}`,
    60_000,
  );
  return {
    pid: child.pid as number,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}
