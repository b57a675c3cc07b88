import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** What the first page of a database says (https://sqlite.org/fileformat2.html, 1.3). */
export interface DatabaseHeader {
  readonly schema: number;
  /** Of pages in use. */
  readonly bytes: number;
}

const headerBytes = 100;
const walHeaderBytes = 32;
const frameHeaderBytes = 24;

/**
 * Read byte by byte and not through SQLite: that works while a gateway has the database locked, leaves no file behind, and needs no right to write. Where the log of changes holds a newer first
 * page, that one counts. Undefined where there is no database. Not for a process that has the file open by SQLite: closing it here would release its locks.
 */
export function readHeader(file: string): DatabaseHeader | undefined {
  const main = firstBytes(file, headerBytes);
  const page = newestFirstPage(`${file}-wal`) ?? main;
  if (page === undefined || page.length < headerBytes || page.toString('latin1', 0, 15) !== 'SQLite format 3') return undefined;
  const pageBytes = page.readUInt16BE(16) === 1 ? 65_536 : page.readUInt16BE(16);
  return { schema: page.readUInt32BE(60), bytes: (page.readUInt32BE(28) - page.readUInt32BE(36)) * pageBytes };
}

function firstBytes(file: string, count: number): Buffer | undefined {
  return withFile(file, (descriptor) => read(descriptor, 0, count));
}

/** Of the frames up to the last commit (4.1 there); checksums are left to SQLite. */
function newestFirstPage(file: string): Buffer | undefined {
  return withFile(file, (descriptor, size) => {
    const header = read(descriptor, 0, walHeaderBytes);
    if (header.length < walHeaderBytes) return undefined;
    const frameBytes = frameHeaderBytes + header.readUInt32BE(8);
    let written: number | undefined;
    let committed: number | undefined;
    for (let at = walHeaderBytes; at + frameBytes <= size; at += frameBytes) {
      const frame = read(descriptor, at, frameHeaderBytes);
      // Of an earlier round through the file.
      if (frame.length < frameHeaderBytes || frame.compare(header, 16, 24, 8, 16) !== 0) break;
      if (frame.readUInt32BE(0) === 1) written = at + frameHeaderBytes;
      if (frame.readUInt32BE(4) !== 0) committed = written;
    }
    return committed === undefined ? undefined : read(descriptor, committed, headerBytes);
  });
}

function withFile<T>(file: string, work: (descriptor: number, size: number) => T): T | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return work(descriptor, fstatSync(descriptor).size);
  } finally {
    closeSync(descriptor);
  }
}

function read(descriptor: number, position: number, count: number): Buffer {
  const bytes = Buffer.alloc(count);
  return bytes.subarray(0, readSync(descriptor, bytes, 0, count, position));
}
