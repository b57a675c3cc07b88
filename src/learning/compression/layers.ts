import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { blockProduct, quantizedLayer } from '../deployed-graph.ts';
import { type QuantizedMatrix, quantizeColumns } from '../quantize.ts';
import { type BlockMatrix, roundBlocks } from '../quantize-blocks.ts';

export type LayerPrecision = 'fp32' | 'int8' | 'int4' | 'int2';

/** A bias-free layer as it ships: `weights` `[inputs, outputs]`, then ReLU where `rectified`. */
export interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly rectified: boolean;
  readonly weights: Float32Array | QuantizedMatrix | BlockMatrix;
}

export type FloatLayer = Layer & { readonly weights: Float32Array };

/** Blocks of a scale each: as long as the matrix has rows, 128 at most, 16 at least (what `MatMulNBits` takes). */
const longestBlock = 128;
const shortestBlock = 16;

/** Each layer's weights in fewer bits, rounded for themselves: INT8 with a scale an output, INT4 and INT2 in blocks. */
export function roundLayers(layers: readonly FloatLayer[], precision: LayerPrecision): Layer[] {
  return layers.map((layer): Layer => {
    const { inputs, outputs, weights } = layer;
    if (precision === 'fp32') return layer;
    if (precision === 'int8') return { ...layer, weights: quantizeColumns(weights, inputs, outputs) };
    return { ...layer, weights: roundBlocks(weights, inputs, outputs, precision === 'int4' ? 4 : 2, undefined, blockOf(inputs)) };
  });
}

/** `values` `[batch, inputs]` through all layers. Bias-free: f(a·x) = a·f(x) for a > 0, so the INT8 layers are homogeneous (DETECTOR 3.8). */
export function layeredNetwork(graph: GraphBuilder, values: Value, layers: readonly Layer[]): Value {
  return layers.reduce((input, { inputs, outputs, rectified, weights }) => {
    const product = productOf(graph, input, weights, inputs, outputs);
    return rectified ? graph.op('Relu', [product]) : product;
  }, values);
}

function productOf(graph: GraphBuilder, input: Value, weights: Layer['weights'], inputs: number, outputs: number): Value {
  if (weights instanceof Float32Array) return graph.matmul(input, graph.floats(weights, [inputs, outputs]));
  return 'block' in weights ? blockProduct(graph, input, weights) : quantizedLayer(graph, input, weights, outputs);
}

export function blockOf(rows: number): number {
  let block = shortestBlock;
  while (block < longestBlock && block < rows) block *= 2;
  return block;
}
