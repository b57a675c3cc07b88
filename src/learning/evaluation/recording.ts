import { parseTimestamp } from '../../core/timestamp.ts';
import type { Recording } from '../csv.ts';
import { CsvDialect } from '../csv-dialect.ts';
import { csvInvalid, eachLine } from '../text-lines.ts';
import { HeaderlessTable } from './headerless.ts';
import { LabelColumn, type Labels } from './labels.ts';
import { anyOf, meansOf, timeOrderOf } from './time-order.ts';

export interface RecordingOptions {
  /** Column with the time (epoch or ISO 8601); rows are steps when undefined. */
  readonly time: string | undefined;
  readonly label: string | undefined;
  readonly ignore: readonly string[];
  /** Time from row to row where there is no time column; default 1 s. */
  readonly rowMs?: number;
  /** The label and the ignored columns may be missing: recordings to learn from often lack them. Default false. */
  readonly mayLack?: boolean;
}

/** A recording to judge a detector on: rows in order of time, one a time stamp. */
export interface LabelledRecording extends Recording {
  /** ms since the epoch, ascending, each once; multiples of `rowMs` from 0 where `timed` is false. */
  readonly timeMs: Float64Array;
  readonly timed: boolean;
  /** 1 where the machine was not healthy; undefined without a label column. */
  readonly label: Uint8Array | undefined;
  /** What the label column holds on anomalous rows. */
  readonly kinds: readonly string[];
  /** By column: cells that are empty or say that there is no value, and cells that hold something else than a number. Both are NaN in `values`. */
  readonly missing: readonly number[];
  readonly unreadable: readonly number[];
  /** By column: the first of the cells that hold something else. */
  readonly words: readonly (StrayWord | undefined)[];
  /** Rows earlier than one before them (sorted), and rows with the time of one before them (averaged into it; anomalous where one is). */
  readonly unordered: number;
  readonly duplicates: number;
  /** A table without a header whose lines were channels. */
  readonly transposed: boolean;
}

export interface StrayWord {
  readonly line: number;
  readonly cell: string;
}

const defaultRowMs = 1000;
/** No text has them: a file in UTF-16, or something else altogether. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const notText = /[\u0000-\u0008\u000e-\u001a]/;

/**
 * Reads a recording: CSV with a header, whose separator is found, or a table of numbers without one (columns x1, x2, …) whose shape says which way it lies.
 * A stray word among numbers is a missing value and counted; a column of words, or without any number, throws FETTLE_CSV_INVALID with file, line and column.
 */
export async function readRecording(file: string, options: RecordingOptions): Promise<LabelledRecording> {
  let dialect: CsvDialect | undefined;
  let table: RecordingTable | undefined;
  const plain = new HeaderlessTable(file);
  let last = 0;
  await eachLine(file, (text, line) => {
    const first = dialect === undefined;
    if (first && notText.test(text)) throw csvInvalid(file, line, 'is not text', 'save it as CSV in UTF-8');
    dialect ??= CsvDialect.of(text);
    const cells = dialect.cells(text);
    last = line;
    if (table !== undefined) table.row(cells, line);
    else if (first && dialect.isHeader(cells)) {
      table = new RecordingTable(file, cells, dialect, options);
    } else plain.add(cells, line);
  });
  if (dialect === undefined) throw csvInvalid(file, 1, 'is empty');
  if (table !== undefined) return table.end(last, false);
  const { names, rows, transposed } = plain.end();
  const read = new RecordingTable(file, names, dialect, options);
  // A transposed row is a column of the file: line 1 is as good as any.
  for (const [i, row] of rows.entries()) read.row(row, transposed ? 1 : i + 1);
  return read.end(last, transposed);
}

interface Channel {
  readonly index: number;
  readonly values: number[];
  missing: number;
  unreadable: number;
  /** The first cell that holds no number. */
  word: StrayWord | undefined;
}

class RecordingTable {
  readonly #file: string;
  readonly #names: readonly string[];
  readonly #dialect: CsvDialect;
  readonly #rowMs: number;
  readonly #time: number;
  readonly #label: number;
  readonly #times: number[] = [];
  readonly #labels = new LabelColumn();
  readonly #channels: readonly Channel[];
  #rows = 0;

