import type { FettleError } from '../core/errors.ts';
import { parseTimestamp } from '../core/timestamp.ts';
import { CsvDialect } from './csv-dialect.ts';
import { csvInvalid, eachLine } from './text-lines.ts';

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

/** Reads a CSV with a header; the separator is found. Throws FETTLE_CSV_INVALID with file and line. */
export async function readCsv(file: string, options: CsvOptions): Promise<Recording> {
  const reader = new RecordingReader(file, options);
  await eachLine(file, (text, line) => reader.line(text, line));
  return reader.end();
}

class RecordingReader {
  readonly #file: string;
  readonly #options: CsvOptions;
  #line = 0;
  #dialect: CsvDialect | undefined;
  #header: string[] = [];
  #taken: number[] = [];
  #timeColumn = -1;
  readonly #times: number[] = [];
  readonly #values: number[][] = [];

  constructor(file: string, options: CsvOptions) {
    this.#file = file;
    this.#options = options;
  }

  line(text: string, line: number): void {
    this.#line = line;
    if (this.#dialect === undefined) this.#readHeader(text);
    else this.#readRow(this.#dialect, text);
  }

  end(): Recording {
    if (this.#dialect === undefined) throw this.#invalid('is empty');
    if (this.#values[0]?.length === 0) throw this.#invalid('has a header and no rows');
    return {
      file: this.#file,
      columns: this.#taken.map((column) => this.#header[column] as string),
      timeMs: this.#timeColumn < 0 ? undefined : Float64Array.from(this.#times),
      values: this.#values.map((column) => Float64Array.from(column)),
    };
  }

  #readHeader(text: string): void {
    this.#dialect = CsvDialect.of(text);
    const header = this.#dialect.cells(text);
    const columns = `its columns are ${header.join(', ')}`;
    const twice = header.find((name, i) => header.indexOf(name) !== i);
    if (twice !== undefined) throw this.#invalid(`has two columns "${twice}"`);
    const { time, ignore } = this.#options;
    const missing = [...(time === undefined ? [] : [time]), ...ignore].find((name) => !header.includes(name));
    if (missing !== undefined) throw this.#invalid(`has no column "${missing}"`, columns);
    this.#timeColumn = time === undefined ? -1 : header.indexOf(time);
    this.#taken = [...header.keys()].filter((i) => i !== this.#timeColumn && !ignore.includes(header[i] as string));
    if (this.#taken.length === 0) throw this.#invalid('has no column left to learn from', columns);
    this.#header = header;
    this.#values.push(...this.#taken.map(() => []));
  }

  #readRow(dialect: CsvDialect, text: string): void {
    const cells = dialect.cells(text);
    if (cells.length !== this.#header.length) throw this.#invalid(`has ${cells.length} cells, the header has ${this.#header.length}`);
    if (this.#timeColumn >= 0) {
      const cell = cells[this.#timeColumn] as string;
      const timeMs = parseTimestamp(cell);
      if (Number.isNaN(timeMs)) throw this.#invalid(`"${cell}" is not a time`, 'write epoch s, ms, us or ns, or ISO 8601');
      this.#times.push(timeMs);
    }
    const words: number[] = [];
    this.#taken.forEach((column, i) => {
      const value = dialect.number(cells[column] as string);
      if (value === undefined) words.push(column);
      else this.#values[i]?.push(value);
    });
    if (words.length === 0) return;
    const names = words.map((column) => this.#header[column]).join(',');
    const examples = words.map((column) => `"${cells[column]}" in column ${this.#header[column]}`).join(', ');
    throw this.#invalid(`not a number: ${examples}`, `leave out what is not measured with --ignore ${names}`);
  }

  #invalid(message: string, hint?: string): FettleError {
    return csvInvalid(this.#file, this.#line, message, hint);
  }
}
