import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

const kinds = { write: 1, truncate: 2, sync: 3, create: 4, rename: 5 } as const;
const magic = 0x464c5431;
const headerBytes = 40;

interface Change {
  readonly kind: number;
  readonly offset: number;
  readonly oldSize: number;
  readonly path: string;
  readonly old: Buffer;
}

/** A directory whose unsynced writes can be made to vanish, as by a power cut (faulty-disk.c). */
export class FaultyDisk {
  readonly #library: string;
  readonly #log: string;
  readonly #directory: string;
  readonly #full: string;

  /** Builds the library with the system's C compiler in `scratch`; `directory` is the data directory it watches. */
  constructor(directory: string, scratch: string) {
    this.#directory = directory;
    this.#library = join(scratch, 'faulty-disk.so');
    this.#log = join(scratch, 'undo.log');
    this.#full = join(scratch, 'disk-full');
    execFileSync('cc', [
      '-shared',
      '-fPIC',
      '-O1',
      '-w',
      '-o',
      this.#library,
      join(import.meta.dirname, 'faulty-disk.c'),
      '-ldl',
      '-lpthread',
    ]);
  }

  /** Environment of the process that writes there; more of it: head of faulty-disk.c. */
  environment(syncDelayMs = 0, more: Readonly<Record<`FAULTS_${string}`, string>> = {}): NodeJS.ProcessEnv {
    return {
      LD_PRELOAD: this.#library,
      FAULTS_DIR: this.#directory,
      FAULTS_LOG: this.#log,
      FAULTS_FULL: this.#full,
      ...(syncDelayMs > 0 && { FAULTS_SYNC_DELAY_MS: String(syncDelayMs) }),
      ...more,
    };
  }

  /** From now on writes fail for want of room, or work again. */
  setFull(full: boolean): void {
    if (full) writeFileSync(this.#full, '');
    else rmSync(this.#full, { force: true });
  }

  /**
   * The process is dead: everything it had not synced is gone now. Returns how many changes were undone. A new name that was not synced may be gone or not (`renames`), whatever is in the file;
   * with `keepLog` the same cut can be made again.
   */
  cutPower({ renames = 'undone', keepLog = false }: { renames?: 'undone' | 'kept'; keepLog?: boolean } = {}): number {
    const changes = this.#read();
    let undone = 0;
    const safe = new Set<string>();
    /** Names that lasted, of files that had another one when they were written. */
    const renamed = new Map<string, string>();
    for (const { kind, path: name, offset, old, oldSize } of changes.reverse()) {
      const path = renamed.get(name) ?? name;
      if (kind === kinds.rename) {
        const [to = '', replaced = ''] = old.toString().split('\n');
        if (renames === 'kept' || safe.has(dirname(to))) {
          renamed.set(name, to);
          renamed.set(to, replaced);
        } else if (existsSync(to)) {
          renameSync(to, name);
          if (existsSync(replaced)) renameSync(replaced, to);
        }
        continue;
      }
      if (kind === kinds.sync) {
        safe.add(path);
        continue;
      }
      // A new file is there for good once its directory was synced.
      if (kind === kinds.create) {
        if (!safe.has(dirname(path)) && !safe.has(path)) rmSync(path, { force: true });
        continue;
      }
      if (safe.has(path) || !existsSync(path)) continue;
      const file = openSync(path, 'r+');
      if (old.length > 0) writeSync(file, old, 0, old.length, offset);
      ftruncateSync(file, oldSize);
      closeSync(file);
      undone++;
    }
    if (!keepLog) rmSync(this.#log, { force: true });
    return undone;
  }

  #read(): Change[] {
    if (!existsSync(this.#log)) return [];
    const bytes = readFileSync(this.#log);
    const changes: Change[] = [];
    let at = 0;
    while (at + headerBytes <= bytes.length) {
      if (bytes.readUInt32LE(at) !== magic) throw new Error('the undo log is damaged');
      const length = Number(bytes.readBigUInt64LE(at + 16));
      const pathLength = bytes.readUInt32LE(at + 32);
      const end = at + headerBytes + pathLength + length;
      // Torn by the kill: the change it announces was not made.
      if (end > bytes.length) break;
      changes.push({
        kind: bytes.readUInt32LE(at + 4),
        offset: Number(bytes.readBigUInt64LE(at + 8)),
        oldSize: Number(bytes.readBigUInt64LE(at + 24)),
        path: bytes.toString('utf8', at + headerBytes, at + headerBytes + pathLength),
        old: bytes.subarray(end - length, end),
      });
      at = end;
    }
    return changes;
  }
}
