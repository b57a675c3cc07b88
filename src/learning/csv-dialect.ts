const separators = [';', ',', '\t'];
const empty = /^(?:|nan|null|none|n\/a|na|-)$/i;

/** How a file separates cells and writes numbers, told by its header. */
export class CsvDialect {
  readonly #separator: string;

  private constructor(separator: string) {
    this.#separator = separator;
  }

  /** The separator that makes the most columns. */
  static of(header: string): CsvDialect {
    const widths = separators.map((separator) => splitQuoted(header, separator).length);
    return new CsvDialect(separators[widths.indexOf(Math.max(...widths))] as string);
  }

  cells(line: string): string[] {
    const cells = line.includes('"') ? splitQuoted(line, this.#separator) : line.split(this.#separator);
    return cells.map((cell) => cell.trim());
  }

  /** NaN where the cell says that there is none; undefined where it holds something else. A decimal comma is understood where it separates no cells. */
  number(cell: string): number | undefined {
    if (empty.test(cell)) return Number.NaN;
    const value = Number(this.#separator === ',' ? cell : cell.replace(',', '.'));
    return Number.isNaN(value) ? undefined : value;
  }
}

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
