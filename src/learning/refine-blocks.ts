import { type Matrix, matrix } from './matrix.ts';
import { type BlockMatrix, type BlockWeights, packBlocks, unpackBlocks } from './quantize-blocks.ts';
import type { LinearWeights } from './training/linear-family.ts';

const turns = 3;
const sweeps = 3;
/**
 * Weight of directions the learning rows never took, as a share of the mean direction's: a fault takes them, and there too the few bits have to do what the float network does.
 */
const elsewhere = 0.3;

/**
 * Tunes rounded weights by what the float network makes of the rows (distillation): level after level and scale after scale, encoder and decoder in turns, each set to what
 * brings the product of both nearest to the float product, over the learning rows and a little beyond. Coordinate descent on the levels themselves: no gradient has to be made up for the
 * rounding, and no step makes it worse.
 */
export function refineBlocks(rounded: BlockWeights, { encoder, decoder, width, rank }: LinearWeights, centred: Float32Array): BlockWeights {
  const inputs = inputsOf(centred, width);
  const product = multiply(floats(encoder, width, rank), floats(decoder, rank, width));
  const wanted = multiply(inputs, product);
  const [first, second] = [new Levels(rounded.encoder), new Levels(rounded.decoder)];
  const one = identity(width);
  for (let turn = 0; turn < turns; turn++) {
    const back = transposed(second.values());
    // min over E of tr((E D − T)ᵀ H (E D − T)): H E (D Dᵀ) = H T Dᵀ where it is reached.
    let moved = first.descend(inputs, multiply(transposed(back), back), multiply(wanted, back), sweeps);
    const code = first.values();
    const coded = multiply(inputs, code);
    moved += second.descend(multiply(transposed(code), coded), one, multiply(transposed(code), wanted), sweeps);
    if (moved === 0) break;
  }
  return { encoder: first.packed(), decoder: second.packed() };
}

/** A rounded matrix that can be changed level by level. */
class Levels {
  readonly #matrix: BlockMatrix;
  readonly #levels: Int8Array;
  readonly #scale: Float64Array;
  readonly #blocks: number;

  constructor(rounded: BlockMatrix) {
    const { rows, columns, block, scale } = rounded;
    this.#matrix = rounded;
    this.#blocks = Math.ceil(rows / block);
    this.#scale = Float64Array.from(scale);
    const values = unpackBlocks(rounded);
    this.#levels = Int8Array.from(values, (value, at) => Math.round(value / (scale[this.#scaleAt(at, columns)] as number)));
  }

