import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { LoadedConfig } from '../config/load.ts';
import { FettleError } from '../core/errors.ts';
import { Journal } from '../journal/journal.ts';
import { type BackupFacts, packBackup } from './backup.ts';

/**
 * One file with the journal, the models and the configuration, readable by its owner only. The journal may be in use: commits go on. Throws FETTLE_BACKUP_FAILED, FETTLE_JOURNAL_FAILED; then there is no file.
 */
export async function backupTo(
  file: string,
  loaded: LoadedConfig,
  journal: Pick<Journal, 'backup'>,
  version: string,
): Promise<BackupFacts> {
  const target = resolve(file);
  if (existsSync(target)) throw new FettleError('FETTLE_BACKUP_FAILED', `${target} is there already`, { hint: 'give a new name' });
  const partial = `${target}.part`;
  mkdirSync(dirname(target), { recursive: true });
  rmSync(partial, { force: true });
  try {
    await journal.backup(partial);
    chmodSync(partial, 0o600);
    const facts = packBackup(partial, loaded, version);
    renameSync(partial, target);
    return facts;
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(partial + suffix, { force: true });
  }
}

/** The same while no gateway runs. Throws FETTLE_DATA_LOCKED too. */
export async function backupAtRest(file: string, loaded: LoadedConfig, version: string): Promise<BackupFacts> {
  const { data, journal: settings } = loaded.config;
  const limits = settings === 'off' ? { maxBytes: Number.MAX_SAFE_INTEGER, maxAge: Number.MAX_SAFE_INTEGER } : settings;
  const journal = await Journal.open({ directory: data, maxBytes: limits.maxBytes, maxAgeMs: limits.maxAge, upgrade: 'never' });
  try {
    return await backupTo(file, loaded, journal, version);
  } finally {
    await journal.close();
  }
}
