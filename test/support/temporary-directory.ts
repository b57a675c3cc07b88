import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

/** A directory that is gone when the test is over. */
export function temporaryDirectory(): string {
  const directory = fresh();
  onTestFinished(() => remove(directory));
  return directory;
}

/** A directory for all tests of a file, to be asked for at its top; gone when the last one is over. */
export function sharedDirectory(): string {
  const directory = fresh();
  afterAll(() => remove(directory));
  return directory;
}

const fresh = (): string => mkdtempSync(join(tmpdir(), 'fettle-test-'));
const remove = (directory: string): void => rmSync(directory, { recursive: true, force: true });
