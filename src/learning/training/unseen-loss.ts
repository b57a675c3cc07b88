import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { floatsOf } from '../run-graph.ts';
import { floatTensor } from '../runtime.ts';
import type { TrainableNetwork } from './network.ts';
import type { TrainingData } from './train-network.ts';
import { lossGraph } from './training-graph.ts';
import { createTrainingSession } from './training-session.ts';

/** The mean square error of rows that no gradient sees. */
export class UnseenLoss implements AsyncDisposable {
  readonly #session: InferenceSession;
  readonly #rows: Tensor;

  private constructor(session: InferenceSession, rows: Tensor) {
    this.#session = session;
    this.#rows = rows;
  }

  static async create(network: TrainableNetwork, unseen: TrainingData, threads: number): Promise<UnseenLoss> {
    const rows = await floatTensor(unseen.values, [unseen.rows, unseen.width]);
    return new UnseenLoss(await createTrainingSession(lossGraph(network), threads), rows);
  }

  /** With all parameters in one vector. */
  async of(values: Float32Array): Promise<number> {
    const results = await this.#session.run({ data: this.#rows, values: await floatTensor(values, [values.length]) });
    return floatsOf(results, 'loss')[0] as number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }
}
