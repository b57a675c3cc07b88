import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** One thing somebody did. */
export interface AuditEntry {
  readonly seq: number;
  readonly at: string;
  readonly who: string;
  /** From where: an address, or `local`. */
  readonly from: string;
  readonly action: string;
  readonly detail: Readonly<Record<string, unknown>>;
  /** SHA-256 over the hash before and this entry: a line that is changed or taken out breaks the chain. */
  readonly hash: string;
}

const fileName = 'audit.jsonl';
export const auditFileOf = (directory: string): string => join(directory, fileName);
const genesis = createHash('sha256').update('fettle audit log').digest('hex');

const hashOf = (before: string, entry: Omit<AuditEntry, 'hash'>): string =>
  createHash('sha256')
    .update(before)
    .update(JSON.stringify([entry.seq, entry.at, entry.who, entry.from, entry.action, entry.detail]))
    .digest('hex');

/** What a check of the chain found. */
export interface AuditCheck {
  readonly entries: readonly AuditEntry[];
  /** Of the last good entry; to be kept elsewhere, it shows when the end was cut off. */
  readonly head: string;
  /** Line (from 1) where the chain breaks, and why. */
  readonly broken: { readonly line: number; readonly reason: string } | null;
}

/** Reads and checks a log. */
export function readAudit(text: string): AuditCheck {
  const entries: AuditEntry[] = [];
  let head = genesis;
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (const [i, line] of lines.entries()) {
    const broken = (reason: string): AuditCheck => ({ entries, head, broken: { line: i + 1, reason } });
    let entry: AuditEntry;
    try {
      entry = JSON.parse(line) as AuditEntry;
    } catch {
      return broken('is not an entry');
    }
    if (entry.seq !== entries.length + 1) return broken(`has number ${entry.seq} where ${entries.length + 1} belongs`);
    if (hashOf(head, entry) !== entry.hash) return broken('does not fit the entry before it');
    head = entry.hash;
    entries.push(entry);
  }
  return { entries, head, broken: null };
}

const fileBytes = 20_000_000;
const filesKept = 10;

/** Who did what, when, from where: appended and on the disk before the answer goes out, chained by hash. A full file, or one whose chain is broken, is set aside, and the next one begins by saying so. */
export class AuditLog {
  readonly #directory: string;
  readonly #path: string;
  #file: number;
  #head = genesis;
  #seq = 0;
  #bytes = 0;

  constructor(directory: string, now: Date) {
    this.#directory = directory;
    this.#path = auditFileOf(directory);
    const text = existsSync(this.#path) ? readFileSync(this.#path, 'utf8') : '';
    const { entries, head, broken } = readAudit(text);
    // A line that was being written when the power went was never answered for.
    const torn = broken !== null && !text.endsWith('\n') && entries.length === text.split('\n').length - 1;
    const whole = torn ? text.slice(0, text.lastIndexOf('\n') + 1) : text;
    this.#file = openSync(this.#path, 'a', 0o600);
    if (torn) ftruncateSync(this.#file, Buffer.byteLength(whole));
    if (broken !== null && !torn) {
      this.#setAside(now, 'audit.broken', { line: broken.line, reason: broken.reason });
      return;
    }
    this.#bytes = Buffer.byteLength(whole);
    this.#head = head;
    this.#seq = entries.length;
  }

  append(at: Date, who: string, from: string, action: string, detail: Readonly<Record<string, unknown>> = {}): void {
    if (this.#bytes > fileBytes) this.#setAside(at, 'audit.continues', { head: this.#head, entries: this.#seq });
    this.#write(at, who, from, action, detail);
  }

  close(): void {
    closeSync(this.#file);
  }

  #setAside(at: Date, action: string, detail: Readonly<Record<string, unknown>>): void {
    closeSync(this.#file);
    const file = `audit-${at.toISOString().replaceAll(/[:.]/g, '-')}.jsonl`;
    renameSync(this.#path, join(this.#directory, file));
    const removed = setAsideFiles(this.#directory).slice(0, -filesKept);
    for (const old of removed) rmSync(join(this.#directory, old));
    this.#file = openSync(this.#path, 'a', 0o600);
    this.#head = genesis;
    this.#seq = 0;
    this.#bytes = 0;
    this.#write(at, 'fettle', 'local', action, { file, ...detail, ...(removed.length > 0 && { removed }) });
  }

  #write(at: Date, who: string, from: string, action: string, detail: Readonly<Record<string, unknown>>): void {
    // As it will be read.
    const entry = JSON.parse(JSON.stringify({ seq: this.#seq + 1, at: at.toISOString(), who, from, action, detail })) as Omit<
      AuditEntry,
      'hash'
    >;
    const hash = hashOf(this.#head, entry);
    const line = `${JSON.stringify({ ...entry, hash })}\n`;
    writeSync(this.#file, line);
    fsyncSync(this.#file);
    this.#seq = entry.seq;
    this.#head = hash;
    this.#bytes += Buffer.byteLength(line);
  }
}

/** Oldest first. */
export const setAsideFiles = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => /^audit-.*\.jsonl$/.test(name))
    .sort();
