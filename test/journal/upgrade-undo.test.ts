import { cpSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { schemaVersion } from '../../src/journal/schema.ts';
import { JournalStore } from '../../src/journal/store.ts';
import { contentOf } from '../support/old-data.ts';
import { requirePeer } from '../support/peers.ts';
import { scene, upgrade } from './upgrading.ts';

describe('taking an upgrade back', () => {
  it('that is killed, or loses power, at any change leaves one of the two databases, whole, and can be done again', {
    timeout: 60_000,
  }, async (context) => {
    if (requirePeer('cc') === undefined) context.skip();
    const { disk, data, scratch } = scene();
    const before = contentOf(join(data, 'fettle.db'));
    const upgraded = join(scratch, 'upgraded');
    new JournalStore({ directory: data, maxBytes: 1e12, maxAgeMs: 1e15, version: '0.2.0' }).close();
    // As one leaves it that was killed: the last changes stand in the log beside it.
    const database = new DatabaseSync(join(data, 'fettle.db'));
    database.exec(`PRAGMA wal_autocheckpoint = 0; INSERT INTO versions (version, schema, opened_ms) VALUES ('0.2.1', ${schemaVersion}, 1)`);
    cpSync(data, upgraded, { recursive: true });
    database.close();
    expect(statSync(join(upgraded, 'fettle.db-wal')).size).toBeGreaterThan(0);
    const wrong: string[] = [];
    let [at, isDone] = [0, false];
    while (!isDone) {
      at++;
      for (const renames of ['undone', 'kept'] as const) {
        rmSync(data, { recursive: true });
        cpSync(upgraded, data, { recursive: true });
        isDone = (await upgrade(disk, data, { FAULTS_KILL_AT: String(at) }, 'undo')) !== undefined;
        disk.cutPower({ renames });
        const { schema, rows } = contentOf(join(data, 'fettle.db'));
        if ((schema !== 1 && schema !== schemaVersion) || JSON.stringify(rows) !== JSON.stringify(before.rows))
          wrong.push(`change ${at}: schema ${schema}`);
        if (schema !== 1) expect(await upgrade(disk, data, {}, 'undo')).toEqual({});
        if (JSON.stringify(contentOf(join(data, 'fettle.db'))) !== JSON.stringify(before)) wrong.push(`change ${at}: not put back`);
      }
    }
    expect(wrong).toEqual([]);
    expect(at).toBeGreaterThan(4);
  });
});
