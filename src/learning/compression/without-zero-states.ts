import { TensorProto_DataType as DataType, type GraphProto, type NodeProto } from '../../onnx/onnx_pb.ts';

const recurrent = new Set(['LSTM', 'GRU']);
/** Where a recurrent operator has its first states: h, and of an LSTM c. */
const stateInputs = [5, 6];

/**
 * A graph whose recurrent layers begin at zero without being told: that is what they do by themselves, but exporters write zeros of the batch's size as a graph of its own, with an operator that makes
 * much out of little and is not taken. Nodes that nothing needs any more leave.
 */
export function withoutZeroStates(graph: GraphProto): GraphProto {
  const makers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const node = graph.node.map((one): NodeProto => {
    if (!recurrent.has(one.opType)) return one;
    const input = one.input.map((name, i) => (stateInputs.includes(i) && isZero(makers.get(name)) ? '' : name));
    while (input.at(-1) === '') input.pop();
    return { ...one, input };
  });
  return node.every((one, i) => one === graph.node[i])
    ? graph
    : {
        ...graph,
        node: needed(
          node,
          graph.output.map(({ name }) => name),
        ),
      };
}

/** ConstantOfShape of the float 0, its default. */
function isZero(maker: NodeProto | undefined): boolean {
  if (maker?.opType !== 'ConstantOfShape') return false;
  const value = maker.attribute.find(({ name }) => name === 'value')?.t;
  if (value === undefined) return true;
  return value.dataType === DataType.FLOAT && [...value.rawData, ...value.floatData].every((part) => part === 0);
}

function needed(nodes: readonly NodeProto[], outputs: readonly string[]): NodeProto[] {
  const makers = new Map(nodes.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const kept = new Set<NodeProto>();
  const open = [...outputs];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const maker = makers.get(name);
    if (maker === undefined || kept.has(maker)) continue;
    kept.add(maker);
    open.push(...maker.input);
  }
  return nodes.filter((node) => kept.has(node));
}
