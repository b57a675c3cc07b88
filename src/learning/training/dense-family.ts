import { InitialValues } from './initial-values.ts';
import type { ModelFamily, Parameter, TrainableNetwork } from './network.ts';
import { matmul, relu } from './operators.ts';

export interface DenseOptions {
  /** Widths between input and output, the narrowest in the middle: `[64, 16, 64]`. */
  readonly hidden: readonly number[];
  /**
   * Without it f(a·x) = a·f(x) for a > 0: the network extrapolates in proportion beyond what it learnt, and homogeneous INT8 (one scale a row) is exact
   * about the scale. With it the network can bend anywhere.
   */
  readonly bias: boolean;
}

/** Fully connected autoencoder: ReLU after every layer but the code, the narrowest, and the last: half of a narrow code would be cut off. */
export const denseFamily = (options: DenseOptions): ModelFamily => ({
  name: 'dense',
  build({ channels, length }, seed) {
    const network = denseNetwork(channels * length, options);
    const values = new InitialValues(seed);
    const rectified = rectifiedLayers(options);
    const initial = network.parameters.map(({ shape, outputAxis }, i) => {
      const [inputs = 0, outputs = 0] = shape;
      if (outputAxis === undefined) return new Float32Array(inputs);
      const layer = options.bias ? i / 2 : i;
      return rectified[layer] ? values.he(shape, inputs) : values.xavier(shape, inputs, outputs);
    });
    return { network, initial };
  },
});

export function denseNetwork(width: number, { hidden, bias }: DenseOptions): TrainableNetwork {
  const widths = [width, ...hidden, width];
  const layers = widths.length - 1;
  const rectified = rectifiedLayers({ hidden });
  const parameters = Array.from({ length: layers }, (_, i): Parameter[] => {
    const [inputs, outputs] = [widths[i] as number, widths[i + 1] as number];
    const weights: Parameter = { name: `weights_${i}`, shape: [inputs, outputs], outputAxis: 1 };
    return bias ? [weights, { name: `bias_${i}`, shape: [outputs] }] : [weights];
  });
  const perLayer = bias ? 2 : 1;
  return {
    family: 'dense',
    width,
    parameters: parameters.flat(),
    forward(tape, batch, tensors) {
      let values = batch;
      for (let i = 0; i < layers; i++) {
        const [weights, offset] = tensors.slice(i * perLayer, (i + 1) * perLayer);
        if (weights === undefined) throw new RangeError(`the network has ${layers} layers, layer ${i} has no weights`);
        values = matmul(tape, values, weights, offset);
        if (rectified[i]) values = relu(tape, values);
      }
      return values;
    },
  };
}

const rectifiedLayers = ({ hidden }: Pick<DenseOptions, 'hidden'>): boolean[] => {
  const code = hidden.indexOf(Math.min(...hidden));
  return [...hidden.map((_, i) => i !== code), false];
};
