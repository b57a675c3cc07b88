import { type Matrix, matrix } from '../matrix.ts';
import { dequantized } from '../quantize.ts';
import { unpackBlocks } from '../quantize-blocks.ts';
import type { Layer } from './layers.ts';

/** What leaves each layer for rows `[rows, inputs]`, in float, with the weights as they ship. */
export function forward(layers: readonly Layer[], rows: Matrix): Matrix[] {
  const outputs: Matrix[] = [];
  layers.reduce((input, layer) => {
    const output = throughLayer(layer, input);
    outputs.push(output);
    return output;
  }, rows);
  return outputs;
}

export function throughLayer(layer: Layer, { rows, columns, values }: Matrix): Matrix {
  const { outputs, rectified } = layer;
  const weights = floatsOf(layer);
  const result = matrix(rows, outputs);
  for (let i = 0; i < rows; i++) {
    const to = i * outputs;
    for (let j = 0; j < columns; j++) {
      const value = values[i * columns + j] as number;
      if (value === 0) continue;
      for (let k = 0; k < outputs; k++)
        result.values[to + k] = (result.values[to + k] as number) + value * (weights[j * outputs + k] as number);
    }
    if (rectified) for (let k = to; k < to + outputs; k++) result.values[k] = Math.max(0, result.values[k] as number);
  }
  return result;
}

function floatsOf({ weights, outputs }: Layer): Float32Array {
  if (weights instanceof Float32Array) return weights;
  return 'block' in weights ? unpackBlocks(weights) : dequantized(weights, outputs);
}
