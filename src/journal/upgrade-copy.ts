import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { formatBytes } from '../core/duration.ts';
import { errorText, FettleError } from '../core/errors.ts';
import { isDamaged, sqliteCode, sqliteFull } from './sqlite-error.ts';

/** The database as it was before it was brought to a newer schema. */
export interface UpgradeCopy {
  readonly file: string;
  readonly schema: number;
  readonly bytes: number;
  readonly madeMs: number;
}

const folder = 'before-upgrade';
/** Long enough to find out that one wants to go back. */
export const copyKeptMs = 30 * 86_400_000;
/** What the upgrade itself may take beside the copy. */
export const reserveBytes = 64_000_000;

const namePattern = /^fettle-schema-(\d+)\.db$/;

/** Below the data directory. */
export const copyFileOf = (directory: string, schema: number): string => join(directory, folder, `fettle-schema-${schema}.db`);

/** The newest schema first. */
export function copiesIn(directory: string): UpgradeCopy[] {
  const names = existsSync(join(directory, folder)) ? readdirSync(join(directory, folder)) : [];
  return names
    .flatMap((name) => {
      const schema = Number(namePattern.exec(name)?.[1]);
      if (!(schema > 0)) return [];
      const file = join(directory, folder, name);
      const { size, mtimeMs } = statSync(file);
      return [{ file, schema, bytes: size, madeMs: mtimeMs }];
    })
    .sort((a, b) => b.schema - a.schema);
}

/** Bytes of what the database holds: no more than these are in a copy of it. */
export function bytesHeld(database: DatabaseSync): number {
  const pragma = (name: string): number => Object.values(database.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[0] as number;
  return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
}

export function freeBytesIn(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

/**
 * A whole copy of the database, or none: under another name until it is on the disk. Where there was one of this schema it is replaced, for the data may have moved on since.
 * Throws FETTLE_UPGRADE_FAILED, and as SQLite does where the database is damaged; then nothing is there that was not before.
 */
export function copyBeforeUpgrade(database: DatabaseSync, directory: string, schema: number): UpgradeCopy {
  const file = copyFileOf(directory, schema);
  const partial = `${file}.part`;
  const needed = bytesHeld(database) + reserveBytes;
  const free = freeBytesIn(directory);
  if (free < needed) throw noRoom(directory, `${formatBytes(needed)} are needed and ${formatBytes(free)} are free`);
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    rmSync(partial, { force: true });
    // Whether that asks the disk to keep it depends on the version of SQLite (https://sqlite.org/lang_vacuum.html).
    database.prepare('VACUUM INTO ?').run(partial);
    chmodSync(partial, 0o600);
    sync(partial);
    renameSync(partial, file);
    sync(dirname(file));
    sync(directory);
  } catch (error) {
    rmSync(partial, { force: true });
    if (isDamaged(error)) throw error;
    if (sqliteCode(error) === sqliteFull || (error as NodeJS.ErrnoException).code === 'ENOSPC')
      throw noRoom(directory, errorText(error), error);
    throw new FettleError('FETTLE_UPGRADE_FAILED', `no copy of ${directory} could be made before the upgrade: ${errorText(error)}`, {
      cause: error,
      hint: 'nothing was changed, and the version before goes on with it; may this user write there?',
    });
  }
  return { file, schema, bytes: statSync(file).size, madeMs: statSync(file).mtimeMs };
}

/** Takes away what another upgrade left, and what has been kept long enough. */
export function removeOldCopies(directory: string, nowMs: number, newest = copiesIn(directory)[0]): void {
  for (const { file, madeMs } of copiesIn(directory)) {
    if (file === newest?.file && nowMs - madeMs <= copyKeptMs) continue;
    try {
      rmSync(file, { force: true });
    } catch {
      // Somebody else's by now; a commit is not to fail for that.
    }
  }
}

/** File or directory: what is in it, or which names it has, survives a power cut. */
export function sync(path: string): void {
  const isDirectory = statSync(path).isDirectory();
  // Windows opens no directory, and needs it not.
  if (isDirectory && process.platform === 'win32') return;
  const descriptor = openSync(path, isDirectory ? 'r' : 'r+');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const noRoom = (directory: string, message: string, cause?: unknown): FettleError =>
  new FettleError('FETTLE_UPGRADE_FAILED', `no room in ${directory} for the copy that is kept before an upgrade: ${message}`, {
    cause,
    hint: 'nothing was changed, and the version before goes on with it; make room, or let it run with a lower journal.maxBytes first',
  });
