import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { floatsOf } from '../run-graph.ts';
import { floatTensor, onnxRuntime } from '../runtime.ts';
import { adamFactors } from './adam.ts';
import type { TrainableNetwork } from './network.ts';
import { pack } from './packing.ts';
import type { TrainingData, TrainingOptions } from './train-network.ts';
import { outputName, type TrainingState, trainingGraph } from './training-graph.ts';
import { createTrainingSession } from './training-session.ts';

export interface TrainerParts {
  readonly network: TrainableNetwork;
  readonly data: TrainingData;
  readonly initial: readonly Float32Array[];
  readonly batch: number;
  readonly threads: number;
  readonly teacher: TrainingOptions['teacher'];
}

/** A training graph in a session, and the state that goes from epoch to epoch. */
export class Trainer implements AsyncDisposable {
  /** Minibatches an epoch; rows that fill none wait for the next shuffle. */
  readonly steps: number;
  readonly #session: InferenceSession;
  readonly #fixed: Readonly<Record<string, Tensor>>;
  readonly #batch: number;
  #state: TrainingState<Float32Array>;

  private constructor(session: InferenceSession, { network, data, initial, batch }: TrainerParts, fixed: Record<string, Tensor>) {
    this.#session = session;
    this.#fixed = fixed;
    this.#batch = batch;
    const values = pack(network, initial);
    this.#state = { values, sum: new Float32Array(values.length), squares: new Float32Array(values.length) };
    this.steps = Math.max(1, Math.floor(data.rows / batch));
  }

  static async create(parts: TrainerParts): Promise<Trainer> {
    const { network, data, batch, threads, teacher } = parts;
    const rows = (values: Float32Array): Promise<Tensor> => floatTensor(values, [data.rows, data.width]);
    const fixed = { data: await rows(data.values), ...(teacher && { teacher: await rows(teacher.values) }) };
    const model = trainingGraph(network, { rows: data.rows, batch, teacherShare: teacher?.share ?? 0 });
    return new Trainer(await createTrainingSession(model, threads), parts, fixed);
  }

  /** All parameters in one vector; a later epoch makes a new one. */
  get values(): Float32Array {
    return this.#state.values;
  }

  /** Mean loss of an epoch over the rows in `order`, whose first step is number `first` (from 0); `rate` is the learning rate of a step. */
  async epoch(order: Int32Array, first: number, rate: (step: number) => number): Promise<number> {
    const { Tensor: OrtTensor } = await onnxRuntime();
    const { steps } = this;
    const factors = Array.from({ length: steps }, (_, i) => adamFactors(first + i + 1, rate(first + i)));
    const vector = (values: Float32Array): Promise<Tensor> => floatTensor(values, [values.length]);
    const results = await this.#session.run({
      ...this.#fixed,
      order: new OrtTensor('int32', order.subarray(0, steps * this.#batch), [steps, this.#batch]),
      rates: await vector(Float32Array.from(factors, (factor) => factor.rate)),
      floors: await vector(Float32Array.from(factors, (factor) => factor.floor)),
      values: await vector(this.#state.values),
      sum: await vector(this.#state.sum),
      squares: await vector(this.#state.squares),
    });
    const next = (name: keyof TrainingState<unknown>): Float32Array => floatsOf(results, outputName(name));
    this.#state = { values: next('values'), sum: next('sum'), squares: next('squares') };
    return floatsOf(results, 'loss').reduce((sum, value) => sum + value, 0) / steps;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }
}
