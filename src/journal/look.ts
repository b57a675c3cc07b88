import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { NameKind } from './batch.ts';
import { type DatabaseHeader, readHeader } from './database-header.ts';
import { type OpenedBy, openedBy } from './migration.ts';
import { namesIn } from './names-table.ts';
import { databaseName } from './schema.ts';

/** What a database holds, as far as an upgrade is concerned. */
export interface DatabaseContent {
  readonly openedBy: readonly OpenedBy[];
  readonly names: Record<NameKind, string[]>;
  readonly snapshot: Uint8Array | null;
}

export interface Looked extends DatabaseHeader {
  /** Null while another process has it open, or where this user may not read it so. */
  readonly content: DatabaseContent | null;
}

/** Looks at a data directory from outside and changes nothing, whether a gateway runs on it or not. Undefined where there is no database yet. */
export function lookAt(directory: string): Looked | undefined {
  const file = join(directory, databaseName);
  const header = readHeader(file);
  return header && { ...header, content: contentOf(file) };
}

function contentOf(file: string): DatabaseContent | null {
  // Whoever has it open, or was killed, has a log of changes beside it; without one nothing can move, and SQLite need not make its own files for a reader.
  const atRest = (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0;
  const url = pathToFileURL(file);
  const index = `${file}-shm`;
  const hadIndex = existsSync(index);
  if (atRest) url.searchParams.set('immutable', '1');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(url, { readOnly: true });
    const snapshot = database.prepare('SELECT data FROM snapshots').get() as { data: Uint8Array } | undefined;
    return { openedBy: openedBy(database), names: namesIn(database), snapshot: snapshot?.data ?? null };
  } catch {
    // Locked, not to be read, damaged, of a schema nobody knows: the header is what there is to know.
    return null;
  } finally {
    database?.close();
    // A reader makes it and leaves it behind; a gateway keeps its own in memory.
    if (!hadIndex) rmSync(index, { force: true });
  }
}
