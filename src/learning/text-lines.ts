import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { FettleError } from '../core/errors.ts';

const maxLines = 20_000_000;

/** Hands over every line that is not blank, with its number from 1; a byte order mark is taken off. Throws FETTLE_CSV_INVALID where the file cannot be read. */
export async function eachLine(file: string, take: (text: string, line: number) => void): Promise<void> {
  const input = createReadStream(file, 'utf8');
  const failed = new Promise<never>((_, reject) => {
    input.once('error', (cause: NodeJS.ErrnoException) => {
      reject(new FettleError('FETTLE_CSV_INVALID', `${file} cannot be read (${cause.code})`, { cause }));
    });
  });
  const read = async (): Promise<void> => {
    let line = 0;
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      line++;
      const content = line === 1 ? text.replace(/^\uFEFF/, '') : text;
      if (line > maxLines) throw csvInvalid(file, line, `more than ${maxLines} lines`, 'take a shorter recording, or a coarser one');
      if (content.trim() !== '') take(content, line);
    }
  };
  try {
    await Promise.race([read(), failed]);
  } finally {
    input.destroy();
  }
}

/** FETTLE_CSV_INVALID at a line of a file. */
export const csvInvalid = (file: string, line: number, message: string, hint?: string): FettleError =>
  new FettleError('FETTLE_CSV_INVALID', `${file}:${Math.max(1, line)}: ${message}`, hint === undefined ? {} : { hint });
