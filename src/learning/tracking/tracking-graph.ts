import type { LevelShares } from '../../detector/limit.ts';
import { GraphBuilder, type Value } from '../../onnx/graph-builder.ts';
import { attributionOf } from '../attribution.ts';
import { type Layer, layeredNetwork } from '../compression/layers.ts';
import { blockProduct, floatNetwork, int8Constant, quantizedNetwork } from '../deployed-graph.ts';
import { type QuantizedWeights, quantizeAlong, quantizeColumns } from '../quantize.ts';
import type { BlockWeights } from '../quantize-blocks.ts';
import type { LinearWeights } from '../training/linear-family.ts';
import { inference, type TrainableNetwork } from '../training/network.ts';

export interface LinearMember {
  readonly weights: LinearWeights;
  /** Absent: float32. */
  readonly quantized: QuantizedWeights | BlockWeights | undefined;
}

/** A trained network over windows `[channels, length]`, channel-major. `rounded`: its weights are kept in INT8, a scale an output; its arithmetic is float. */
export interface TrainedMember {
  readonly network: TrainableNetwork;
  readonly parameters: readonly Float32Array[];
  readonly rounded: boolean;
}

/** A network from centred windows to their reconstruction, bias-free. */
export type MemberNetwork = LinearMember | { readonly layers: readonly Layer[] } | TrainedMember;

/** One of the networks whose errors a tracking model joins. */
export type Member = MemberNetwork & {
  /** One weight an element of the window: 1 / (deviation of its residual + …), DETECTOR 3.2. */
  readonly residualWeights: Float64Array;
};

export interface TrackingModel {
  readonly length: number;
  readonly channels: number;
  /** By channel, engineering units: where the drift-corrected rows lie and how they spread. */
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
  /** Mean of the standardized windows, `[length · channels]`, step after step. */
  readonly centre: Float64Array;
  readonly members: readonly Member[];
  /** The member that says what was expected. */
  readonly explainMember: number;
  readonly explainSteps: number;
  /** Beside the networks, where they reproduce a shifted level: see `LevelLane`. */
  readonly levels?: LevelLane | undefined;
}

/** The mean of the window, whitened: a shifted level leaves a residual here whatever the networks make of it (detector study 2, section 5). */
export interface LevelLane extends LevelShares {
  /** By channel, deviations of the centred window. */
  readonly centre: Float64Array;
  /** `[channels, channels]`, symmetric: inverse square root of the covariance of the means. */
  readonly whitening: Float64Array;
}

/** TensorProto.DataType.FLOAT */
const floatType = 1;

/**
 * The graph of DETECTOR 3.7: `window` `[batch, length, channels]` of drift-corrected rows in engineering units → `score` (geometric mean over the networks of the mean
 * squared weighted residual), `contributions`, `observed`, `expected`, and `parts` `[batch, members · channels]` from which the score without some channels follows.
 * With `diagnostic` the unweighted residuals `[batch, members · width]` come out too.
 */
export function trackingGraph(model: TrackingModel, diagnostic = false): Uint8Array {
  const { length, channels, members, explainSteps } = model;
  const width = length * channels;
  const graph = new GraphBuilder('detector');
  const window = graph.input('window', 'float', ['batch', length, channels]);
  const everywhere = (value: (element: number) => number): Value =>
    graph.floats(
      Float64Array.from({ length: width }, (_, at) => value(at)),
      [width],
    );
  const of = (values: Float64Array, at: number): number => values[at % channels] as number;
  // The mean goes first: in float32 a large level would swallow what varies on top of it.
  const deviations = graph.subtract(
    graph.reshape(window, [-1, width]),
    everywhere((at) => of(model.mean, at)),
  );
  const centred = graph.subtract(
    graph.multiply(
      deviations,
      everywhere((at) => 1 / of(model.deviation, at)),
    ),
    graph.floats(model.centre, [width]),
  );
  // Sums over the steps of each channel are products with identities below each other: stored once, a byte an element, and put together when the model is loaded.
  const [one, none] = [1, 0].map((diagonal) =>
    graph.op(
      'Cast',
      [
        graph.uint8s(
          Uint8Array.from({ length: channels * channels }, (_, at) => (at % (channels + 1) === 0 ? diagonal : 0)),
          [channels, channels],
        ),
      ],
      {
        to: floatType,
      },
    ),
  ) as [Value, Value];
  const overSteps = (counts: (step: number) => boolean): Value =>
    length === 1
      ? one
      : graph.op(
          'Concat',
          Array.from({ length }, (_, step) => (counts(step) ? one : none)),
          { axis: 0 },
        );
  const byChannel = overSteps(() => true);
  const column = (size: number, share: number): Value => graph.floats(new Array<number>(size).fill(share), [size, 1]);
  const errors = members.map(({ residualWeights, ...network }) => {
    const reconstruction = networkOf(graph, centred, network, model);
    const residual = graph.subtract(centred, reconstruction);
    const weighted = graph.multiply(residual, graph.floats(residualWeights, [width]));
    // Sums are products with a constant: ReduceSum adds in an order that depends on where in the batch a row lies.
    const parts = graph.matmul(graph.multiply(weighted, weighted), byChannel);
    const mean = graph.add(graph.matmul(parts, column(channels, 1 / width)), graph.scalar(1e-12));
    return { reconstruction, residual, weighted, parts, mean };
  });
  const total = (values: readonly Value[]): Value => values.reduce((sum, value) => graph.add(sum, value));
  const share = graph.scalar(1 / members.length);
  // A geometric mean by roots: Log and Exp work on several rows at once and on the last few one by one, and differ in the last bit between the two.
  const ofNetworks = errors.map(({ mean }) => graph.op('Pow', [mean, share])).reduce((product, root) => graph.multiply(product, root));
  const { levels } = model;
  const lane = levels && laneOf(graph, graph.matmul(centred, byChannel), levels, length, channels);
  const score = levels
    ? graph.add(
        graph.multiply(ofNetworks, graph.scalar(levels.networks)),
        graph.matmul(lane as Value, column(channels, levels.mean / width)),
      )
    : ofNetworks;
  const explaining = members[model.explainMember] as Member;
  // A linear member says which channel would have to be another; of others the plain residual must do.
  const contributions =
    'weights' in explaining
      ? attributed(graph, model, explaining, errors[model.explainMember]?.weighted ?? centred, score)
      : graph.multiply(
          total(errors.map(({ parts, mean }) => graph.divide(parts, mean))),
          graph.multiply(score, graph.scalar(1 / (width * members.length))),
        );

  // The mean of the last steps of each channel, back in engineering units.
  const ends = overSteps((step) => step >= length - explainSteps);
  const unit = graph.floats(
    Float64Array.from({ length: channels }, (_, c) => (model.deviation[c] as number) / explainSteps),
    [channels],
  );
  const level = graph.floats(
    Float64Array.from({ length: channels }, (_, c) => {
      let centre = 0;
      for (let step = length - explainSteps; step < length; step++) centre += (model.centre[step * channels + c] as number) / explainSteps;
      return (model.mean[c] as number) + (model.deviation[c] as number) * centre;
    }),
    [channels],
  );
  const inUnits = (values: Value): Value => graph.add(graph.multiply(graph.matmul(values, ends), unit), level);
  graph.output(graph.reshape(score, [-1]), 'score', 'float', ['batch']);
  graph.output(contributions, 'contributions', 'float', ['batch', channels]);
  graph.output(inUnits(centred), 'observed', 'float', ['batch', channels]);
  graph.output(inUnits(errors[model.explainMember]?.reconstruction ?? centred), 'expected', 'float', ['batch', channels]);
  const joined = (values: readonly Value[]): Value =>
    values.length === 1 ? (values[0] as Value) : graph.op('Concat', values, { axis: 1 });
  const parts = [...errors.map((error) => error.parts), ...(lane ? [lane] : [])];
  graph.output(joined(parts), 'parts', 'float', ['batch', parts.length * channels]);
  if (diagnostic) graph.output(joined(errors.map(({ residual }) => residual)), 'residual', 'float', ['batch', members.length * width]);
  return graph.model();
}

