import { GraphBuilder, type Value } from '../../onnx/graph-builder.ts';
import type { ForeignModel } from './foreign-model.ts';

export type OutputKind = 'reconstruction' | 'score';

export interface WrappedModel {
  readonly model: ForeignModel;
  readonly kind: OutputKind;
  /** The model was trained on standardized channels, not on engineering units. */
  readonly standardized: boolean;
  /** By channel, engineering units. */
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
  /** One weight an element of the window, 1 / (deviation of its standardized residual + …); of a reconstruction. */
  readonly residualWeights: Float64Array;
  readonly explainSteps: number;
}

/**
 * Somebody's model as a graph of ours: `window` `[batch, length, channels]` in engineering units → `score`, `contributions`, `observed`, `expected`. A reconstruction is
 * judged by the mean squared weighted residual. A score is taken as it is: it says nothing of channels, so each has an equal part in it, and what is expected is what is
 * observed. With `diagnostic` the unweighted standardized residual `[batch, length · channels]` of a reconstruction comes out too.
 *
 * Made only of operators that have meant the same since opset 7: the graph keeps the model's own opset.
 */
export function wrappedGraph(wrapped: WrappedModel, diagnostic = false): Uint8Array {
  const { model, kind, standardized, mean, deviation, residualWeights, explainSteps } = wrapped;
  const { length, channels } = model;
  const width = length * channels;
  const graph = new GraphBuilder('detector');
  const window = graph.input('window', 'float', ['batch', length, channels]);
  const everywhere = (values: (channel: number) => number): Value =>
    graph.floats(
      Float64Array.from({ length: width }, (_, at) => values(at % channels)),
      [width],
    );
  const flat = graph.reshape(window, [-1, width]);
  const offset = everywhere((c) => mean[c] as number);
  const inverse = everywhere((c) => 1 / (deviation[c] as number));
  const centred = graph.multiply(graph.subtract(flat, offset), inverse);
  graph.node('Identity', [standardized ? graph.reshape(centred, [-1, length, channels]) : window], {}, [model.input]);
  graph.append(model.graph);

  const reconstruction = (): Value => {
    const given = graph.reshape(model.output, [-1, width]);
    return standardized ? given : graph.multiply(graph.subtract(given, offset), inverse);
  };
  const expectation = kind === 'score' ? centred : reconstruction();
  const ends = graph.floats(
    Float32Array.from({ length: width * channels }, (_, at) => {
      const element = Math.floor(at / channels);
      const counted = element % channels === at % channels && Math.floor(element / channels) >= length - explainSteps;
      return counted ? (deviation[at % channels] as number) / explainSteps : 0;
    }),
    [width, channels],
  );
  const inUnits = (values: Value): Value => graph.add(graph.matmul(values, ends), graph.floats(mean, [channels]));
  const { score, contributions } =
    kind === 'score' ? evenly(graph, model.output, channels) : weighed(graph, centred, expectation, residualWeights, channels);
  graph.output(graph.reshape(score, [-1]), 'score', 'float', ['batch']);
  graph.output(contributions, 'contributions', 'float', ['batch', channels]);
  graph.output(inUnits(centred), 'observed', 'float', ['batch', channels]);
  graph.output(inUnits(expectation), 'expected', 'float', ['batch', channels]);
  if (diagnostic && kind === 'reconstruction') graph.output(graph.subtract(centred, expectation), 'residual', 'float', ['batch', width]);
  return graph.model(model.opset);
}

interface Judged {
  readonly score: Value;
  readonly contributions: Value;
}

function evenly(graph: GraphBuilder, output: Value, channels: number): Judged {
  const score = graph.reshape(output, [-1, 1]);
  return { score, contributions: graph.matmul(score, graph.floats(new Array<number>(channels).fill(1 / channels), [1, channels])) };
}

function weighed(graph: GraphBuilder, centred: Value, expectation: Value, residualWeights: Float64Array, channels: number): Judged {
  const width = residualWeights.length;
  const weighted = graph.multiply(graph.subtract(centred, expectation), graph.floats(residualWeights, [width]));
  const byChannel = graph.floats(
    Float32Array.from({ length: width * channels }, (_, at) => (Math.floor(at / channels) % channels === at % channels ? 1 / width : 0)),
    [width, channels],
  );
  // Sums are products with a constant: ReduceSum adds in an order that depends on where in the batch a row lies.
  const contributions = graph.matmul(graph.multiply(weighted, weighted), byChannel);
  return { score: graph.matmul(contributions, graph.floats(new Array<number>(channels).fill(1), [channels, 1])), contributions };
}

/** The model alone, as it was given, for a first look at what it makes of windows. */
export function bareGraph({ graph: nodes, input, output, length, channels, opset }: ForeignModel): Uint8Array {
  const graph = new GraphBuilder('model');
  graph.node('Identity', [graph.input('window', 'float', ['batch', length, channels])], {}, [input]);
  graph.append(nodes);
  graph.output(output, 'given', 'float');
  return graph.model(opset);
}
