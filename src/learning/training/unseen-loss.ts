import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { floatsOf } from '../run-graph.ts';
import { floatTensor } from '../runtime.ts';
import type { TrainableNetwork } from './network.ts';
import type { ParameterGroup } from './parameter-groups.ts';
import type { TrainingData } from './train-network.ts';
import { lossGraph } from './training-graph.ts';
import { createTrainingSession } from './training-session.ts';

/** The mean square error of rows that no gradient sees. */
export class UnseenLoss implements AsyncDisposable {
  readonly #session: InferenceSession;
  readonly #rows: Tensor;
  readonly #groups: readonly ParameterGroup[];

  private constructor(session: InferenceSession, rows: Tensor, groups: readonly ParameterGroup[]) {
    this.#session = session;
    this.#rows = rows;
    this.#groups = groups;
  }

  static async create(network: TrainableNetwork, groups: readonly ParameterGroup[], unseen: TrainingData): Promise<UnseenLoss> {
    const rows = await floatTensor(unseen.values, [unseen.rows, unseen.width]);
    return new UnseenLoss(await createTrainingSession(lossGraph(network, groups)), rows, groups);
  }

  /** With the values of each group. */
  async of(values: readonly Float32Array[]): Promise<number> {
    const feeds: Record<string, Tensor> = { data: this.#rows };
    for (const [g, { name, sizes }] of this.#groups.entries()) feeds[name] = await floatTensor(values[g] as Float32Array, sizes);
    return floatsOf(await this.#session.run(feeds), 'loss')[0] as number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }
}
