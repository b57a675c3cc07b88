import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import type { TrainableNetwork } from './network.ts';
import { elementsOf } from './tape.ts';

/*
 * All parameters of a network in one vector, in their order. Adam steps them together: ten nodes in all instead of ten a parameter, each long enough to be
 * shared by two threads. Measured with two threads on 512-256-64-16-64-256-512: 635 steps/s in one vector, 440 with large parameters in vectors of their own,
 * 470 with all in vectors as small as the cache.
 */

const lengthsOf = ({ parameters }: TrainableNetwork): number[] => parameters.map(({ shape }) => elementsOf(shape));

export const packedLength = (network: TrainableNetwork): number => lengthsOf(network).reduce((sum, length) => sum + length, 0);

/** By parameter → one vector. */
export function pack(network: TrainableNetwork, values: readonly Float32Array[]): Float32Array {
  const vector = new Float32Array(packedLength(network));
  let at = 0;
  for (const [p, length] of lengthsOf(network).entries()) {
    const part = values[p];
    if (part?.length !== length) throw new RangeError(`parameter ${p} has ${part?.length ?? 'no'} values, its shape wants ${length}`);
    vector.set(part, at);
    at += length;
  }
  return vector;
}

/** One vector → by parameter, copied. */
export function unpack(network: TrainableNetwork, vector: Float32Array): Float32Array[] {
  let at = 0;
  return lengthsOf(network).map((length) => {
    at += length;
    return vector.slice(at - length, at);
  });
}

/** `pack` in a graph. */
export const packed = (graph: GraphBuilder, values: readonly Value[]): Value =>
  graph.op(
    'Concat',
    values.map((value) => graph.reshape(value, [-1])),
    { axis: 0 },
  );

/** `unpack` in a graph. */
export const unpacked = (graph: GraphBuilder, network: TrainableNetwork, vector: Value): Value[] =>
  graph.split(vector, lengthsOf(network)).map((part, p) => graph.reshape(part, network.parameters[p]?.shape ?? []));
