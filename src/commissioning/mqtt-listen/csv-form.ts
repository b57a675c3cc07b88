import { splitCells } from '../../sources/mqtt/dialects/csv.ts';
import { type Leaf, stepTo } from './leaf.ts';
import { recogniseTime } from './time-stamp.ts';

/** How lines of cells are written. */
export interface CsvForm {
  readonly separator: string;
  /** Where each message brings one. */
  readonly header: readonly string[] | undefined;
  readonly columnCount: number;
  readonly rows: readonly (readonly string[])[];
}

const separators = [';', '\t', '|', ','] as const;

/** Lines of the same number of cells, some of them numbers; undefined for any other text. */
export function readCsv(text: string, isNumber: (text: string) => boolean): CsvForm | undefined {
  const lines = text.split(/\r\n|\n|\r/).filter((line) => line.trim() !== '');
  for (const separator of separators) {
    const cells = lines.map((line) => splitCells(line, separator)?.map((cell) => cell.trim()));
    for (const line of cells) if (line !== undefined && line.length > 2 && line.at(-1) === '') line.pop();
    const columnCount = cells[0]?.length ?? 0;
    if (columnCount < 2 || cells.some((line) => line?.length !== columnCount)) continue;
    const all = cells as string[][];
    const isValue = (cell: string): boolean => cell !== '' && (isNumber(cell) || recogniseTime(cell, Date.now()) !== undefined);
    const [first = [], ...rest] = all;
    const hasHeader = rest.length > 0 && !first.some((cell) => cell === '' || isValue(cell)) && new Set(first).size === first.length;
    const rows = hasHeader ? rest : all;
    if (rows.some((row) => row.some(isValue))) return { separator, header: hasHeader ? first : undefined, columnCount, rows };
  }
  return undefined;
}

const mostRows = 64;

/** The columns, by header or by position; of several lines all cells of one. */
export function csvLeaves({ header, rows, columnCount }: CsvForm): Leaf[] {
  return Array.from({ length: columnCount }, (_, i) => i).flatMap((i): Leaf[] => {
    const name = header?.[i];
    const path = name === undefined ? `[${i}]` : stepTo(name);
    const cells = rows.slice(-mostRows).flatMap((row) => (row[i] === '' ? [] : [row[i] as string]));
    if (path === undefined || cells.length === 0) return [];
    return [{ path: `$${path}`, name: name ?? `column-${i}`, value: rows.length === 1 ? cells[0] : cells }];
  });
}
