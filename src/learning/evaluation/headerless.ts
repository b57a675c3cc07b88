import { csvInvalid } from '../text-lines.ts';

/** A line with this many times more or fewer numbers than there are lines shows which way a table without a header lies. */
const clearRatio = 2;

/** Lines of numbers without a header → rows in order of time; the columns are named `x1`, `x2`, …. */
export class HeaderlessTable {
  readonly #file: string;
  readonly #lines: (readonly string[])[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  add(cells: readonly string[], line: number): void {
    const width = this.#lines[0]?.length ?? cells.length;
    if (cells.length !== width) throw csvInvalid(this.#file, line, `has ${cells.length} numbers, the first line has ${width}`);
    this.#lines.push(cells);
  }

  /** Throws FETTLE_CSV_INVALID where lines may be samples as well as channels. */
  end(): { readonly names: readonly string[]; readonly rows: readonly (readonly string[])[]; readonly transposed: boolean } {
    const lines = this.#lines.length;
    const width = this.#lines[0]?.length ?? 0;
    const transposed = width >= clearRatio * lines;
    if (!transposed && lines < clearRatio * width) {
      throw csvInvalid(
        this.#file,
        1,
        `holds ${lines} lines of ${width} numbers and no header: lines may be samples or channels`,
        'put the names of the columns in the first line; the lines below are then samples in order of time',
      );
    }
    const rows = transposed ? Array.from({ length: width }, (_, i) => this.#lines.map((line) => line[i] as string)) : this.#lines;
    return { names: Array.from({ length: transposed ? lines : width }, (_, i) => `x${i + 1}`), rows, transposed };
  }
}
