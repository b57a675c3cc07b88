import { type Matrix, matrix, solveSymmetric } from './matrix.ts';
import { codesOf, fitDecoder } from './quantize.ts';
import type { LinearWeights } from './training/linear-family.ts';

export type FewBits = 4 | 2;

/**
 * A matrix `[rows, columns]` in a few bits: each column in blocks of `block` rows with a scale of their own, levels 0 … 2^bits − 1 about 2^(bits − 1), packed as `MatMulNBits` of ONNX Runtime
 * wants them (`[columns, blocks, block · bits / 8]`, the first in the lowest bits).
 */
export interface BlockMatrix {
  readonly bits: FewBits;
  readonly block: number;
  readonly rows: number;
  readonly columns: number;
  readonly packed: Uint8Array;
  /** `[columns, blocks]` */
  readonly scale: Float32Array;
}

/** The network of a linear autoencoder in a few bits; its arithmetic is float, so nothing can clip (DETECTOR 3.8). */
export interface BlockWeights {
  readonly encoder: BlockMatrix;
  readonly decoder: BlockMatrix;
}

/** A scale a block costs 32 bits: large matrices can afford long blocks, small ones need short ones more than they need the bytes. */
const blockFor = (rows: number, bits: FewBits): number => (rows >= 512 ? 128 : bits === 4 ? 32 : 16);
const scalesTried = 12;
const turns = 4;
/** Share of the mean diagonal added to the Gram matrix, as in the paper. */
const dampening = 0.01;

/**
 * `centred`: learning rows, `[rows, width]`. Each matrix is rounded so that its product with what it will meet changes least, the decoder fitted to the codes that come and the encoder to
 * the decoder that came of it, in turns; the pair that reconstructs the rows best is kept.
 */
export function quantizeLinearBlocks({ encoder, decoder, width, rank }: LinearWeights, centred: Float32Array, bits: FewBits): BlockWeights {
  const rows = matrix(centred.length / width, width, Float64Array.from(centred));
  const inputs = gram(rows);
  let wanted: ArrayLike<number> = encoder;
  let best: { readonly error: number; readonly weights: BlockWeights } | undefined;
  for (let turn = 0; turn < turns; turn++) {
    const roundedEncoder = roundBlocks(wanted, width, rank, bits, inputs);
    const code = codesOf(rows, unpackBlocks(roundedEncoder), rank);
    const roundedDecoder = roundBlocks(fitDecoder(code, rows) ?? decoder, rank, width, bits, gram(code));
    const back = unpackBlocks(roundedDecoder);
    const error = squaredError(codesOf(code, back, width), rows);
    if (best === undefined || error < best.error) best = { error, weights: { encoder: roundedEncoder, decoder: roundedDecoder } };
    const next = bestEncoder(back, rank, width);
    if (next === undefined) break;
    wanted = next;
  }
  return (best as { readonly weights: BlockWeights }).weights;
}

/** For a decoder D `[rank, width]` the encoder that reconstructs best: Dᵀ (D Dᵀ)⁻¹. */
function bestEncoder(decoder: Float32Array, rank: number, width: number): Float64Array | undefined {
  const product = matrix(rank, rank);
  for (let a = 0; a < rank; a++)
    for (let b = 0; b < rank; b++)
      for (let j = 0; j < width; j++)
        product.values[a * rank + b] =
          (product.values[a * rank + b] as number) + (decoder[a * width + j] as number) * (decoder[b * width + j] as number);
  for (let a = 0; a < rank; a++) product.values[a * rank + a] = (product.values[a * rank + a] as number) * (1 + 1e-3) + 1e-9;
  try {
    const solved = solveSymmetric(product, matrix(rank, width, Float64Array.from(decoder))).values;
    return Float64Array.from({ length: width * rank }, (_, at) => solved[(at % rank) * width + Math.floor(at / rank)] as number);
  } catch {
    return undefined;
  }
}

function squaredError(a: Matrix, b: Matrix): number {
  return a.values.reduce((sum, value, at) => sum + (value - (b.values[at] as number)) ** 2, 0);
}

/**
 * Rounds a matrix `[rows, columns]` row by row; the error of a row is made up for by the rows that are still to come, as far as the inputs (`inputs`: their Gram matrix) allow:
 * GPTQ (Frantar et al. 2023, algorithm 1). Without `inputs` every value is rounded for itself: what is left for matrices too large for a Gram matrix of theirs.
 */