  #scaleAt(at: number, columns = this.#matrix.columns): number {
    return (at % columns) * this.#blocks + Math.floor(Math.floor(at / columns) / this.#matrix.block);
  }

  values(): Matrix {
    const { rows, columns } = this.#matrix;
    return matrix(
      rows,
      columns,
      Float64Array.from(this.#levels, (level, at) => level * (this.#scale[this.#scaleAt(at)] as number)),
    );
  }

  packed(): BlockMatrix {
    return packBlocks(this.#matrix, this.#levels, Float32Array.from(this.#scale));
  }

  /** Lowers tr(Wᵀ A W P) − 2 tr(Bᵀ W) for positive A `[rows, rows]` and P `[columns, columns]`; returns how many levels moved. */
  descend(a: Matrix, p: Matrix, b: Matrix, most: number): number {
    const { rows, columns, block } = this.#matrix;
    // Column after column: Aᵀ = A and Pᵀ = P.
    const gradient = transposed(multiply(multiply(a, this.values()), p)).values;
    const target = transposed(b).values;
    for (let at = 0; at < gradient.length; at++) gradient[at] = (gradient[at] as number) - (target[at] as number);
    let moved = 0;
    for (let sweep = 0; sweep < most; sweep++) {
      let here = 0;
      for (let c = 0; c < columns; c++) {
        const column: Column = {
          a,
          curve: p.values[c * columns + c] as number,
          gradient: gradient.subarray(c * rows, (c + 1) * rows),
          change: new Float64Array(rows),
        };
        for (let from = 0; from < rows; from += block) here += this.#descendBlock(column, c, from, Math.min(rows, from + block));
        // What this column did to the others.
        for (let k = 0; k < columns; k++) {
          const across = p.values[c * columns + k] as number;
          if (k === c || across === 0) continue;
          for (let row = 0; row < rows; row++)
            gradient[k * rows + row] = (gradient[k * rows + row] as number) + across * (column.change[row] as number);
        }
      }
      moved += here;
      if (here === 0) break;
    }
    return moved;
  }

  /** First the best scale for the levels, then for each level the one that is best beside the others. */
  #descendBlock(column: Column, c: number, from: number, to: number): number {
    const { rows, columns, bits } = this.#matrix;
    const { a, curve, gradient } = column;
    const zero = 2 ** (bits - 1);
    const levels = this.#levels;
    let slope = 0;
    let curvature = 0;
    for (let j = from; j < to; j++) {
      const level = levels[j * columns + c] as number;
      if (level === 0) continue;
      slope += level * (gradient[j] as number);
      for (let i = from; i < to; i++) curvature += level * (a.values[j * rows + i] as number) * (levels[i * columns + c] as number);
    }
    const at = this.#scaleAt(from * columns + c);
    if (curvature > 0) {
      const by = -slope / (curvature * curve);
      this.#scale[at] = (this.#scale[at] as number) + by;
      for (let j = from; j < to; j++) move(column, j, by * (levels[j * columns + c] as number));
    }
    const step = this.#scale[at] as number;
    if (step === 0) return 0;
    let moved = 0;
    for (let j = from; j < to; j++) {
      const level = levels[j * columns + c] as number;
      const best = level - (gradient[j] as number) / ((a.values[j * rows + j] as number) * curve * step);
      const next = Math.max(-zero, Math.min(zero - 1, Math.round(best)));
      if (next === level) continue;
      move(column, j, (next - level) * step);
      levels[j * columns + c] = next;
      moved++;
    }
    return moved;
  }
}

/** A column of W while it moves: its gradient, and A times what it moved by. */
interface Column {
  readonly a: Matrix;
  readonly curve: number;
  readonly gradient: Float64Array;
  readonly change: Float64Array;
}

function move({ a, curve, gradient, change }: Column, row: number, by: number): void {
  if (by === 0) return;
  const from = row * a.columns;
  for (let i = 0; i < change.length; i++) {
    const moved = by * (a.values[from + i] as number);
    change[i] = (change[i] as number) + moved;
    gradient[i] = (gradient[i] as number) + curve * moved;
  }
}

/** Mean of the products of columns, and `elsewhere` of their mean for every direction. */
function inputsOf(centred: Float32Array, width: number): Matrix {
  const rows = centred.length / width;
  const product = matrix(width, width);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < width; j++) {
      const value = (centred[i * width + j] as number) / rows;
      for (let k = 0; k < width; k++)
        product.values[j * width + k] = (product.values[j * width + k] as number) + value * (centred[i * width + k] as number);
    }
  }
  let trace = 0;
  for (let j = 0; j < width; j++) trace += product.values[j * width + j] as number;
  for (let j = 0; j < width; j++)
    product.values[j * width + j] = (product.values[j * width + j] as number) + (elsewhere * trace) / width + 1e-12;
  return product;
}

const floats = (values: ArrayLike<number>, rows: number, columns: number): Matrix => matrix(rows, columns, Float64Array.from(values));

function identity(size: number): Matrix {
  const one = matrix(size, size);
  for (let i = 0; i < size; i++) one.values[i * size + i] = 1;
  return one;
}

function transposed({ rows, columns, values }: Matrix): Matrix {
  const result = matrix(columns, rows);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result.values[j * rows + i] = values[i * columns + j] as number;
  return result;
}

function multiply(a: Matrix, b: Matrix): Matrix {
  const result = matrix(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.columns; k++) {
      const value = a.values[i * a.columns + k] as number;
      if (value === 0) continue;
      for (let j = 0; j < b.columns; j++)
        result.values[i * b.columns + j] = (result.values[i * b.columns + j] as number) + value * (b.values[k * b.columns + j] as number);
    }
  }
  return result;
}
