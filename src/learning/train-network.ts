import type { Tensor } from 'onnxruntime-node';
import { seededRandom } from '../core/seeded-random.ts';
import type { TrainableNetwork, TrainingOptions } from './model-family.ts';
import { floatsOf } from './run-graph.ts';
import { createSession, onnxRuntime } from './runtime.ts';
import { outputName, stateNames, trainingGraph } from './training-graph.ts';

const batchSize = 64;

/** `data` is `[rows, width]`, standardised and centred. */
export interface TrainingData {
  readonly rows: number;
  readonly width: number;
  readonly values: Float32Array;
}

/**
 * Trains a network in ONNX Runtime, an epoch a `run`, from the parameters given. Same data, same seed, same machine: same parameters, bit for bit.
 * Rejects with the signal's reason between two epochs.
 */
export async function trainNetwork(
  network: TrainableNetwork,
  data: TrainingData,
  initial: readonly Float32Array[],
  { seed, epochs, learningRate, signal, onProgress }: TrainingOptions,
): Promise<Float32Array[]> {
  const { Tensor: OrtTensor } = await onnxRuntime();
  const session = await createSession(trainingGraph(network, data.rows, data.width));
  const random = seededRandom(seed);
  const batch = Math.min(batchSize, data.rows);
  const steps = Math.max(1, Math.floor(data.rows / batch));
  const names = stateNames(network);
  const scalar = (value: number): Tensor => new OrtTensor('float32', Float32Array.of(value), []);
  let state = initial.flatMap((values) => [values, new Float32Array(values.length), new Float32Array(values.length)]);
  const rows = new OrtTensor('float32', data.values, [data.rows, data.width]);
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      signal?.throwIfAborted();
      const order = BigInt64Array.from(shuffled(data.rows, random).slice(0, steps * batch), BigInt);
      const results = await session.run({
        data: rows,
        order: new OrtTensor('int64', order, [steps, batch]),
        rate: scalar(learningRate * 0.5 * (1 + Math.cos((Math.PI * epoch) / epochs))),
        taken: scalar(epoch * steps),
        ...Object.fromEntries(
          names.map((name, i) => [
            name,
            new OrtTensor('float32', state[i] as Float32Array, network.parameters[Math.floor(i / 3)]?.shape ?? []),
          ]),
        ),
      });
      state = names.map((name) => floatsOf(results, outputName(name)));
      const loss = floatsOf(results, 'loss').reduce((sum, value) => sum + value, 0) / steps;
      onProgress?.({ epoch: epoch + 1, epochs, loss });
    }
  } finally {
    await session.release();
  }
  return state.filter((_, i) => i % 3 === 0);
}

/** Fisher and Yates (1938), seeded. */
function shuffled(count: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