export function roundBlocks(
  values: ArrayLike<number>,
  rows: number,
  columns: number,
  bits: FewBits,
  inputs?: Matrix,
  block = blockFor(rows, bits),
): BlockMatrix {
  const blocks = Math.ceil(rows / block);
  const zero = 2 ** (bits - 1);
  const levels = new Int8Array(rows * columns);
  const scale = new Float32Array(columns * blocks);
  const left = Float64Array.from({ length: rows * columns }, (_, at) => values[at] as number);
  const inverse = inputs && inverseFactor(inputs);
  for (let row = 0; row < rows; row++) {
    const inBlock = row % block;
    const b = Math.floor(row / block);
    const diagonal = inverse?.values[row * rows + row] as number;
    for (let c = 0; c < columns; c++) {
      if (inBlock === 0) scale[c * blocks + b] = bestScale(left, columns, c, row, Math.min(rows, row + block), zero);
      const step = scale[c * blocks + b] as number;
      const value = left[row * columns + c] as number;
      const level = Math.max(-zero, Math.min(zero - 1, Math.round(value / step)));
      levels[row * columns + c] = level;
      if (inverse === undefined) continue;
      const error = (value - level * step) / diagonal;
      for (let later = row + 1; later < rows; later++)
        left[later * columns + c] = (left[later * columns + c] as number) - error * (inverse.values[row * rows + later] as number);
    }
  }
  return packBlocks({ bits, block, rows, columns }, levels, scale);
}

/** `levels`: `[rows, columns]`, −2^(bits − 1) … 2^(bits − 1) − 1; `scale`: `[columns, blocks]`. */
export function packBlocks(
  { bits, block, rows, columns }: Pick<BlockMatrix, 'bits' | 'block' | 'rows' | 'columns'>,
  levels: ArrayLike<number>,
  scale: Float32Array,
): BlockMatrix {
  const blocks = Math.ceil(rows / block);
  const blockBytes = (block * bits) / 8;
  const zero = 2 ** (bits - 1);
  const packed = new Uint8Array(columns * blocks * blockBytes);
  for (let c = 0; c < columns; c++) {
    for (let row = 0; row < blocks * block; row++) {
      // What is not a row of the matrix is 0, which is the level `zero`.
      const level = row < rows ? (levels[row * columns + c] as number) : 0;
      const bit = (row % block) * bits;
      const at = (c * blocks + Math.floor(row / block)) * blockBytes + (bit >> 3);
      packed[at] = (packed[at] as number) | ((level + zero) << (bit & 7));
    }
  }
  return { bits, block, rows, columns, packed, scale };
}

export function unpackBlocks({ bits, block, rows, columns, packed, scale }: BlockMatrix): Float32Array {
  const blocks = Math.ceil(rows / block);
  const blockBytes = (block * bits) / 8;
  const zero = 2 ** (bits - 1);
  const values = new Float32Array(rows * columns);
  for (let c = 0; c < columns; c++) {
    for (let row = 0; row < rows; row++) {
      const b = Math.floor(row / block);
      const bit = (row % block) * bits;
      const level = ((packed[(c * blocks + b) * blockBytes + (bit >> 3)] as number) >> (bit & 7)) & (2 ** bits - 1);
      values[row * columns + c] = (level - zero) * (scale[c * blocks + b] as number);
    }
  }
  return values;
}

/** The step with the least squared error over a block of a column. There is one level more below zero than above: the sign of the step decides which side gets it. */
function bestScale(values: Float64Array, columns: number, c: number, from: number, to: number, zero: number): number {
  let most = 0;
  let largest = 0;
  for (let row = from; row < to; row++) {
    const value = values[row * columns + c] as number;
    if (Math.abs(value) > most) [most, largest] = [Math.abs(value), value];
  }
  if (most === 0) return 1e-12;
  let best = { error: Number.POSITIVE_INFINITY, step: 1 };
  for (let i = 0; i < scalesTried; i++) {
    const step = (-largest / zero) * (1 - (0.6 * i) / scalesTried);
    let error = 0;
    for (let row = from; row < to; row++) {
      const value = values[row * columns + c] as number;
      const level = Math.max(-zero, Math.min(zero - 1, Math.round(value / step)));
      error += (value - level * step) ** 2;
    }
    if (error < best.error) best = { error, step };
  }
  return best.step;
}

/** Mean of the products of columns, dampened. */
export function gram({ rows, columns, values }: Matrix): Matrix {
  const product = matrix(columns, columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const a = values[i * columns + j] as number;
      for (let k = 0; k < columns; k++)
        product.values[j * columns + k] = (product.values[j * columns + k] as number) + (a * (values[i * columns + k] as number)) / rows;
    }
  }
  let trace = 0;
  for (let j = 0; j < columns; j++) trace += product.values[j * columns + j] as number;
  for (let j = 0; j < columns; j++)
    product.values[j * columns + j] = (product.values[j * columns + j] as number) + (dampening * trace) / columns + 1e-12;
  return product;
}

/** Upper triangular U with UᵀU the inverse of a positive matrix. */
function inverseFactor(of: Matrix): Matrix {
  const n = of.rows;
  const identity = matrix(n, n);
  for (let i = 0; i < n; i++) identity.values[i * n + i] = 1;
  const inverse = solveSymmetric(of, identity).values;
  const factor = matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = i; j < n; j++) {
      let sum = ((inverse[i * n + j] as number) + (inverse[j * n + i] as number)) / 2;
      for (let k = 0; k < i; k++) sum -= (factor.values[k * n + i] as number) * (factor.values[k * n + j] as number);
      factor.values[i * n + j] = i === j ? Math.sqrt(Math.max(1e-18, sum)) : sum / (factor.values[i * n + i] as number);
    }
  }
  return factor;
}
