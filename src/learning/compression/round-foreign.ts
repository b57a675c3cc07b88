import { create } from '@bufbuild/protobuf';
import { GraphBuilder } from '../../onnx/graph-builder.ts';
import { TensorProto_DataType as DataType, GraphProtoSchema, type NodeProto, type TensorProto } from '../../onnx/onnx_pb.ts';
import { roundBlocks } from '../quantize-blocks.ts';
import { type ForeignModel, refused } from './foreign-model.ts';
import { blockOf, type LayerPrecision } from './layers.ts';

export interface RoundedModel {
  readonly model: ForeignModel;
  /** Matrices and kernels that are smaller now. */
  readonly rounded: number;
}

/** DequantizeLinear has a scale an output from here on. */
const oldestOpset = 13n;
/** A matrix of fewer values is not worth the scales. */
const smallest = 64;

/**
 * Weights of dense and convolutional layers in fewer bits; arithmetic stays float, so nothing can clip, whatever the model is made of. INT8 has a scale an output; INT4 and INT2
 * hold dense layers in blocks, and convolutions in INT8. What else there is, recurrent weights among it, stays as it came. Throws FETTLE_MODEL_INVALID where the opset knows no such weights.
 */
export function roundForeign(model: ForeignModel, precision: LayerPrecision): RoundedModel {
  if (precision === 'fp32') return { model, rounded: 0 };
  if (model.opset < oldestOpset)
    throw refused(
      model.file,
      `uses opset ${model.opset}, ${precision} weights need ${oldestOpset}`,
      'export it anew, or keep --precision fp32',
    );
  const { node: nodes, initializer } = model.graph;
  const graph = new GraphBuilder('rounded', 'rounded/');
  const tensors = new Map(initializer.map((tensor) => [tensor.name, tensor]));
  const uses = new Map<string, number>();
  for (const input of nodes.flatMap(({ input: names }) => names)) uses.set(input, (uses.get(input) ?? 0) + 1);
  const gone = new Set<string>();
  for (const node of nodes) {
    const name = node.input[1];
    const tensor = name === undefined ? undefined : tensors.get(name);
    const matrix = tensor && uses.get(tensor.name) === 1 ? matrixOf(node, tensor) : undefined;
    if (matrix === undefined || name === undefined) {
      graph.append({ node: [node], initializer: [] });
      continue;
    }
    gone.add(name);
    if (precision === 'int8' || matrix.kind === 'kernel') graph.append({ node: [replaced(node, int8(graph, matrix))], initializer: [] });
    else inBlocks(graph, node, matrix, precision === 'int4' ? 4 : 2);
  }
  const { node, initializer: added } = graph.subgraph();
  const kept = initializer.filter(({ name }) => !gone.has(name));
  return { model: { ...model, graph: create(GraphProtoSchema, { node, initializer: [...kept, ...added] }) }, rounded: gone.size };
}

interface WeightMatrix {
  /** Of a dense layer, or of a convolution. */
  readonly kind: 'matrix' | 'kernel';
  readonly dims: readonly number[];
  readonly values: Float32Array;
  /** Which axis of `dims` is the output. */
  readonly outputAxis: number;
}

function matrixOf({ opType, domain, attribute }: NodeProto, tensor: TensorProto): WeightMatrix | undefined {
  if (domain !== '' && domain !== 'ai.onnx') return undefined;
  const dims = tensor.dims.map(Number);
  if (tensor.dataType !== DataType.FLOAT || dims.reduce((product, size) => product * size, 1) < smallest) return undefined;
  const values = floatsOf(tensor);
  if (opType === 'MatMul' && dims.length === 2) return { kind: 'matrix', dims, values, outputAxis: 1 };
  const attributeOf = (name: string) => attribute.find((one) => one.name === name);
  const plain = Number(attributeOf('transA')?.i ?? 0n) === 0 && ['alpha', 'beta'].every((name) => (attributeOf(name)?.f ?? 1) === 1);
  if (opType === 'Gemm' && dims.length === 2 && plain)
    return { kind: 'matrix', dims, values, outputAxis: attributeOf('transB')?.i === 1n ? 0 : 1 };
  return opType === 'Conv' ? { kind: 'kernel', dims, values, outputAxis: 0 } : undefined;
}

function floatsOf({ rawData, floatData }: TensorProto): Float32Array {
  if (rawData.length === 0) return Float32Array.from(floatData);
  // The bytes may begin anywhere in the file: a copy is aligned.
  return new Float32Array(Uint8Array.from(rawData).buffer);
}

const replaced = (node: NodeProto, weights: string): NodeProto => ({
  ...node,
  input: node.input.map((name, i) => (i === 1 ? weights : name)),
});

function int8(graph: GraphBuilder, { dims, values, outputAxis }: WeightMatrix): string {
  const outputs = dims[outputAxis] as number;
  const inner = dims.slice(outputAxis + 1).reduce((product, size) => product * size, 1);
  const outputOf = (at: number): number => Math.floor(at / inner) % outputs;
  const scale = new Float32Array(outputs).fill(1e-12);
  values.forEach((value, at) => {
    scale[outputOf(at)] = Math.max(scale[outputOf(at)] as number, Math.abs(value) / 127);
  });
  const levels = Int8Array.from(values, (value, at) => Math.round(value / (scale[outputOf(at)] as number)));
  return graph.op('DequantizeLinear', [graph.int8s(levels, dims), graph.floats(scale, [outputs])], { axis: outputAxis });
}

/** The layer as a product with a matrix of few bits, and its bias added. */
function inBlocks(
  graph: GraphBuilder,
  { input, output, opType }: NodeProto,
  { dims, values, outputAxis }: WeightMatrix,
  bits: 4 | 2,
): void {
  const [first = 0, second = 0] = dims;
  const [rows, columns] = outputAxis === 1 ? [first, second] : [second, first];
  const byRow =
    outputAxis === 1 ? values : Float32Array.from(values, (_, at) => values[(at % columns) * rows + Math.floor(at / columns)] as number);
  const { packed, scale, block } = roundBlocks(byRow, rows, columns, bits, undefined, blockOf(rows));
  const blocks = Math.ceil(rows / block);
  const inputs = [input[0] as string, graph.uint8s(packed, [columns, blocks, (block * bits) / 8]), graph.floats(scale, [columns * blocks])];
  const product = graph.contributed('MatMulNBits', inputs, { K: rows, N: columns, bits, block_size: block });
  const bias = opType === 'Gemm' ? input[2] : undefined;
  graph.node(
    bias === undefined || bias === '' ? 'Identity' : 'Add',
    bias === undefined || bias === '' ? [product] : [product, bias],
    {},
    output,
  );
}
