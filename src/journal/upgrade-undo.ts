import { copyFileSync, existsSync, linkSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { errorText, FettleError } from '../core/errors.ts';
import { schemaOf } from './migration.ts';
import { databaseName } from './schema.ts';
import { isDamaged, sqliteBusy, sqliteCode } from './sqlite-error.ts';
import { copiesIn, freeBytesIn, sync, type UpgradeCopy } from './upgrade-copy.ts';

export interface Undone {
  readonly restored: UpgradeCopy;
  /** Where the newer database lies now: it has what came since. */
  readonly setAside: string;
}

/**
 * Puts the copy of before the upgrade back in its place; the newer database stays, under another name. Killed at any point there is one of the two under the name that counts, whole.
 * Throws FETTLE_UPGRADE_FAILED, FETTLE_DATA_LOCKED.
 */
export function undoUpgrade(directory: string, nowMs: number): Undone {
  const restored = copiesIn(directory)[0];
  if (restored === undefined)
    throw new FettleError('FETTLE_UPGRADE_FAILED', `${directory} keeps no data of before an upgrade`, {
      hint: 'they are kept for 30 days; an older backup is unpacked by fettle restore',
    });
  const file = join(directory, databaseName);
  const partial = `${file}.part`;
  const database = heldAlone(file, directory, restored);
  try {
    if (freeBytesIn(directory) < restored.bytes)
      throw failed('there is no room for it beside the newer database', 'make room, and try again');
    copyFileSync(restored.file, partial);
    sync(partial);
    const setAside = `${file}.newer-${new Date(nowMs).toISOString().replaceAll(':', '')}`;
    keep(file, setAside);
    // Only a damaged database has them still; beside another one they would be taken for its own.
    for (const suffix of ['-wal', '-shm']) if (existsSync(file + suffix)) renameSync(file + suffix, setAside + suffix);
    renameSync(partial, file);
    sync(directory);
    return { restored, setAside };
  } catch (error) {
    rmSync(partial, { force: true });
    throw error instanceof FettleError ? error : failed(errorText(error), 'nothing was changed', error);
  } finally {
    database?.close();
  }
}

/** Locked, and without a log of changes beside it that would be taken for one of the older database. */
function heldAlone(file: string, directory: string, { schema }: UpgradeCopy): DatabaseSync | undefined {
  if (!existsSync(file)) return undefined;
  const database = new DatabaseSync(file, { timeout: 500 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE; COMMIT');
    const found = schemaOf(database);
    if (found <= schema) throw failed(`${directory} is of schema ${found} already`, 'start the version before');
    return database;
  } catch (error) {
    database.close();
    if (sqliteCode(error) === sqliteBusy)
      throw new FettleError('FETTLE_DATA_LOCKED', `a gateway runs on ${directory}`, { cause: error, hint: 'stop it first' });
    if (!isDamaged(error)) throw error;
    return undefined;
  }
}

/** A second name, so that there is no moment without a database; where the file system has none of these, another name. */
function keep(file: string, name: string): void {
  if (!existsSync(file)) return;
  try {
    linkSync(file, name);
  } catch {
    renameSync(file, name);
  }
}

const failed = (message: string, hint: string, cause?: unknown): FettleError =>
  new FettleError('FETTLE_UPGRADE_FAILED', `the data of before the upgrade were not put back: ${message}`, { hint, cause });
