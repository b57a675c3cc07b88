import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { FettleError } from '../core/errors.ts';
import { parseTimestamp } from '../core/timestamp.ts';

/** A recording in columns: one row a line, NaN where a cell is empty or says so. */
export interface Recording {
  readonly file: string;
  readonly columns: readonly string[];
  /** ms since the epoch; undefined where the file has no time column. */
  readonly timeMs: Float64Array | undefined;
  /** By column. */
  readonly values: readonly Float64Array[];
}

export interface CsvOptions {
  readonly time: string | undefined;
  readonly ignore: readonly string[];
}

const separators = [';', ',', '\t'];
const empty = /^(?:|nan|null|none|n\/a|na|-)$/i;
const maxRows = 20_000_000;

/** Reads a CSV with a header; the separator is found. Throws FETTLE_CSV_INVALID with file and line. */
export async function readCsv(file: string, options: CsvOptions): Promise<Recording> {
  const invalid = (line: number, message: string, hint?: string) =>
    new FettleError('FETTLE_CSV_INVALID', `${file}:${line}: ${message}`, hint === undefined ? {} : { hint });
  const input = createReadStream(file, 'utf8');
  const opened = new Promise<void>((resolve, reject) => input.once('ready', resolve).once('error', reject));
  await opened.catch((error: NodeJS.ErrnoException) => {
    throw new FettleError('FETTLE_CSV_INVALID', `${file} cannot be read (${error.code})`, { cause: error });
  });
  let header: string[] | undefined;
  let separator = ',';
  let taken: number[] = [];
  let timeColumn = -1;
  const times: number[] = [];
  const values: number[][] = [];
  let line = 0;
  for await (const raw of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    line++;
    const text = line === 1 ? raw.replace(/^\uFEFF/, '') : raw;
    if (text.trim() === '') continue;
    if (header === undefined) {
      separator = separators.reduce((best, candidate) => (text.split(candidate).length > text.split(best).length ? candidate : best));
      header = text.split(separator).map(unquoted);
      timeColumn = options.time === undefined ? -1 : header.indexOf(options.time);
      if (options.time !== undefined && timeColumn < 0)
        throw invalid(1, `has no column "${options.time}"`, `its columns are ${header.join(', ')}`);
      const names = header;
      for (const name of options.ignore)
        if (!names.includes(name)) throw invalid(1, `has no column "${name}" to ignore`, `its columns are ${names.join(', ')}`);
      taken = names.flatMap((name, i) => (i === timeColumn || options.ignore.includes(name) ? [] : [i]));
      if (taken.length === 0) throw invalid(1, 'has no column left to learn from');
      values.push(...taken.map(() => []));
      continue;
    }
    const cells = text.split(separator).map(unquoted);
    if (cells.length !== header.length) throw invalid(line, `has ${cells.length} cells, the header has ${header.length}`);
    if (times.length + 1 > maxRows) throw invalid(line, `more than ${maxRows} rows`);
    if (timeColumn >= 0) {
      const timeMs = parseTimestamp(cells[timeColumn]);
      if (Number.isNaN(timeMs)) throw invalid(line, `"${cells[timeColumn]}" is not a time`, 'epoch s, ms, us, ns or ISO 8601');
      times.push(timeMs);
    }
    for (const [i, column] of taken.entries()) {
      const cell = cells[column] as string;
      const value = empty.test(cell) ? Number.NaN : Number(cell);
      if (Number.isNaN(value) && !empty.test(cell))
        throw invalid(
          line,
          `"${cell}" in column ${header[column]} is not a number`,
          `leave the column out with --ignore ${header[column]}`,
        );
      (values[i] as number[]).push(value);
    }
  }
  if (header === undefined) throw invalid(1, 'is empty');
  const columns = taken.map((i) => (header as string[])[i] as string);
  return {
    file,
    columns,
    timeMs: timeColumn < 0 ? undefined : Float64Array.from(times),
    values: values.map((column) => Float64Array.from(column)),
  };
}

const unquoted = (cell: string): string => cell.trim().replace(/^"(.*)"$/, '$1');
