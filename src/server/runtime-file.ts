import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How the command line finds the gateway that runs on a data directory. Readable by its owner only: it holds the token. */
export interface RuntimeFile {
  readonly pid: number;
  readonly url: string;
  readonly token: string;
  /** PEM, where it speaks TLS: what to trust. */
  readonly certificate?: string;
}

const fileOf = (directory: string): string => join(directory, 'gateway.json');

export function writeRuntimeFile(directory: string, content: RuntimeFile): void {
  rmSync(fileOf(directory), { force: true });
  writeFileSync(fileOf(directory), `${JSON.stringify(content)}\n`, { mode: 0o600 });
}

export function readRuntimeFile(directory: string): RuntimeFile | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(directory), 'utf8')) as RuntimeFile;
  } catch {
    return undefined;
  }
}

export function removeRuntimeFile(directory: string): void {
  rmSync(fileOf(directory), { force: true });
}
