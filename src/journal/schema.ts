import type { DatabaseSync } from 'node:sqlite';

/** Migrations in order; `user_version` counts those that were applied. Never change one that shipped: add another. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE names (kind TEXT NOT NULL, idx INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (kind, idx)) WITHOUT ROWID;

  -- The log: what arrived, in order. Everything below is a fold over it.
  CREATE TABLE segments (
    seq INTEGER PRIMARY KEY, wall_ms REAL NOT NULL, first_ms REAL NOT NULL, last_ms REAL NOT NULL,
    samples INTEGER NOT NULL, data BLOB NOT NULL);
  CREATE INDEX segments_time ON segments (last_ms, first_ms);

  CREATE TABLE scores (
    asset INTEGER NOT NULL, end_ms REAL NOT NULL, model INTEGER NOT NULL,
    value REAL NOT NULL, threshold REAL NOT NULL, detail BLOB NOT NULL,
    PRIMARY KEY (asset, end_ms, model)) WITHOUT ROWID;
  CREATE TABLE invalid_windows (
    asset INTEGER NOT NULL, end_ms REAL NOT NULL, reason INTEGER NOT NULL, tag INTEGER,
    PRIMARY KEY (asset, end_ms)) WITHOUT ROWID;
  CREATE TABLE transitions (
    id TEXT PRIMARY KEY, asset INTEGER NOT NULL, sequence INTEGER NOT NULL, at_ms REAL NOT NULL, document TEXT NOT NULL);
  CREATE INDEX transitions_time ON transitions (at_ms);

  -- A samples entry has no payload: it points at its segment.
  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, lane TEXT NOT NULL, count INTEGER NOT NULL,
    enqueued_ms REAL NOT NULL, segment INTEGER, payload BLOB);
  CREATE INDEX outbox_lane ON outbox (sink, lane, id);
  CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY, sink TEXT NOT NULL, at_ms REAL NOT NULL, count INTEGER NOT NULL, reason TEXT NOT NULL, example TEXT NOT NULL);

  -- State of the fold after segment seq; only the newest row is kept.
  CREATE TABLE snapshots (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, data BLOB NOT NULL);
  CREATE TABLE counters (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
  `,
];

export const databaseName = 'fettle.db';

export const schemaVersion = migrations.length;

/** Brings an open database to `schemaVersion`. Returns the version it had. */
export function migrate(database: DatabaseSync): number {
  const { user_version: found } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  for (let version = found; version < migrations.length; version++) {
    database.exec(`BEGIN IMMEDIATE; ${migrations[version]}; PRAGMA user_version = ${version + 1}; COMMIT`);
  }
  return found;
}
