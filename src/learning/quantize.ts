import { type Matrix, matrix, solveSymmetric } from './matrix.ts';

/**
 * The network of homogeneous INT8 (DETECTOR 3.8): it sees only rows divided by their largest absolute value, so no input can leave the ranges found here.
 * `encoder` `[width, rank]` and `decoder` `[rank, width]` are int8 with one scale an output column; the code of rank is u8 with `codeScale`.
 */
export interface QuantizedWeights {
  readonly width: number;
  readonly rank: number;
  readonly encoder: Int8Array;
  readonly encoderScale: Float32Array;
  readonly decoder: Int8Array;
  readonly decoderScale: Float32Array;
  readonly codeScale: number;
}

/** u8 with zero at 128 over [-1, 1]. */
export const inputScale = 1 / 127;
/** Seven bits: products of u8 and s8 are added in pairs of 16 bits on CPUs without VNNI, and eight would saturate there. */
const largestWeight = 63;
/** Unseen rows may excite a component more than the learning rows did. */
const headRoom = 2;

/** `unit`: the learning rows, each divided by its largest absolute value, `[rows, width]`. */
export function quantizeLinear(encoder: Float32Array, decoder: Float32Array, unit: Matrix, rank: number): QuantizedWeights {
  const { columns: width, rows } = unit;
  // Components are scaled to the same range, so that one scale for the whole code serves the weakest as well as the strongest.
  const code = codes(unit, encoder, rank);
  const range = new Float64Array(rank).fill(1e-12);
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < rank; k++) range[k] = Math.max(range[k] as number, Math.abs(code.values[i * rank + k] as number));
  const even = Float32Array.from(encoder, (value, at) => value / (range[at % rank] as number));
  const quantizedEncoder = quantizeColumns(even, width, rank);
  // The decoder is fitted anew to what the quantized encoder gives.
  const seen = codes(unit, dequantized(quantizedEncoder, rank), rank);
  const fitted = fitDecoder(seen, unit) ?? Float64Array.from(decoder, (value, at) => value * (range[Math.floor(at / width)] as number));
  const quantizedDecoder = quantizeColumns(Float32Array.from(fitted), rank, width);
  return {
    width,
    rank,
    encoder: quantizedEncoder.values,
    encoderScale: quantizedEncoder.scale,
    decoder: quantizedDecoder.values,
    decoderScale: quantizedDecoder.scale,
    codeScale: headRoom / 127,
  };
}

/** Each row divided by its largest absolute value. */
export function unitRows({ rows, columns, values }: Matrix): Matrix {
  const unit = matrix(rows, columns);
  for (let i = 0; i < rows; i++) {
    let largest = 1e-12;
    for (let j = 0; j < columns; j++) largest = Math.max(largest, Math.abs(values[i * columns + j] as number));
    for (let j = 0; j < columns; j++) unit.values[i * columns + j] = (values[i * columns + j] as number) / largest;
  }
  return unit;
}

function codes(unit: Matrix, encoder: ArrayLike<number>, rank: number): Matrix {
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
function fitDecoder(code: Matrix, unit: Matrix): Float64Array | undefined {
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

function quantizeColumns(values: Float32Array, rows: number, columns: number): { values: Int8Array; scale: Float32Array } {
  const scale = new Float32Array(columns).fill(1e-12);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) scale[j] = Math.max(scale[j] as number, Math.abs(values[i * columns + j] as number) / largestWeight);
  return { scale, values: Int8Array.from(values, (value, at) => Math.round(value / (scale[at % columns] as number))) };
}

const dequantized = ({ values, scale }: { values: Int8Array; scale: Float32Array }, columns: number): Float32Array =>
  Float32Array.from(values, (value, at) => value * (scale[at % columns] as number));