  constructor(file: string, header: readonly string[], dialect: CsvDialect, { time, label, ignore, rowMs, mayLack }: RecordingOptions) {
    const names = header.map((name, i) => (name === '' ? `x${i + 1}` : name));
    const columns = `its columns are ${names.join(', ')}`;
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw csvInvalid(file, 1, `has two columns "${twice}"`);
    const optional = [...(label === undefined ? [] : [label]), ...ignore];
    const needed = [...(time === undefined ? [] : [time]), ...(mayLack === true ? [] : optional)];
    const lacking = needed.find((name) => !names.includes(name));
    if (lacking !== undefined) throw csvInvalid(file, 1, `has no column "${lacking}"`, columns);
    const left = new Set([time, ...optional]);
    this.#file = file;
    this.#names = names;
    this.#dialect = dialect;
    this.#rowMs = rowMs ?? defaultRowMs;
    this.#time = time === undefined ? -1 : names.indexOf(time);
    this.#label = label === undefined ? -1 : names.indexOf(label);
    this.#channels = [...names.keys()]
      .filter((index) => !left.has(names[index]))
      .map((index) => ({ index, values: [], missing: 0, unreadable: 0, word: undefined }));
    if (this.#channels.length === 0) throw csvInvalid(file, 1, 'has no column left to judge', columns);
  }

  row(cells: readonly string[], line: number): void {
    if (cells.length !== this.#names.length) {
      throw csvInvalid(this.#file, line, `has ${cells.length} cells, the header has ${this.#names.length}`);
    }
    this.#rows++;
    if (this.#time >= 0) this.#times.push(this.#timeOf(cells[this.#time] as string, line));
    if (this.#label >= 0) this.#labels.add(cells[this.#label] as string);
    for (const channel of this.#channels) {
      const cell = cells[channel.index] as string;
      const value = this.#dialect.number(cell);
      if (value !== undefined && Number.isNaN(value)) channel.missing++;
      else if (value === undefined || !Number.isFinite(value)) {
        channel.unreadable++;
        channel.word ??= { line, cell };
      }
      channel.values.push(value !== undefined && Number.isFinite(value) ? value : Number.NaN);
    }
  }

  end(lastLine: number, transposed: boolean): LabelledRecording {
    if (this.#rows === 0) throw csvInvalid(this.#file, lastLine, 'has a header and no rows');
    this.#refuseWords();
    const times = this.#time >= 0 ? Float64Array.from(this.#times) : Float64Array.from({ length: this.#rows }, (_, i) => i * this.#rowMs);
    const order = timeOrderOf(times);
    if (this.#time >= 0 && this.#rows > 1 && order.duplicates === this.#rows - 1)
      throw csvInvalid(
        this.#file,
        lastLine,
        `all ${this.#rows} rows have one time`,
        `is ${this.#names[this.#time]} the time? Without --time rows are steps`,
      );
    const labels = this.#label >= 0 ? this.#readLabels() : undefined;
    return {
      file: this.#file,
      columns: this.#channels.map(({ index }) => this.#names[index] as string),
      timeMs: meansOf(times, order),
      timed: this.#time >= 0,
      values: this.#channels.map(({ values }) => meansOf(values, order)),
      label: labels === undefined ? undefined : anyOf(labels.label, order),
      kinds: labels?.kinds ?? [],
      missing: this.#channels.map(({ missing }) => missing),
      unreadable: this.#channels.map(({ unreadable }) => unreadable),
      words: this.#channels.map(({ word }) => word),
      unordered: order.unordered,
      duplicates: order.duplicates,
      transposed,
    };
  }

  #timeOf(cell: string, line: number): number {
    const timeMs = parseTimestamp(cell);
    if (!Number.isNaN(timeMs)) return timeMs;
    const name = this.#names[this.#time];
    throw csvInvalid(this.#file, line, `"${cell}" in column ${name} is not a time`, 'write epoch s, ms, us or ns, or ISO 8601');
  }

  #readLabels(): Labels {
    const name = this.#names[this.#label];
    return this.#labels.end((message, hint) => csvInvalid(this.#file, 1, `label column ${name} ${message}`, hint));
  }

  /** Columns in which words outnumber numbers, and columns without a number. */
  #refuseWords(): void {
    const wordy = this.#channels.filter(({ unreadable, missing }) => unreadable >= this.#rows - missing - unreadable);
    const [first] = wordy;
    if (first === undefined) return;
    const found = wordy.map(
      ({ index, word }) => `${word === undefined ? 'no number' : JSON.stringify(word.cell)} in column ${this.#names[index]}`,
    );
    const names = wordy.map(({ index }) => this.#names[index] as string);
    const time = wordy.find(({ word }) => word !== undefined && !Number.isNaN(parseTimestamp(word.cell)));
    const hint =
      time === undefined || this.#time >= 0
        ? `leave out what is not measured with --ignore ${names.join(',')}`
        : `--time ${this.#names[time.index]} for the time; leave out what is not measured with --ignore`;
    throw csvInvalid(this.#file, first.word?.line ?? 1, `not a number: ${found.join(', ')}`, hint);
  }
}
