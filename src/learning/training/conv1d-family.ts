import { convolve, convolveTransposed } from './convolution.ts';
import { InitialValues } from './initial-values.ts';
import type { ModelFamily, Parameter, TrainableNetwork } from './network.ts';
import { matmul, relu, reshape } from './operators.ts';
import { elementsOf, type Tape, type Tensor } from './tape.ts';

export interface Conv1dOptions {
  /** Channels after each convolution of the encoder, each of stride 2: `[16, 32]`. */
  readonly filters: readonly number[];
  /** Steps a convolution sees; odd. */
  readonly kernel: number;
  /** Width of the code in the middle. */
  readonly code: number;
  /** Without it f(a·x) = a·f(x) for a > 0. */
  readonly bias: boolean;
}

/**
 * Convolutional autoencoder over `[channels, length]`: convolutions of stride 2 with ReLU, a fully connected code, and the same way back by transposed
 * convolutions. Rows come and go channel-major.
 */
export const conv1dFamily = (options: Conv1dOptions): ModelFamily => ({
  name: 'conv1d',
  build({ channels, length }, seed) {
    const network = conv1dNetwork(channels, length, options);
    const values = new InitialValues(seed);
    const initial = layersOf(channels, length, options).flatMap(({ weights, bias, fanIn, fanOut, rectified }) => [
      rectified ? values.he(weights.shape, fanIn) : values.xavier(weights.shape, fanIn, fanOut),
      ...(bias === undefined ? [] : [new Float32Array(elementsOf(bias.shape))]),
    ]);
    return { network, initial };
  },
});

export function conv1dNetwork(channels: number, length: number, options: Conv1dOptions): TrainableNetwork {
  const layers = layersOf(channels, length, options);
  return {
    family: 'conv1d',
    width: channels * length,
    parameters: layers.flatMap(({ weights, bias }) => (bias === undefined ? [weights] : [weights, bias])),
    forward(tape, batch, tensors) {
      const rows = batch.sizes[0] as number;
      const perLayer = options.bias ? 2 : 1;
      let values = batch;
      layers.forEach((layer, i) => {
        const [weights, bias] = tensors.slice(i * perLayer, (i + 1) * perLayer);
        if (weights === undefined) throw new RangeError(`the network has ${layers.length} layers, layer ${i} has no weights`);
        values = layer.apply(tape, reshape(tape, values, [rows, ...layer.input]), weights, bias);
        if (layer.rectified) values = relu(tape, values);
      });
      return reshape(tape, values, [rows, channels * length]);
    },
  };
}

interface Layer {
  readonly weights: Parameter;
  readonly bias: Parameter | undefined;
  /** Sizes of one row as it comes in. */
  readonly input: readonly number[];
  /** Weights a result meets, and results a value meets. */
  readonly fanIn: number;
  readonly fanOut: number;
  readonly rectified: boolean;
  apply(tape: Tape, values: Tensor, weights: Tensor, bias: Tensor | undefined): Tensor;
}

function layersOf(channels: number, length: number, { filters, kernel, code, bias }: Conv1dOptions): Layer[] {
  const padding = (kernel - 1) / 2;
  const widths = [channels, ...filters];
  const lengths = [length];
  for (const _ of filters) lengths.push(Math.floor(((lengths.at(-1) as number) - 1) / 2) + 1);
  const biasOf = (name: string, size: number): Parameter | undefined => (bias ? { name: `${name}_bias`, shape: [size] } : undefined);

  const encoder = filters.map((out, i): Layer => {
    const into = widths[i] as number;
    const name = `encoder_${i}`;
    return {
      weights: { name, shape: [out, into, kernel], outputAxis: 0 },
      bias: biasOf(name, out),
      input: [into, lengths[i] as number],
      fanIn: into * kernel,
      fanOut: (out * kernel) / 2,
      rectified: true,
      apply: (tape, values, weights, offset) => convolve(tape, values, weights, offset, { stride: 2, padding }),
    };
  });
  const flat = (widths.at(-1) as number) * (lengths.at(-1) as number);
  const dense = (name: string, into: number, out: number, rectified: boolean): Layer => ({
    weights: { name, shape: [into, out], outputAxis: 1 },
    bias: biasOf(name, out),
    input: [into],
    fanIn: into,
    fanOut: out,
    rectified,
    apply: matmul,
  });
  const decoder = filters.map((_, i): Layer => {
    const from = filters.length - i;
    const [into, out] = [widths[from] as number, widths[from - 1] as number];
    const name = `decoder_${i}`;
    return {
      weights: { name, shape: [into, out, kernel], outputAxis: 1 },
      bias: biasOf(name, out),
      input: [into, lengths[from] as number],
      fanIn: (into * kernel) / 2,
      fanOut: out * kernel,
      rectified: from > 1,
      apply: (tape, values, weights, offset) =>
        convolveTransposed(tape, values, weights, offset, {
          stride: 2,
          padding,
          outputPadding: (lengths[from - 1] as number) % 2 === 0 ? 1 : 0,
        }),
    };
  });
  return [...encoder, dense('to_code', flat, code, false), dense('from_code', code, flat, true), ...decoder];
}
