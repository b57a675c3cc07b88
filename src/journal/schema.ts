export interface Migration {
  /** What it does, for the person who asks `fettle upgrade check`. */
  readonly words: string;
  readonly sql: string;
}

/** Migrations in order; `user_version` counts those that were applied. Never change one that shipped (a test compares): add another. */
export const migrations: readonly Migration[] = [
  {
    words: 'makes the tables of the journal',
    sql: `
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
  },
  {
    words: 'adds a record of which version of Fettle opened the data, and when; nothing that is there is changed',
    // Read by every later version, older ones too: a newer one is told by its last row. Columns may be added, never changed.
    sql: 'CREATE TABLE versions (id INTEGER PRIMARY KEY, version TEXT NOT NULL, schema INTEGER NOT NULL, opened_ms REAL NOT NULL);',
  },
];

export const databaseName = 'fettle.db';

export const schemaVersion = migrations.length;
