import { GraphBuilder } from '../../onnx/graph-builder.ts';
import { floatsOf } from '../run-graph.ts';
import { createSession, floatTensor } from '../runtime.ts';
import { inference, type TrainableNetwork } from './network.ts';
import type { TrainingData } from './train-network.ts';

/** What a network makes of rows, `[rows, width]`: a teacher's word for its student, for example. */
export async function runNetwork(
  network: TrainableNetwork,
  parameters: readonly Float32Array[],
  data: TrainingData,
): Promise<Float32Array> {
  const graph = new GraphBuilder('network');
  const rows = graph.input('rows', 'float', ['rows', network.width]);
  const constants = network.parameters.map(({ shape }, i) => graph.floats(parameters[i] ?? [], shape));
  graph.output(inference(graph, network, rows, constants), 'reconstruction', 'float', ['rows', network.width]);
  const session = await createSession(graph.model());
  try {
    return floatsOf(await session.run({ rows: await floatTensor(data.values, [data.rows, data.width]) }), 'reconstruction');
  } finally {
    await session.release();
  }
}
