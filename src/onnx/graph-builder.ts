import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './onnx_pb.ts';

/** Name of a value in a graph. */
export type Value = string & { readonly __value?: never };
export type ElementType = 'float' | 'int64' | 'int32' | 'int8' | 'uint8' | 'bool';
export type AttributeValue = number | bigint | readonly number[] | GraphProto | { readonly float: number };
/** A number is a fixed size, a text a free one that stands for the same size wherever it is used. */
export type Shape = readonly (number | string)[];

export const opset = 21;
const irVersion = 10n;
const contributedDomain = 'com.microsoft';

const dataTypes: Record<ElementType, DataType> = {
  float: DataType.FLOAT,
  int64: DataType.INT64,
  int32: DataType.INT32,
  int8: DataType.INT8,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
};

/** Writes an ONNX graph node by node; every method returns the name of the value it makes. */
export class GraphBuilder {
  readonly #graph: GraphProto;
  #next = 0;
  readonly #prefix: string;

  constructor(name: string, prefix = '') {
    this.#graph = create(GraphProtoSchema, { name });
    this.#prefix = prefix;
  }

  input(name: string, type: ElementType, shape: Shape): Value {
    this.#graph.input.push(valueInfo(name, type, shape));
    return name;
  }

  /** Without a shape it has what comes. */
  output(value: Value, name: string, type: ElementType, shape?: Shape): void {
    this.node('Identity', [value], {}, [name]);
    this.#graph.output.push(valueInfo(name, type, shape));
  }

  /** A value the graph makes, as it is and under its own name: no copy. For the body of a Loop, whose outputs count by their place. */
  result(value: Value, type: ElementType, shape: Shape): void {
    this.#graph.output.push(valueInfo(value, type, shape));
  }

  floats(values: ArrayLike<number>, shape: readonly number[]): Value {
    return this.#initializer('float', Float32Array.from(values), shape);
  }

  zeros(shape: readonly number[]): Value {
    return this.floats(new Float32Array(shape.reduce((product, size) => product * size, 1)), shape);
  }

  scalar(value: number): Value {
    return this.floats([value], []);
  }

  int64s(values: readonly number[], shape: readonly number[] = [values.length]): Value {
    return this.#initializer('int64', BigInt64Array.from(values, BigInt), shape);
  }

  int8s(values: Int8Array, shape: readonly number[]): Value {
    return this.#initializer('int8', values, shape);
  }

  uint8s(values: Uint8Array, shape: readonly number[]): Value {
    return this.#initializer('uint8', values, shape);
  }

  bool(value: boolean): Value {
    return this.#initializer('bool', Uint8Array.of(Number(value)), []);
  }

  /** One node with one output. */
  op(type: string, inputs: readonly Value[], attributes: Record<string, AttributeValue> = {}): Value {
    const output = `${this.#prefix}${type}_${this.#next++}`;
    this.node(type, inputs, attributes, [output]);
    return output;
  }

  /** One node of ONNX Runtime's own operators (domain com.microsoft), with one output. */
  contributed(type: string, inputs: readonly Value[], attributes: Record<string, AttributeValue> = {}): Value {
    const output = `${this.#prefix}${type}_${this.#next++}`;
    this.node(type, inputs, attributes, [output], contributedDomain);
    return output;
  }

  /** A vector in pieces of the lengths given. */
  split(value: Value, lengths: readonly number[]): Value[] {
    const outputs = lengths.map(() => `${this.#prefix}Split_${this.#next++}`);
    this.node('Split', [value, this.int64s(lengths)], { axis: 0 }, outputs);
    return outputs;
  }

  node(type: string, inputs: readonly Value[], attributes: Record<string, AttributeValue>, outputs: readonly string[], domain = ''): void {
    const attribute = Object.entries(attributes).map(([name, value]) => attributeOf(name, value));
    this.#graph.node.push(
      create(NodeProtoSchema, {
        opType: type,
        domain,
        input: [...inputs],
        output: [...outputs],
        attribute,
      }),
    );
  }

  add = (a: Value, b: Value): Value => this.op('Add', [a, b]);
  subtract = (a: Value, b: Value): Value => this.op('Sub', [a, b]);
  multiply = (a: Value, b: Value): Value => this.op('Mul', [a, b]);
  divide = (a: Value, b: Value): Value => this.op('Div', [a, b]);
  matmul = (a: Value, b: Value): Value => this.op('MatMul', [a, b]);
  transpose = (a: Value, permutation: readonly number[]): Value => this.op('Transpose', [a], { perm: permutation });
  reshape = (a: Value, shape: readonly number[]): Value => this.op('Reshape', [a, this.int64s(shape)]);

  reduce(type: 'ReduceSum' | 'ReduceMean' | 'ReduceMax', a: Value, axes: readonly number[], keepDimensions = false): Value {
    return this.op(type, [a, this.int64s(axes)], { keepdims: Number(keepDimensions) });
  }

  /** The graph alone, as the body of a Loop. */
  subgraph(): GraphProto {
    return this.#graph;
  }

  /** Nodes and constants of another graph, behind what is there so far; their names are theirs to keep apart. */
  append({ node, initializer }: Pick<GraphProto, 'node' | 'initializer'>): void {
    this.#graph.node.push(...node);
    this.#graph.initializer.push(...initializer);
  }

  /** The finished model file. Another opset than ours is for graphs with nodes of others; whoever asks for it knows that theirs mean the same there. */
  model(version = BigInt(opset)): Uint8Array {
    return toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, {
        irVersion,
        producerName: 'fettle',
        opsetImport: [
          { domain: '', version },
          ...(this.#graph.node.some(({ domain }) => domain === contributedDomain) ? [{ domain: contributedDomain, version: 1n }] : []),
        ],
        graph: this.#graph,
      }),
    );
  }

  #initializer(type: ElementType, values: ArrayBufferView, shape: readonly number[]): Value {
    const name = `${this.#prefix}constant_${this.#next++}`;
    this.#graph.initializer.push(tensor(name, type, values, shape));
    return name;
  }
}

function tensor(name: string, type: ElementType, values: ArrayBufferView, shape: readonly number[]): TensorProto {
  const rawData = new Uint8Array(values.buffer.slice(values.byteOffset, values.byteOffset + values.byteLength) as ArrayBuffer);
  return create(TensorProtoSchema, { name, dims: shape.map(BigInt), dataType: dataTypes[type], rawData });
}

function valueInfo(name: string, type: ElementType, shape?: Shape): ValueInfoProto {
  const dim = shape?.map((size) =>
    typeof size === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
      : { value: { case: 'dimParam' as const, value: size } },
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: dataTypes[type], ...(dim !== undefined && { shape: { dim } }) } } },
  });
}

function attributeOf(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === 'number' || typeof value === 'bigint')
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  if (Array.isArray(value))
    return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map((item: number) => BigInt(item)) });
  if ('float' in value) return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g: value as GraphProto });
}
