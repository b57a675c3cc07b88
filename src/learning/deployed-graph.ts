import { GraphBuilder, type Value } from '../onnx/graph-builder.ts';
import type { LinearWeights } from './linear-family.ts';
import { inputScale, type QuantizedWeights } from './quantize.ts';
import type { Representation } from './representation.ts';

export interface DeployedModel {
  readonly representation: Representation;
  /** By channel, engineering units. */
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
  readonly weights: LinearWeights;
  /** Absent: float32. */
  readonly quantized: QuantizedWeights | undefined;
  /** One weight a representation element: 1 / (deviation of its residual + …), DETECTOR 3.2. */
  readonly residualWeights: Float64Array;
}

/**
 * The graph that ships: `window` `[batch, length, channels]` float32 in engineering units → `score` `[batch]`, `contributions`, `observed` and `expected`
 * `[batch, channels]`. Everything stateless is inside; rows of the batch never meet, so a NaN spoils its own row only. With `diagnostic` the unweighted
 * residual `[batch, channels · blocks]` comes out too, from which weights and bands are calibrated on exactly the graph that ships.
 */
export function deployedGraph(model: DeployedModel, diagnostic = false): Uint8Array {
  const { representation, mean, deviation, weights } = model;
  const { length, channels, blocks, pooling, explainBlocks } = representation;
  const width = channels * blocks;
  const graph = new GraphBuilder('detector');
  const window = graph.input('window', 'float', ['batch', length, channels]);

  const standardized = graph.divide(
    graph.subtract(window, graph.floats(mean, [1, 1, channels])),
    graph.floats(deviation, [1, 1, channels]),
  );
  const byChannel = graph.transpose(standardized, [0, 2, 1]);
  const pooled = blocks === length ? byChannel : graph.matmul(byChannel, graph.floats(pooling.values, [length, blocks]));
  const centred = graph.subtract(graph.reshape(pooled, [-1, width]), graph.floats(weights.centre, [1, width]));

  const reconstruction =
    model.quantized === undefined ? floatNetwork(graph, centred, weights) : quantizedNetwork(graph, centred, model.quantized);
  const residual = graph.subtract(centred, reconstruction);
  const weighted = graph.multiply(residual, graph.floats(model.residualWeights, [1, width]));
  const squared = graph.reshape(graph.multiply(weighted, weighted), [-1, channels, blocks]);
  const contributions = graph.divide(graph.reduce('ReduceSum', squared, [2]), graph.scalar(width));

  const lastBlocks = (blockwise: Value): Value => {
    const slice = graph.op('Slice', [blockwise, graph.int64s([blocks - explainBlocks]), graph.int64s([blocks]), graph.int64s([2])]);
    const units = graph.multiply(graph.reduce('ReduceMean', slice, [2]), graph.floats(deviation, [1, channels]));
    return graph.add(units, graph.floats(mean, [1, channels]));
  };
  const rebuilt = graph.reshape(graph.add(reconstruction, graph.floats(weights.centre, [1, width])), [-1, channels, blocks]);

  graph.output(graph.reduce('ReduceSum', contributions, [1]), 'score', 'float', ['batch']);
  graph.output(contributions, 'contributions', 'float', ['batch', channels]);
  graph.output(lastBlocks(pooled), 'observed', 'float', ['batch', channels]);
  graph.output(lastBlocks(rebuilt), 'expected', 'float', ['batch', channels]);
  if (diagnostic) graph.output(residual, 'residual', 'float', ['batch', width]);
  return graph.model();
}

function floatNetwork(graph: GraphBuilder, centred: Value, { encoder, decoder, width, rank }: LinearWeights): Value {
  return graph.matmul(graph.matmul(centred, graph.floats(encoder, [width, rank])), graph.floats(decoder, [rank, width]));
}

/** f(a·x) = a·f(x) for a bias-free network: rows are brought to [-1, 1], go through static QDQ, and are scaled back. */
function quantizedNetwork(graph: GraphBuilder, centred: Value, weights: QuantizedWeights): Value {
  const { width, rank, encoder, encoderScale, decoder, decoderScale, codeScale } = weights;
  const size = graph.add(graph.reduce('ReduceMax', graph.op('Abs', [centred]), [1], true), graph.scalar(1e-12));
  const zero = graph.uint8s(Uint8Array.of(128), []);
  const quantized = (value: Value, scale: number): Value => {
    const step = graph.scalar(scale);
    return graph.op('DequantizeLinear', [graph.op('QuantizeLinear', [value, step, zero]), step, zero]);
  };
  const weight = (values: Int8Array, scale: Float32Array, rows: number, columns: number): Value =>
    graph.op(
      'DequantizeLinear',
      [graph.int8s(values, [rows, columns]), graph.floats(scale, [columns]), graph.int8s(new Int8Array(columns), [columns])],
      { axis: 1 },
    );
  const code = graph.matmul(quantized(graph.divide(centred, size), inputScale), weight(encoder, encoderScale, width, rank));
  return graph.multiply(graph.matmul(quantized(code, codeScale), weight(decoder, decoderScale, rank, width)), size);
}
