import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { fakeQuantize } from './fake-quantize.ts';
import { type Sizes, Tape, type Tensor } from './tape.ts';

/** What training may change. */
export interface Parameter {
  readonly name: string;
  readonly shape: Sizes;
  /** Of weights, the axis of their outputs: what a quantization scale belongs to. A bias has none and stays float. */
  readonly outputAxis?: 0 | 1;
}

export const familyNames = ['linear', 'dense', 'conv1d'] as const;
export type FamilyName = (typeof familyNames)[number];

/** An autoencoder as training and deployment see it: rows of `width` values in, the same out. */
export interface TrainableNetwork {
  readonly family: FamilyName;
  readonly width: number;
  readonly parameters: readonly Parameter[];
  /** Writes the reconstruction of `batch` `[rows, width]`; `parameters` in their order. */
  forward(tape: Tape, batch: Tensor, parameters: readonly Tensor[]): Tensor;
}

/** A network with what its parameters begin at, in their order. */
export interface InitialNetwork {
  readonly network: TrainableNetwork;
  readonly initial: readonly Float32Array[];
}

/** Rows a network learns from: `channels` groups of `length` values each, standardised and centred. */
export interface LearningRows {
  readonly channels: number;
  readonly length: number;
  readonly rows: number;
  /** `[rows, channels · length]`, channel-major. */
  readonly values: Float32Array;
}

/** A kind of autoencoder. Same input, same seed: same network and initial values, bit for bit. */
export interface ModelFamily {
  readonly name: FamilyName;
  build(learning: LearningRows, seed: number): InitialNetwork;
}

/** The network in a graph that ships: any number of rows, parameters as given. */
export function inference(graph: GraphBuilder, network: TrainableNetwork, batch: Value, parameters: readonly Value[]): Value {
  const tape = new Tape(graph);
  const tensors = parameters.map((value, i) => tape.data(value, network.parameters[i]?.shape ?? []));
  return network.forward(tape, tape.data(batch, [-1, network.width]), tensors).value;
}

/** The network as it is with weights of few bits, to be tuned for them: biases stay float. `block` as in fakeQuantize. */
export function withRoundedWeights(network: TrainableNetwork, bits: number, block?: number): TrainableNetwork {
  return {
    ...network,
    forward(tape, batch, parameters) {
      const rounded = parameters.map((tensor, i) => {
        const outputAxis = network.parameters[i]?.outputAxis;
        if (outputAxis === undefined) return tensor;
        return fakeQuantize(tape, tensor, { bits, outputAxis, ...(block !== undefined && { block }) });
      });
      return network.forward(tape, batch, rounded);
    },
  };
}
