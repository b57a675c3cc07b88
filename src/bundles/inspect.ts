import { fromBinary } from '@bufbuild/protobuf';
import { errorText, FettleError } from '../core/errors.ts';
import { type ModelManifest, modelName } from '../core/manifest.ts';
import {
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type ValueInfoProto,
} from '../onnx/onnx_pb.ts';
import { elementsOf, tensorProblem } from './check-tensor.ts';

/** Operators of deployed graphs. Nothing that loops, branches, reads files, calls functions or makes much out of little. */
const allowedOperators = new Set(
  [
    'Abs Add AveragePool BatchNormalization Cast Clip Concat Constant Conv ConvTranspose DequantizeLinear Div Elu Erf Exp Flatten GRU Gather Gelu Gemm',
    'GlobalAveragePool HardSigmoid Identity LSTM LayerNormalization LeakyRelu Log MatMul MatMulNBits Max MaxPool Min Mul Neg PRelu Pow QuantizeLinear ReduceMax',
    'ReduceMean ReduceMin ReduceSum ReduceSumSquare Relu Reshape Selu Shape Sigmoid Slice Softmax Softplus Split Sqrt Squeeze Sub Tanh Transpose Unsqueeze',
  ].flatMap((line) => line.split(' ')),
);
const allowedDomains = new Set(['', 'ai.onnx', 'com.microsoft']);
const newestOpset = 26n;
const mostNodes = 2_000;
const mostElements = 64_000_000;
/** doc_string of AttributeProto. */
const harmlessAttributeFields = new Set([13]);
const outputs = ['score', 'contributions', 'observed', 'expected'];
const floatType = 1;

/**
 * Reads the file with our own reader, before any native code sees it: only known operators, no data outside the file, sizes within bounds and as declared,
 * inputs and outputs exactly as the manifest says. Returns the operators used. Throws FETTLE_MODEL_INVALID with the reason.
 */
export function inspectModel(bytes: Uint8Array, manifest: Pick<ModelManifest, 'id' | 'version' | 'length' | 'channels'>): string[] {
  const graphs = readModel(bytes);
  const problem = typeof graphs === 'string' ? graphs : (modelProblem(graphs) ?? interfaceProblem(graphs.graph as GraphProto, manifest));
  if (problem !== undefined || typeof graphs === 'string') {
    throw new FettleError('FETTLE_MODEL_INVALID', `model.onnx of ${modelName(manifest)} ${problem}`, {
      hint: 'it was not handed to the runtime; train or fetch the bundle again',
    });
  }
  return [...new Set(graphs.graph?.node.map(({ opType }) => opType))].sort((a, b) => (a < b ? -1 : 1));
}

/** A model of anyone's, read by the same rules; its inputs and outputs are the caller's to judge; judged is what `simplify` leaves. Throws FETTLE_MODEL_INVALID with the reason. */
export function inspectForeign(
  bytes: Uint8Array,
  file: string,
  simplify: (graph: GraphProto) => GraphProto = (graph) => graph,
): ModelProto & { graph: GraphProto } {
  const read = readModel(bytes);
  const model = typeof read === 'string' || read.graph === undefined ? read : { ...read, graph: simplify(read.graph) };
  const problem = typeof model === 'string' ? model : modelProblem(model);
  if (problem === undefined) return model as ModelProto & { graph: GraphProto };
  throw new FettleError('FETTLE_MODEL_INVALID', `${file} ${problem}`, {
    hint: `it was not handed to the runtime. Operators that are taken: ${[...allowedOperators].join(', ')}; opset ${newestOpset} at most, all weights in the file`,
  });
}

function readModel(bytes: Uint8Array): ModelProto | string {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    return `is not an ONNX file (${errorText(error)})`;
  }
}

function modelProblem({ graph, functions, trainingInfo, opsetImport }: ModelProto): string | undefined {
  if (graph === undefined) return 'has no graph';
  if (functions.length > 0 || trainingInfo.length > 0 || graph.sparseInitializer.length > 0)
    return 'has functions, training or sparse parts';
  if (opsetImport.length === 0) return 'does not say which opset it uses';
  for (const { domain, version } of opsetImport) {
    if (!allowedDomains.has(domain)) return `uses operators of ${domain}`;
    if (domain !== 'com.microsoft' && (version < 1n || version > newestOpset))
      return `uses opset ${version}, the newest known is ${newestOpset}`;
  }
  if (graph.node.length > mostNodes) return `has ${graph.node.length} nodes, at most ${mostNodes} are taken`;
  const elements = graph.initializer.reduce((sum, tensor) => sum + elementsOf(tensor), 0);
  if (!(elements <= mostElements)) return `has ${elements} weights, at most ${mostElements} are taken`;
  return firstProblem(graph.initializer, (tensor) => tensorProblem(tensor, mostElements)) ?? firstProblem(graph.node, nodeProblem);
}

function nodeProblem({ opType, domain, attribute }: NodeProto): string | undefined {
  if (!allowedOperators.has(opType) || !allowedDomains.has(domain))
    return `uses the operator ${domain === '' ? '' : `${domain}.`}${opType}`;
  return firstProblem(attribute, (one) => attributeProblem(one, opType));
}

function attributeProblem({ g, graphs, t, tensors, $unknown }: AttributeProto, opType: string): string | undefined {
  if (g !== undefined || graphs.length > 0) return `has a graph inside ${opType}`;
  const unknown = $unknown?.find(({ no }) => !harmlessAttributeFields.has(no));
  if (unknown !== undefined) return `has the unknown field ${unknown.no} in an attribute of ${opType}`;
  return firstProblem(t === undefined ? tensors : [t, ...tensors], (tensor) => tensorProblem(tensor, mostElements));
}

function interfaceProblem(graph: GraphProto, { length, channels }: Pick<ModelManifest, 'length' | 'channels'>): string | undefined {
  const constants = new Set(graph.initializer.map(({ name }) => name));
  const inputs = graph.input.filter(({ name }) => !constants.has(name));
  if (inputs.length !== 1) return `must have the one input "window", has ${listed(inputs)}`;
  const named = graph.output.filter(({ name }) => name !== 'parts');
  if (named.length !== outputs.length) return `must have the outputs ${outputs.join(', ')}, has ${listed(graph.output)}`;
  return (
    valueProblem(inputs, 'window', [length, channels.length]) ??
    firstProblem(outputs, (name) => valueProblem(graph.output, name, name === 'score' ? [] : [channels.length]))
  );
}

/** float32, a free batch dimension first, then these. */
function valueProblem(values: readonly ValueInfoProto[], name: string, sizes: readonly number[]): string | undefined {
  const type = values.find((value) => value.name === name)?.type;
  if (type === undefined) return `has no "${name}", only ${listed(values)}`;
  const tensor = type.value.case === 'tensorType' ? type.value.value : undefined;
  if (tensor?.elemType !== floatType) return `has a "${name}" that is not float32`;
  const [batch, ...others] =
    tensor.shape?.dim.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : (value.value ?? ''))) ?? [];
  if (typeof batch === 'string' && others.length === sizes.length && sizes.every((size, i) => others[i] === size)) return undefined;
  return `has "${name}" [${[batch, ...others].join(', ')}], the manifest wants [${['batch', ...sizes].join(', ')}]`;
}

const listed = (values: readonly ValueInfoProto[]): string => values.map(({ name }) => name).join(', ') || 'none';

function firstProblem<T>(list: Iterable<T>, check: (item: T) => string | undefined): string | undefined {
  for (const item of list) {
    const problem = check(item);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
