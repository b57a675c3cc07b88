import { type Matrix, matrix, solveSymmetric } from './matrix.ts';
import type { LinearWeights } from './training/linear-family.ts';

/** int8 with one scale an output column, row-major. */
export interface QuantizedMatrix {
  readonly values: Int8Array;
  readonly scale: Float32Array;
}

/**
 * The network of homogeneous INT8 (DETECTOR 3.8): `encoder` `[width, rank]` and `decoder` `[rank, width]`. What flows between them is brought to [-1, 1] row
 * by row, in the graph.
 */
export interface QuantizedWeights {
  readonly width: number;
  readonly rank: number;
  readonly encoder: QuantizedMatrix;
  readonly decoder: QuantizedMatrix;
}

/** Seven bits: products of u8 and s8 are added in pairs of 16 bits on CPUs without VNNI, and eight would saturate there. */
const largestWeight = 63;
/** `centred`: the learning rows, `[rows, width]`. */
export function quantizeLinear({ encoder, decoder, width, rank }: LinearWeights, centred: Float32Array): QuantizedWeights {
  const unit = unitRows(matrix(centred.length / width, width, Float64Array.from(centred)));
  const { rows } = unit;
  // Components are scaled to the same range, so that one scale for the whole code serves the weakest as well as the strongest.
  const code = codesOf(unit, encoder, rank);
  const range = new Float64Array(rank).fill(1e-12);
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < rank; k++) range[k] = Math.max(range[k] as number, Math.abs(code.values[i * rank + k] as number));
  const even = Float32Array.from(encoder, (value, at) => value / (range[at % rank] as number));
  const quantizedEncoder = quantizeColumns(even, width, rank);
  // The decoder is fitted anew to what the quantized encoder gives, on the rows themselves: on unit rows the small ones, where nothing happens, would rule.
  const rowsThemselves = matrix(rows, width, Float64Array.from(centred));
  const seen = codesOf(rowsThemselves, dequantized(quantizedEncoder, rank), rank);
  const fitted =
    fitDecoder(seen, rowsThemselves) ?? Float64Array.from(decoder, (value, at) => value * (range[Math.floor(at / width)] as number));
  const quantizedDecoder = quantizeColumns(Float32Array.from(fitted), rank, width);
  return { width, rank, encoder: quantizedEncoder, decoder: quantizedDecoder };
}

/** Each row divided by its largest absolute value. */
function unitRows({ rows, columns, values }: Matrix): Matrix {
  const unit = matrix(rows, columns);
  for (let i = 0; i < rows; i++) {
    let largest = 1e-12;
    for (let j = 0; j < columns; j++) largest = Math.max(largest, Math.abs(values[i * columns + j] as number));
    for (let j = 0; j < columns; j++) unit.values[i * columns + j] = (values[i * columns + j] as number) / largest;
  }
  return unit;
}

export function codesOf(unit: Matrix, encoder: ArrayLike<number>, rank: number): Matrix {
  const { rows, columns: width } = unit;
  const code = matrix(rows, rank);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < width; j++) {
      const value = unit.values[i * width + j] as number;
      for (let k = 0; k < rank; k++)
        code.values[i * rank + k] = (code.values[i * rank + k] as number) + value * (encoder[j * rank + k] as number);
    }
  }
  return code;
}

/** Least squares `code · D ≈ unit`, a little regularized; undefined when the codes are degenerate. */
export function fitDecoder(code: Matrix, unit: Matrix): Float64Array | undefined {
  const { rows, columns: rank } = code;
  const { columns: width } = unit;
  const gram = matrix(rank, rank);
  const target = matrix(rank, width);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < rank; k++) {
      const value = code.values[i * rank + k] as number;
      for (let l = 0; l < rank; l++)
        gram.values[k * rank + l] = (gram.values[k * rank + l] as number) + value * (code.values[i * rank + l] as number);
      for (let j = 0; j < width; j++)
        target.values[k * width + j] = (target.values[k * width + j] as number) + value * (unit.values[i * width + j] as number);
    }
  }
  for (let k = 0; k < rank; k++) gram.values[k * rank + k] = (gram.values[k * rank + k] as number) * (1 + 1e-6) + 1e-9;
  try {
    return solveSymmetric(gram, target).values;
  } catch {
    return undefined;
  }
}

export const quantizeColumns = (values: Float32Array, rows: number, columns: number): QuantizedMatrix =>
  quantizeAlong(values, [rows, columns], 1);

/** A scale for each place along `axis` of a tensor. */
export function quantizeAlong(values: Float32Array, shape: readonly number[], axis: number): QuantizedMatrix {
  const stride = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const places = shape[axis] as number;
  const placeOf = (at: number): number => Math.floor(at / stride) % places;
  const scale = new Float32Array(places).fill(1e-12);
  values.forEach((value, at) => {
    const place = placeOf(at);
    scale[place] = Math.max(scale[place] as number, Math.abs(value) / largestWeight);
  });
  return { scale, values: Int8Array.from(values, (value, at) => Math.round(value / (scale[placeOf(at)] as number))) };
}

export const dequantized = ({ values, scale }: QuantizedMatrix, columns: number): Float32Array =>
  Float32Array.from(values, (value, at) => value * (scale[at % columns] as number));
