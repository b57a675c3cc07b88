import { create } from '@bufbuild/protobuf';
import { inspectForeign } from '../../bundles/inspect.ts';
import { FettleError } from '../../core/errors.ts';
import {
  TensorProto_DataType as DataType,
  type GraphProto,
  GraphProtoSchema,
  type NodeProto,
  type ValueInfoProto,
} from '../../onnx/onnx_pb.ts';
import { withoutZeroStates } from './without-zero-states.ts';

/** Somebody's model, read and found harmless: one float input `[batch, length, channels]`, one output. */
export interface ForeignModel {
  readonly file: string;
  readonly opset: bigint;
  readonly length: number;
  readonly channels: number;
  readonly input: string;
  readonly output: string;
  readonly graph: Pick<GraphProto, 'node' | 'initializer'>;
}

/** The oldest whose operators mean what those around it mean. */
const oldestOpset = 7n;
const prefix = 'model/';

/** Throws FETTLE_MODEL_INVALID with the reason and what to export instead; nothing native has seen the file by then. */
export function readForeignModel(bytes: Uint8Array, file: string): ForeignModel {
  const { graph, opsetImport } = inspectForeign(bytes, file, withoutZeroStates);
  const opset = opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0n;
  if (opset < oldestOpset) throw refused(file, `uses opset ${opset}, the oldest that is taken is ${oldestOpset}`, 'export it for opset 21');
  const constants = new Set(graph.initializer.map(({ name }) => name));
  const inputs = graph.input.filter(({ name }) => !constants.has(name));
  const [input] = inputs;
  if (inputs.length !== 1 || input === undefined)
    throw refused(file, `has ${inputs.length} inputs (${namesOf(inputs)})`, 'export it with one input [batch, length, channels]');
  const [output] = graph.output;
  if (graph.output.length !== 1 || output === undefined)
    throw refused(
      file,
      `has ${graph.output.length} outputs (${namesOf(graph.output)})`,
      'export it with one: the reconstruction, or the score',
    );
  const { length, channels } = inputShape(input, file);
  return { file, opset, length, channels, input: prefix + input.name, output: prefix + output.name, graph: renamed(graph) };
}

function inputShape(input: ValueInfoProto, file: string): { length: number; channels: number } {
  const tensor = input.type?.value.case === 'tensorType' ? input.type.value.value : undefined;
  const hint = 'export it with a float32 input [batch, length, channels]: a free batch, the other two fixed';
  if (tensor?.elemType !== DataType.FLOAT) throw refused(file, `has an input "${input.name}" that is not float32`, hint);
  const sizes = tensor.shape?.dim.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : (value.value ?? '?'))) ?? [];
  const shown = `has an input "${input.name}" [${sizes.join(', ')}]`;
  const [batch, length, channels] = sizes;
  if (sizes.length !== 3) throw refused(file, `${shown} of ${sizes.length} dimensions`, hint);
  if (typeof batch === 'number')
    throw refused(file, `${shown} with a fixed batch`, `${hint} (dynamic_axes={"${input.name}": {0: "batch"}} in PyTorch)`);
  if (typeof length !== 'number' || typeof channels !== 'number') throw refused(file, `${shown} whose length or channels are free`, hint);
  if (length < 1 || channels < 1) throw refused(file, `${shown} of nothing`, hint);
  return { length, channels };
}

/** The same graph under names that no node around it has. Names of nodes, shapes of values in between and the graph's own inputs stay behind. */
function renamed({ node, initializer }: GraphProto): ForeignModel['graph'] {
  // An empty name stands for an optional input that is not given.
  const name = (old: string): string => (old === '' ? '' : prefix + old);
  return create(GraphProtoSchema, {
    node: node.map((one): NodeProto => ({ ...one, name: '', input: one.input.map(name), output: one.output.map(name) })),
    initializer: initializer.map((tensor) => ({ ...tensor, name: name(tensor.name) })),
  });
}

export const refused = (file: string, problem: string, hint: string): FettleError =>
  new FettleError('FETTLE_MODEL_INVALID', `${file} ${problem}`, { hint });

const namesOf = (values: readonly ValueInfoProto[]): string => values.map(({ name }) => name).join(', ') || 'none';
