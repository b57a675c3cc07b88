import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { schemaVersion } from '../../src/journal/schema.ts';
import { JournalStore } from '../../src/journal/store.ts';
import { contentOf, oldData } from '../support/old-data.ts';
import { requirePeer } from '../support/peers.ts';
import { type Environment, scene, upgrade } from './upgrading.ts';

/** What is wrong with a data directory after an upgrade that did not end; empty when it is the old one or the new one, whole, and the next start makes it the new one. */
function wrongWith(data: string, before: ReturnType<typeof contentOf>): string[] {
  const copy = join(data, 'before-upgrade', 'fettle-schema-1.db');
  const wrong: string[] = [];
  const compared = (what: string, file: string): number | undefined => {
    try {
      const { schema, rows } = contentOf(file);
      if (JSON.stringify(rows) !== JSON.stringify(before.rows)) wrong.push(`${what} holds something else`);
      return schema;
    } catch (error) {
      wrong.push(`${what}: ${(error as Error).message}`);
      return undefined;
    }
  };
  const schema = compared('the database', join(data, 'fettle.db'));
  if (schema !== 1 && schema !== schemaVersion) wrong.push(`the database is of schema ${schema}`);
  if (existsSync(copy)) {
    if (compared('the copy', copy) !== 1) wrong.push('the copy is not the old database');
  } else if (schema !== 1) wrong.push('the database was changed and there is no copy');
  try {
    new JournalStore({ directory: data, maxBytes: 1e12, maxAgeMs: 1e15, version: '0.2.0' }).close();
    if (contentOf(join(data, 'fettle.db')).schema !== schemaVersion) wrong.push('it does not become the new one');
  } catch (error) {
    wrong.push(`it does not start again: ${(error as Error).message}`);
  }
  return wrong;
}

/** Kills the upgrade at every change it makes to the disk; each time as it is, and with everything gone that was not synced. */
async function campaign(more: Environment = {}, from = 1): Promise<{ kills: number; undone: number; wrong: string[] }> {
  const { disk, data, scratch } = scene();
  const before = contentOf(join(data, 'fettle.db'));
  const wrong: string[] = [];
  let undone = 0;
  for (let at = from; ; at++) {
    rmSync(data, { recursive: true });
    oldData(data);
    const said = await upgrade(disk, data, { ...more, FAULTS_KILL_AT: String(at) });
    const killed = join(scratch, 'killed');
    cpSync(data, killed, { recursive: true });
    undone += disk.cutPower({ keepLog: true });
    wrong.push(...wrongWith(data, before).map((text) => `power cut at change ${at}: ${text}`));
    rmSync(data, { recursive: true });
    cpSync(killed, data, { recursive: true });
    disk.cutPower({ renames: 'kept' });
    wrong.push(...wrongWith(data, before).map((text) => `power cut after the name at change ${at}: ${text}`));
    wrong.push(...wrongWith(killed, before).map((text) => `killed at change ${at}: ${text}`));
    rmSync(killed, { recursive: true });
    if (said !== undefined) return { kills: at - from, undone, wrong };
  }
}

describe('an upgrade', () => {
  it('that is killed, or loses power, at any change leaves the old data or the new, whole', { timeout: 120_000 }, async (context) => {
    if (requirePeer('cc') === undefined) context.skip();
    const { kills, undone, wrong } = await campaign();
    expect(wrong).toEqual([]);
    expect(kills).toBeGreaterThan(40);
    expect(undone).toBeGreaterThan(kills);
  });

  it('is seen to lose the copy where the disk is not asked to keep it', { timeout: 120_000 }, async (context) => {
    if (requirePeer('cc') === undefined) context.skip();
    const { wrong } = await campaign({ FAULTS_DEAF: 'fettle-schema-1.db.part' }, 36);
    expect(wrong).toContainEqual(expect.stringMatching(/^power cut after the name at change \d+: the copy is not the old database$/));
  });

  it('that has no room for the copy says so and changes nothing; with room it goes on', { timeout: 30_000 }, async (context) => {
    if (requirePeer('cc') === undefined) context.skip();
    const { disk, data } = scene();
    const before = contentOf(join(data, 'fettle.db'));
    const little = await upgrade(disk, data, { FAULTS_FREE: '20000000' });
    expect(little).toMatchObject({ code: 'FETTLE_UPGRADE_FAILED', hint: expect.stringContaining('make room') });
    expect(little?.message).toMatch(/: 64\.2 MB are needed and 20 MB are free$/);
    disk.setFull(true);
    expect(await upgrade(disk, data, {})).toMatchObject({
      code: 'FETTLE_UPGRADE_FAILED',
      hint: expect.stringContaining('nothing was changed'),
    });
    disk.setFull(false);
    expect(contentOf(join(data, 'fettle.db'))).toEqual(before);
    expect(readdirSync(join(data, 'before-upgrade'))).toEqual([]);
    expect(await upgrade(disk, data, {})).toEqual({});
    expect(wrongWith(data, before)).toEqual([]);
  });
});
