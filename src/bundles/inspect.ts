import { fromBinary } from '@bufbuild/protobuf';
import { FettleError } from '../core/errors.ts';
import type { ModelManifest } from '../core/manifest.ts';
import {
  TensorProto_DataLocation as DataLocation,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type ValueInfoProto,
} from '../onnx/onnx_pb.ts';

/** Operators of deployed graphs. Nothing that loops, branches, reads files or calls functions. */
const allowedOperators = new Set([
  'Abs',
  'Add',
  'Cast',
  'Clip',
  'Concat',
  'Constant',
  'Conv',
  'ConvTranspose',
  'DequantizeLinear',
  'Div',
  'Exp',
  'Expand',
  'Flatten',
  'Gather',
  'Gemm',
  'GlobalAveragePool',
  'Identity',
  'LeakyRelu',
  'Log',
  'MatMul',
  'MatMulNBits',
  'Max',
  'Min',
  'Mul',
  'Neg',
  'Pad',
  'Pow',
  'QuantizeLinear',
  'ReduceMax',
  'ReduceMean',
  'ReduceMin',
  'ReduceSum',
  'ReduceSumSquare',
  'Relu',
  'Reshape',
  'Shape',
  'Sigmoid',
  'Slice',
  'Split',
  'Sqrt',
  'Squeeze',
  'Sub',
  'Tanh',
  'Transpose',
  'Unsqueeze',
  'Where',
]);
const allowedDomains = new Set(['', 'ai.onnx', 'com.microsoft']);
const newestOpset = 26n;
const mostNodes = 2_000;
const mostElements = 64_000_000;

/**
 * Reads the file with our own reader, before any native code sees it: only known operators, no data outside the file, sizes within bounds, inputs and
 * outputs as the manifest says. Throws FETTLE_MODEL_INVALID with the reason.
 */
export function inspectModel(bytes: Uint8Array, manifest: ModelManifest): { operators: string[] } {
  const refuse = (reason: string): never => {
    throw new FettleError('FETTLE_MODEL_INVALID', `model.onnx of ${manifest.id}@${manifest.version}: ${reason}`);
  };
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    return refuse(`is not an ONNX file (${(error as Error).message})`);
  }
  const { graph } = model;
  if (graph === undefined) return refuse('has no graph');
  if (model.functions.length > 0 || model.trainingInfo.length > 0 || graph.sparseInitializer.length > 0)
    refuse('has functions, training or sparse parts');
  for (const { domain, version } of model.opsetImport) {
    if (!allowedDomains.has(domain)) refuse(`uses operators of ${domain}`);
    if (domain === '' && version > newestOpset) refuse(`uses opset ${version}, newer than ${newestOpset}`);
  }
  if (graph.node.length > mostNodes) refuse(`has ${graph.node.length} nodes, at most ${mostNodes} are taken`);
  const operators = new Set<string>();
  for (const node of graph.node) {
    if (!allowedOperators.has(node.opType) || !allowedDomains.has(node.domain))
      refuse(`uses the operator ${node.domain === '' ? '' : `${node.domain}.`}${node.opType}`);
    if (node.attribute.some(({ g, graphs }) => g !== undefined || graphs.length > 0)) refuse(`has a graph inside ${node.opType}`);
    for (const { t } of node.attribute)
      if (t !== undefined && (t.dataLocation === DataLocation.EXTERNAL || t.externalData.length > 0)) refuse('keeps data outside the file');
    operators.add(node.opType);
  }
  checkInitializers(graph, refuse);
  const { length, channels } = manifest;
  checkValue(
    graph.input.filter(({ name }) => !graph.initializer.some((tensor) => tensor.name === name)),
    'window',
    [length, channels.length],
    refuse,
  );
  for (const name of ['score', 'contributions', 'observed', 'expected']) {
    checkValue(
      graph.output.filter((output) => output.name === name),
      name,
      name === 'score' ? [] : [channels.length],
      refuse,
    );
  }
  return { operators: [...operators].sort() };
}

function checkInitializers(graph: GraphProto, refuse: (reason: string) => never): void {
  let elements = 0;
  for (const tensor of graph.initializer) {
    if (tensor.dataLocation === DataLocation.EXTERNAL || tensor.externalData.length > 0) refuse(`keeps ${tensor.name} outside the file`);
    if (tensor.dims.some((size) => size < 0n)) refuse(`${tensor.name} has a negative size`);
    elements += tensor.dims.reduce((product, size) => product * Number(size), 1);
    if (elements > mostElements) refuse(`has more than ${mostElements} weights`);
  }
}

/** Exactly one, float32, a free batch dimension first, then these. */
function checkValue(found: readonly ValueInfoProto[], name: string, sizes: readonly number[], refuse: (reason: string) => never): void {
  const [value] = found;
  if (found.length !== 1 || value?.name !== name)
    return refuse(`must have one "${name}", has ${found.map((other) => other.name).join(', ') || 'none'}`);
  const tensor = value.type?.value.case === 'tensorType' ? value.type.value.value : undefined;
  if (tensor?.elemType !== 1) refuse(`"${name}" is not float32`);
  const dims = tensor?.shape?.dim.map(({ value: size }) => (size.case === 'dimValue' ? Number(size.value) : (size.value ?? ''))) ?? [];
  if (dims.length !== sizes.length + 1 || sizes.some((size, i) => dims[i + 1] !== size))
    refuse(`"${name}" is [${dims.join(', ')}], must be [batch${sizes.map((size) => `, ${size}`).join('')}]`);
}
