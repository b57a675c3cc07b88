import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { Journal } from '../../src/journal/journal.ts';
import { migrations, schemaVersion } from '../../src/journal/schema.ts';
import { JournalStore } from '../../src/journal/store.ts';
import { contentOf, oldData } from '../support/old-data.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const limits = { maxBytes: 1e9, maxAgeMs: 1e15 };
const copyOf = (directory: string): string => join(directory, 'before-upgrade', 'fettle-schema-1.db');
const fileOf = (directory: string): string => join(directory, 'fettle.db');
const emptyBatch = { wallMs: Date.now(), segment: null, names: [], scores: null, invalid: [], transitions: [], outbox: [], snapshot: null };

/** Of migrations that are out there. */
const shipped = [
  'a05ea14613ce1409a8900287677ebe6b', //
  '2c17d9ef194e703882649fdf9d0f676e',
];

describe('data of the version before', () => {
  it('are brought to this one with everything in them, and kept as they were', () => {
    const directory = oldData(temporaryDirectory());
    const before = contentOf(fileOf(directory));
    expect(before.schema).toBe(1);
    const told: unknown[] = [];
    const store = new JournalStore({ directory, ...limits, version: '0.2.0' }, (upgrade) => told.push(upgrade));
    expect(told).toEqual([{ fromSchema: 1, toSchema: schemaVersion, fromVersion: null, bytes: expect.any(Number) }]);
    expect(store.opened.openedBy).toEqual([{ version: '0.2.0', schema: schemaVersion, openedMs: expect.any(Number) }]);
    expect(store.opened.copy).toMatchObject({ file: copyOf(directory), schema: 1 });
    expect(store.opened.lastSeq).toBe(194);
    store.close();
    expect(contentOf(fileOf(directory))).toEqual({ schema: schemaVersion, rows: before.rows });
    expect(contentOf(copyOf(directory))).toEqual(before);
    expect(statSync(copyOf(directory)).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(directory, 'before-upgrade'))).toEqual(['fettle-schema-1.db']);
  });

  it('are upgraded once; then each version that opens them is written down, once', () => {
    const directory = oldData(temporaryDirectory());
    const versions = ['0.2.0', '0.2.0', '0.3.0', '0.2.0', '0.2.0'];
    const told: unknown[] = [];
    let last: JournalStore | undefined;
    for (const version of versions) {
      last = new JournalStore({ directory, ...limits, version }, (upgrade) => told.push(upgrade));
      last.close();
    }
    expect(told).toHaveLength(1);
    expect(last?.opened.openedBy.map(({ version }) => version)).toEqual(['0.2.0', '0.3.0', '0.2.0']);
  });

  it('are left as they are by those who only look', () => {
    const directory = oldData(temporaryDirectory());
    const before = contentOf(fileOf(directory));
    const store = new JournalStore({ directory, ...limits, upgrade: 'never' });
    expect(store.segments(0, 1e9)).toHaveLength(194);
    store.close();
    expect(contentOf(fileOf(directory))).toEqual(before);
    expect(existsSync(copyOf(directory))).toBe(false);
  });

  it('say through the writer’s thread that it takes a while', async () => {
    const directory = oldData(temporaryDirectory());
    const told: number[] = [];
    const journal = await Journal.open({ directory, ...limits, version: '0.2.0' }, ({ toSchema }) => told.push(toSchema));
    expect(told).toEqual([schemaVersion]);
    expect((await journal.query<{ n: number }>('SELECT count(*) AS n FROM segments'))[0]?.n).toBe(194);
    await journal.close();
  });
});

describe('the copy', () => {
  it('is the newest one, for 30 days', () => {
    const directory = oldData(temporaryDirectory());
    new JournalStore({ directory, ...limits }).close();
    const other = join(directory, 'before-upgrade', 'notes.txt');
    writeFileSync(other, 'mine');
    const store = new JournalStore({ directory, ...limits });
    store.commit(emptyBatch);
    expect(existsSync(copyOf(directory))).toBe(true);
    const old = Date.now() / 1000 - 30 * 86_400 - 60;
    utimesSync(copyOf(directory), old, old);
    store.commit({ ...emptyBatch, wallMs: Date.now() + 11_000 });
    expect(existsSync(copyOf(directory))).toBe(false);
    expect(existsSync(other)).toBe(true);
    store.close();
  });

  it('replaces one that an interrupted upgrade left: the version before may have gone on', () => {
    const directory = oldData(temporaryDirectory());
    new JournalStore({ directory, ...limits }).close();
    writeFileSync(copyOf(directory), 'of last week');
    writeFileSync(`${copyOf(directory)}.part`, 'of one that was killed');
    oldData(directory);
    new JournalStore({ directory, ...limits }).close();
    expect(contentOf(copyOf(directory)).schema).toBe(1);
    expect(readdirSync(join(directory, 'before-upgrade'))).toEqual(['fettle-schema-1.db']);
  });
});

describe('data of a newer version', () => {
  it('are refused with the version that wrote them and the way back, untouched', () => {
    const directory = oldData(temporaryDirectory());
    new JournalStore({ directory, ...limits, version: '0.2.0' }).close();
    const database = new DatabaseSync(fileOf(directory));
    database.exec(`INSERT INTO versions (version, schema, opened_ms) VALUES ('0.9.1', 99, 0); PRAGMA user_version = 99`);
    database.close();
    const open = () => new JournalStore({ directory, ...limits, version: '0.2.0' });
    expect(open).toThrow(
      expect.objectContaining({
        code: 'FETTLE_DATA_TOO_NEW',
        message: `${directory} was written by Fettle 0.9.1 (schema 99; this one knows ${schemaVersion})`,
        hint: expect.stringMatching(/^start Fettle 0\.9\.1 again; or go back to the data as they were on 20.* UTC: fettle upgrade undo$/),
      }),
    );
    expect(contentOf(fileOf(directory)).schema).toBe(99);
  });
});

it('migrations that shipped are what they were', () => {
  const hashes = migrations.map(({ sql }) => createHash('sha256').update(sql.replaceAll(/\s+/g, ' ').trim()).digest('hex').slice(0, 32));
  expect(hashes).toEqual(shipped);
});
