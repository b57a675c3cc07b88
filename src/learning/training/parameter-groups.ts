import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import type { TrainableNetwork } from './network.ts';
import { elementsOf, type Sizes } from './tape.ts';

/** Parameters whose Adam step is taken together. A large one is alone and keeps its shape; small ones lie one after the other in one vector. */
export interface ParameterGroup {
  readonly name: string;
  readonly sizes: Sizes;
  /** Places of its parameters in the network's list. */
  readonly members: readonly number[];
}

/**
 * Below this many elements starting a node costs more than its arithmetic, so it is worth a copy to share the nodes. Measured on two networks: see bench/train.ts.
 */
const smallElements = 16_384;

export function parameterGroups({ parameters }: TrainableNetwork): ParameterGroup[] {
  const small = [...parameters.keys()].filter((p) => elementsOf(parameters[p]?.shape ?? []) <= smallElements);
  const large = [...parameters.keys()].filter((p) => !small.includes(p));
  const alone = (p: number): ParameterGroup => ({ name: `parameter_${p}`, sizes: parameters[p]?.shape ?? [], members: [p] });
  if (small.length < 2) return [...parameters.keys()].map(alone);
  const elements = small.reduce((sum, p) => sum + elementsOf(parameters[p]?.shape ?? []), 0);
  return [...large.map(alone), { name: 'small', sizes: [elements], members: small }];
}

/** Values by parameter → by group. */
export const gather = (groups: readonly ParameterGroup[], values: readonly Float32Array[]): Float32Array[] =>
  groups.map(({ sizes, members }) => {
    const all = new Float32Array(elementsOf(sizes));
    let at = 0;
    for (const member of members) {
      const part = values[member] as Float32Array;
      all.set(part, at);
      at += part.length;
    }
    return all;
  });

/** Values by group → by parameter. */
export function scatter(
  { parameters }: TrainableNetwork,
  groups: readonly ParameterGroup[],
  values: readonly Float32Array[],
): Float32Array[] {
  const all: Float32Array[] = parameters.map(() => new Float32Array());
  groups.forEach(({ members }, g) => {
    let at = 0;
    for (const member of members) {
      const end = at + elementsOf(parameters[member]?.shape ?? []);
      all[member] = (values[g] as Float32Array).slice(at, end);
      at = end;
    }
  });
  return all;
}

/** `scatter` in a graph: values of groups → values of parameters, in the network's order. */
export function scattered(
  graph: GraphBuilder,
  { parameters }: TrainableNetwork,
  groups: readonly ParameterGroup[],
  values: readonly Value[],
): Value[] {
  const all: Value[] = parameters.map(() => '');
  groups.forEach(({ members }, g) => {
    const shapes = members.map((member) => parameters[member]?.shape ?? []);
    const value = values[g] as Value;
    const parts = members.length === 1 ? [value] : graph.split(value, shapes.map(elementsOf));
    members.forEach((member, i) => {
      all[member] = members.length === 1 ? value : graph.reshape(parts[i] as Value, shapes[i] as Sizes);
    });
  });
  return all;
}

/** `gather` in a graph: values of parameters → values of groups. */
export const gathered = (graph: GraphBuilder, groups: readonly ParameterGroup[], values: readonly Value[]): Value[] =>
  groups.map(({ members }) => {
    const parts = members.map((member) => values[member] as Value);
    if (parts.length === 1) return parts[0] as Value;
    return graph.op(
      'Concat',
      parts.map((part) => graph.reshape(part, [-1])),
      { axis: 0 },
    );
  });
