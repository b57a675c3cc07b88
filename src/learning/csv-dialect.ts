const separators = [';', ',', '\t'];
const blanks = /[ \t]+/;
const empty = /^(?:|nan|null|none|n\/a|na|-)$/i;

/** How a file separates cells and writes numbers, told by its first line. */
export class CsvDialect {
  readonly #separator: string | RegExp;

  private constructor(separator: string | RegExp) {
    this.#separator = separator;
  }

  /** The separator that makes the most columns; blanks only between numbers, as names may hold them. */
  static of(firstLine: string): CsvDialect {
    const widths = separators.map((separator) => splitQuoted(firstLine, separator).length);
    const blank = new CsvDialect(blanks);
    if (Math.max(...widths) === 1 && blank.#areNumbers(blank.cells(firstLine))) return blank;
    return new CsvDialect(separators[widths.indexOf(Math.max(...widths))] as string);
  }

  cells(line: string): string[] {
    const separator = this.#separator;
    if (typeof separator !== 'string') return line.trim().split(separator);
    const cells = line.includes('"') ? splitQuoted(line, separator) : line.split(separator);
    return cells.map((cell) => cell.trim());
  }

  /** Whether a first line holds names. Some are numbers: 0, 1, 2, … or 1, 2, 3, … with separators between. */
  isHeader(cells: readonly string[]): boolean {
    return !this.#areNumbers(cells) || (this.#separator !== blanks && cells.length > 1 && countsUp(cells));
  }

  #areNumbers(cells: readonly string[]): boolean {
    const numbers = cells.map((cell) => this.number(cell));
    return numbers.every((number) => number !== undefined) && numbers.some(Number.isFinite);
  }

  /** NaN where the cell says that there is none; undefined where it holds something else. A decimal comma is understood where it separates no cells. */
  number(cell: string): number | undefined {
    if (empty.test(cell)) return Number.NaN;
    const value = Number(this.#separator === ',' ? cell : cell.replace(',', '.'));
    return Number.isNaN(value) ? undefined : value;
  }
}

const countsUp = (cells: readonly string[]): boolean =>
  (cells[0] === '0' || cells[0] === '1') && cells.every((cell, i) => cell === String(i + Number(cells[0])));

/** RFC 4180: a quoted cell may hold separators, and a doubled quote is one. Cells over several lines are not taken. */
function splitQuoted(line: string, separator: string): string[] {
  const cells: string[] = [];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const character = line[i] as string;
    if (character === '"') {
      if (quoted && line[i + 1] === '"') cell += line[i++];
      else quoted = !quoted;
    } else if (character === separator && !quoted) {
      cells.push(cell);
      cell = '';
    } else cell += character;
  }
  return [...cells, cell];
}
