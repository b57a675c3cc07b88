import type { Channel, Intake } from '../intake.ts';
import type { PayloadReader } from './dialect.ts';

/** Name in the header, or position from 0. */
export type Column = string | number;

export interface CsvRules {
  readonly separator: 'auto' | string;
  /** Names of the columns where the messages bring no header. */
  readonly columns: readonly string[] | undefined;
  readonly decimalComma: boolean;
  /** Whether a cell is a value, or says that there is none. */
  readonly isNumber: (text: string) => boolean;
}

interface WantedColumn {
  readonly channel: Channel;
  readonly column: Column;
}

/** Lines of values. A line with more or fewer cells than the first is not read: its values may stand in the wrong columns. */
export function csvReader(wanted: readonly WantedColumn[], time: Column | undefined, rules: CsvRules): PayloadReader {
  const columns: Column[] = [...wanted.map(({ column }) => column), ...(time === undefined ? [] : [time])];
  const isByName = columns.some((column) => typeof column === 'string');
  return (text, intake) => {
    const lines = text.split(/\r\n|\n|\r/).filter((line) => line.trim() !== '');
    const [first] = lines;
    if (first === undefined) return intake.reject('empty');
    const separator = rules.separator === 'auto' ? findSeparator(first, columns, rules) : rules.separator;
    const head = splitCells(first, separator);
    if (head === undefined) return intake.reject('a quotation mark is not closed');
    let names = rules.columns;
    let isHeader = names !== undefined && head.length === names.length && head.every((cell, i) => cell.trim() === names?.[i]);
    if (isByName && names === undefined) {
      names = head.map((cell) => cell.trim());
      isHeader = true;
    }
    const at = (column: Column): number => (typeof column === 'number' ? column : (names?.indexOf(column) ?? -1));
    const absent = columns.filter((column) => at(column) < 0 || at(column) >= (names ?? head).length);
    if (absent.length === columns.length || (time !== undefined && absent.includes(time) && isByName))
      return intake.reject(`no column ${absent.map((column) => JSON.stringify(column)).join(', ')}`);
    if (
      isByName &&
      names !== undefined &&
      columns.some((column) => typeof column === 'string' && names.indexOf(column) !== names.lastIndexOf(column))
    )
      return intake.reject('two columns have one name');
    const body = lines.slice(isHeader || (!isByName && looksLikeHeader(head, wanted, lines.length, rules)) ? 1 : 0);
    if (body.length === 0) return intake.reject('a header without lines');
    const width = names?.length ?? head.length;
    for (const line of body) readLine(line, width, intake);

    function readLine(line: string, cellCount: number, into: Intake): void {
      const cells = splitCells(line, separator);
      // One separator too many at the end is a habit of many devices.
      if (cells !== undefined && cells.length === cellCount + 1 && cells.at(-1)?.trim() === '') cells.pop();
      if (cells === undefined || cells.length !== cellCount) {
        into.reject(`a line has ${cells?.length ?? 'broken'} cells, not ${cellCount}`);
        return;
      }
      const timeMs = into.timeOf(time === undefined ? undefined : cells[at(time)]?.trim(), body.length > 1);
      if (Number.isNaN(timeMs)) return;
      for (const { channel, column } of wanted) {
        const cell = cells[at(column)];
        // Empty: nothing was measured in this line.
        if (cell !== undefined && cell.trim() !== '') into.put(channel, timeMs, cell);
      }
    }
  };
}

const separators = [';', '\t', '|', ','] as const;

/** The one that gives all the columns, and the most cells. A comma last, and never where numbers have decimal commas. */
function findSeparator(line: string, columns: readonly Column[], { columns: names, decimalComma }: CsvRules): string {
  const needed = names?.length ?? Math.max(1, ...columns.map((column) => (typeof column === 'number' ? column + 1 : 1)));
  let best: { separator: string; points: number } = { separator: decimalComma ? ';' : ',', points: 0 };
  for (const separator of separators) {
    if (separator === ',' && decimalComma) continue;
    const cells = splitCells(line, separator)?.map((cell) => cell.trim());
    if (cells === undefined || cells.length < needed || cells.length < 2) continue;
    const found = columns.filter((column) => typeof column === 'string' && cells.includes(column)).length;
    const points = found * 1000 + (names !== undefined && cells.length === names.length ? 500 : 0) + (separator === ',' ? 1 : 2);
    if (points > best.points) best = { separator, points };
  }
  return best.separator;
}

/** Where columns go by position, a first line of words is no line of values. */
const looksLikeHeader = (head: readonly string[], wanted: readonly WantedColumn[], lineCount: number, { isNumber }: CsvRules): boolean =>
  lineCount > 1 &&
  wanted.every(({ column }) => /^["'\p{L}_]/u.test(head[column as number] ?? '') && !isNumber(head[column as number] ?? ''));

/** RFC 4180: a cell in quotation marks may hold the separator, and quotation marks twice. Undefined where one is not closed. */
export function splitCells(line: string, separator: string): string[] | undefined {
  if (!line.includes('"')) return line.split(separator);
  const cells: string[] = [];
  let from = 0;
  for (;;) {
    if (line[from] !== '"') {
      const end = line.indexOf(separator, from);
      cells.push(line.slice(from, end < 0 ? undefined : end));
      if (end < 0) return cells;
      from = end + 1;
      continue;
    }
    let cell = '';
    let end = from + 1;
    for (;;) {
      const quote = line.indexOf('"', end);
      if (quote < 0) return undefined;
      cell += line.slice(end, quote);
      end = quote + 1;
      if (line[end] !== '"') break;
      cell += '"';
      end++;
    }
    cells.push(cell);
    if (end >= line.length) return cells;
    if (line[end] !== separator) return undefined;
    from = end + 1;
  }
}
