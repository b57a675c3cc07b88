import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { errorText, FettleError } from '../core/errors.ts';
import { schemaOf } from '../journal/migration.ts';
import { databaseName, schemaVersion } from '../journal/schema.ts';

/** What a backup holds, as it says itself. */
export interface BackupFacts {
  readonly site: string;
  readonly version: string;
  readonly createdAt: string;
  readonly schema: number;
  /** Name of the configuration file. */
  readonly config: string;
  readonly files: number;
  readonly bytes: number;
  /** Files the configuration names that are not in it: secrets and keys stay where they are. */
  readonly left: readonly string[];
}

type Kind = 'config' | 'data';

const format = 'fettle-backup/1';
/** Below the data directory: models, and what sources learnt of their devices. */
const keptFolders = ['models', 'sources'];

/**
 * Makes a copy of the database (`database`, a file of its own) a backup: configuration and models go into it as tables, so that one file is all there is to keep. Throws FETTLE_BACKUP_FAILED.
 */
export function packBackup(database: string, loaded: LoadedConfig, version: string): BackupFacts {
  const { config, directory, files, file } = loaded;
  const configured = config.assets.flatMap(({ detector }) => (detector?.model === undefined ? [] : filesBelow(detector.model)));
  const entries = [
    ...[...files, ...configured].map((path) => ({ kind: 'config' as const, path, name: relative(directory, resolve(path)) })),
    ...keptFolders
      .flatMap((folder) => filesBelow(join(config.data, folder)))
      .map((path) => ({ kind: 'data' as const, path, name: relative(config.data, path) })),
  ];
  const inside = entries.filter(({ name }) => !name.startsWith('..'));
  const left = [...entries.filter(({ name }) => name.startsWith('..')).map(({ path }) => path), ...secretFiles(files)];
  const copy = new DatabaseSync(database);
  try {
    copy.exec('BEGIN; CREATE TABLE backup_files (kind TEXT NOT NULL, name TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (kind, name))');
    const insert = copy.prepare('INSERT OR REPLACE INTO backup_files VALUES (?, ?, ?)');
    for (const { kind, name, path } of inside) insert.run(kind, name, readFileSync(path));
    const facts = {
      site: config.site,
      version,
      createdAt: new Date().toISOString(),
      // Data at rest may be of an older version; they are kept as they are.
      schema: schemaOf(copy),
      config: relative(directory, resolve(file)),
      files: inside.length,
      left,
    };
    copy.exec('CREATE TABLE backup_facts (format TEXT NOT NULL, facts TEXT NOT NULL)');
    copy.prepare('INSERT INTO backup_facts VALUES (?, ?)').run(format, JSON.stringify(facts));
    copy.exec('COMMIT');
    copy.close();
    return { ...facts, bytes: statSync(database).size };
  } catch (error) {
    if (copy.isOpen) copy.close();
    throw failed(`${database} could not be completed: ${errorText(error)}`, 'is there room on the disk?', error);
  }
}

/**
 * Unpacks a backup: configuration into `directory`, database and models into the data directory that names. Nothing that is there is overwritten. Throws FETTLE_BACKUP_FAILED; then what was written is gone again.
 */
export function unpackBackup(
  file: string,
  directory: string,
): { readonly facts: BackupFacts; readonly config: string; readonly data: string } {
  const facts = readFacts(file);
  const backup = new DatabaseSync(file, { readOnly: true });
  const written: string[] = [];
  const write = (path: string, data: Uint8Array): void => {
    if (existsSync(path)) throw failed(`${path} is there already`, 'restore into an empty folder: --to FOLDER');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, data);
    written.push(path);
  };
  try {
    const filesOf = (kind: Kind) =>
      backup.prepare('SELECT name, data FROM backup_files WHERE kind = ?').all(kind) as { name: string; data: Uint8Array }[];
    for (const { name, data } of filesOf('config')) write(below(directory, name), data);
    const config = join(directory, facts.config);
    const { data } = loadConfig(config, { ...process.env }).config;
    const database = join(data, databaseName);
    if (existsSync(database))
      throw failed(`${database} is there already`, 'move it away, or give the configuration another data: directory');
    for (const { name, data: bytes } of filesOf('data')) write(below(data, name), bytes);
    const partial = `${database}.part`;
    mkdirSync(data, { recursive: true });
    copyFileSync(file, partial);
    written.push(partial);
    const copy = new DatabaseSync(partial);
    copy.exec('DROP TABLE backup_files; DROP TABLE backup_facts; PRAGMA wal_checkpoint(TRUNCATE)');
    copy.close();
    renameSync(partial, database);
    return { facts, config, data };
  } catch (error) {
    for (const path of written) rmSync(path, { force: true });
    throw error;
  } finally {
    backup.close();
  }
}

/** Throws FETTLE_BACKUP_FAILED where the file is no backup, or one of a newer version. */
export function readFacts(file: string): BackupFacts {
  if (!existsSync(file)) throw failed(`there is no file ${file}`, 'fettle backup FILE makes one');
  let row: { format: string; facts: string } | undefined;
  try {
    const backup = new DatabaseSync(file, { readOnly: true });
    try {
      row = backup.prepare('SELECT format, facts FROM backup_facts').get() as typeof row;
    } finally {
      backup.close();
    }
  } catch (error) {
    throw failed(`${file} is not a backup of Fettle: ${errorText(error)}`, 'fettle backup FILE makes one', error);
  }
  if (row?.format !== format) throw failed(`${file} is not a backup of Fettle`, 'fettle backup FILE makes one');
  const facts = JSON.parse(row.facts) as Omit<BackupFacts, 'bytes'>;
  if (facts.schema > schemaVersion)
    throw failed(
      `${file} was made by Fettle ${facts.version}, whose data this version cannot read`,
      'restore with that version or a newer one',
    );
  return { ...facts, bytes: statSync(file).size };
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Named by `${file:…}` in the configuration. */
const secretFiles = (files: readonly string[]): string[] =>
  files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\$\{file:([^}]+)\}/g)].map(([, name = '']) => resolve(dirname(file), name)),
  );

/** A name out of a file must not lead out of the folder. */
function below(directory: string, name: string): string {
  const path = resolve(directory, name);
  if (path.startsWith(resolve(directory) + sep)) return path;
  throw failed(`the backup holds a file outside its folder: ${name}`, 'do not trust this file');
}

const failed = (message: string, hint: string, cause?: unknown): FettleError =>
  new FettleError('FETTLE_BACKUP_FAILED', message, { hint, cause });