/** Squares of the whitened mean, by channel, times the steps: as large a part as those of a network. */
function laneOf(graph: GraphBuilder, sums: Value, { centre, whitening }: LevelLane, length: number, channels: number): Value {
  const means = graph.subtract(graph.multiply(sums, graph.scalar(1 / length)), graph.floats(centre, [channels]));
  const white = graph.matmul(means, graph.floats(whitening, [channels, channels]));
  return graph.multiply(graph.multiply(white, white), graph.scalar(length));
}

/** What each channel explains of the score, by the member that says what was expected: the plain residual smears a fault over all that move with it. */
function attributed(
  graph: GraphBuilder,
  { channels, length }: TrackingModel,
  { weights, residualWeights }: LinearMember & Pick<Member, 'residualWeights'>,
  weighted: Value,
  score: Value,
): Value {
  const { encoder, decoder, rank, width } = weights;
  const { matrix, directions } = attributionOf({
    channels,
    blocks: length,
    at: (channel, step) => step * channels + channel,
    encoder,
    decoder,
    rank,
    residualWeights,
  });
  const columns = channels * directions;
  const evidence = graph.matmul(weighted, int8Constant(graph, quantizeColumns(Float32Array.from(matrix), width, columns), columns));
  const ones = (size: number): Value => graph.floats(new Array<number>(size).fill(1), [size, 1]);
  const explained = graph.reshape(graph.matmul(graph.reshape(graph.multiply(evidence, evidence), [-1, directions]), ones(directions)), [
    -1,
    channels,
  ]);
  const all = graph.add(graph.matmul(explained, ones(channels)), graph.scalar(1e-30));
  return graph.multiply(explained, graph.divide(score, all));
}

function networkOf(graph: GraphBuilder, centred: Value, network: MemberNetwork, { length, channels }: TrackingModel): Value {
  if ('network' in network) {
    const turned = (values: Value, from: number, to: number): Value =>
      graph.reshape(graph.transpose(graph.reshape(values, [-1, from, to]), [0, 2, 1]), [-1, length * channels]);
    return turned(inference(graph, network.network, turned(centred, length, channels), constantsOf(graph, network)), channels, length);
  }
  if ('layers' in network) return layeredNetwork(graph, centred, network.layers);
  const { weights, quantized } = network;
  if (quantized === undefined) return floatNetwork(graph, centred, weights);
  if (!('block' in quantized.encoder)) return quantizedNetwork(graph, centred, quantized as QuantizedWeights);
  const { encoder, decoder } = quantized as BlockWeights;
  return blockProduct(graph, blockProduct(graph, centred, encoder), decoder);
}

function constantsOf(graph: GraphBuilder, { network, parameters, rounded }: TrainedMember): Value[] {
  return network.parameters.map(({ shape, outputAxis }, i) => {
    const values = parameters[i] as Float32Array;
    if (!rounded || outputAxis === undefined) return graph.floats(values, shape);
    const { values: codes, scale } = quantizeAlong(values, shape, outputAxis);
    return graph.op('DequantizeLinear', [graph.int8s(codes, shape), graph.floats(scale, [scale.length])], { axis: outputAxis });
  });
}
