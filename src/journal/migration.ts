import type { DatabaseSync } from 'node:sqlite';
import { errorText, FettleError } from '../core/errors.ts';
import { migrations, schemaVersion } from './schema.ts';
import { isDamaged, sqliteBusy, sqliteCode } from './sqlite-error.ts';
import { bytesHeld, copiesIn, copyBeforeUpgrade, removeOldCopies, type UpgradeCopy } from './upgrade-copy.ts';

/** A version that opened the data, from the first time until the next row. */
export interface OpenedBy {
  readonly version: string;
  readonly schema: number;
  readonly openedMs: number;
}

/** Data of an older schema, before and after it was brought to this one. */
export interface Upgrade {
  readonly fromSchema: number;
  readonly toSchema: number;
  /** Null where the data does not say. */
  readonly fromVersion: string | null;
  /** About what the copy takes. */
  readonly bytes: number;
}

export interface UpgradeOptions {
  readonly directory: string;
  /** This version, to be recorded; not recorded when absent. */
  readonly version?: string | undefined;
  readonly nowMs: number;
  /** Called before the copy is made: it may take minutes. */
  readonly upgrading?: ((upgrade: Upgrade) => void) | undefined;
}

/** Rows kept of who opened the data. */
const versionsKept = 100;

export const schemaOf = (database: DatabaseSync): number =>
  (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;

/** Oldest first; empty where the schema does not have it yet. */
export function openedBy(database: DatabaseSync): OpenedBy[] {
  if (database.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'versions'`).get() === undefined) return [];
  return database.prepare('SELECT version, schema, opened_ms AS openedMs FROM versions ORDER BY id').all() as unknown as OpenedBy[];
}

/** Throws FETTLE_DATA_TOO_NEW, which says who wrote the data and how to go on. */
export function refuseNewer(database: DatabaseSync, directory: string): void {
  const found = schemaOf(database);
  if (found <= schemaVersion) return;
  const writer = openedBy(database).at(-1)?.version;
  const copy = copiesIn(directory).find(({ schema }) => schema <= schemaVersion);
  const start = writer === undefined ? 'start the newer version' : `start Fettle ${writer} again`;
  throw new FettleError(
    'FETTLE_DATA_TOO_NEW',
    `${directory} was written by ${writer === undefined ? 'a newer Fettle' : `Fettle ${writer}`} (schema ${found}; this one knows ${schemaVersion})`,
    {
      hint:
        copy === undefined
          ? `${start}, or restore a backup of before (fettle restore)`
          : `${start}; or go back to the data as they were on ${new Date(copy.madeMs).toISOString().slice(0, 16).replace('T', ' ')} UTC: fettle upgrade undo`,
    },
  );
}

/**
 * Brings an open database, which nobody else may use, to `schemaVersion`: a copy is kept, then everything happens in one transaction. Killed at any point it is the old
 * database or the new one. Returns what it did, null where there was nothing to do. Throws FETTLE_UPGRADE_FAILED; then nothing has changed.
 */
export function bringUpToDate(
  database: DatabaseSync,
  { directory, version, nowMs, upgrading }: UpgradeOptions,
): (Upgrade & { readonly copy: UpgradeCopy }) | null {
  const fromSchema = schemaOf(database);
  const last = openedBy(database).at(-1);
  const recorded = version === undefined || (last?.version === version && last.schema === schemaVersion);
  if (fromSchema === schemaVersion && recorded) return null;
  const upgrade = { fromSchema, toSchema: schemaVersion, fromVersion: last?.version ?? null, bytes: bytesHeld(database) };
  const isUpgrade = fromSchema > 0 && fromSchema < schemaVersion;
  if (isUpgrade) upgrading?.(upgrade);
  const copy = isUpgrade ? copyBeforeUpgrade(database, directory, fromSchema) : undefined;
  try {
    database.exec('BEGIN IMMEDIATE');
    for (const { sql } of migrations.slice(fromSchema)) database.exec(sql);
    if (version !== undefined) {
      database.prepare('INSERT INTO versions (version, schema, opened_ms) VALUES (?, ?, ?)').run(version, schemaVersion, nowMs);
      database.exec(`DELETE FROM versions WHERE id <= (SELECT max(id) FROM versions) - ${versionsKept}`);
    }
    database.exec(`PRAGMA user_version = ${schemaVersion}; COMMIT`);
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    if (!isUpgrade || isDamaged(error) || sqliteCode(error) === sqliteBusy) throw error;
    throw new FettleError(
      'FETTLE_UPGRADE_FAILED',
      `${directory} could not be brought from schema ${fromSchema} to ${schemaVersion}: ${errorText(error)}`,
      {
        cause: error,
        hint: 'nothing was changed, and the version before goes on with it; is there room on the disk?',
      },
    );
  }
  if (copy === undefined) return null;
  // The header of the file says the schema, to whoever looks while this process holds the lock.
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  removeOldCopies(directory, nowMs, copy);
  return { ...upgrade, copy };
}
