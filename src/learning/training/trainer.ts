import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { floatsOf } from '../run-graph.ts';
import { floatTensor, onnxRuntime } from '../runtime.ts';
import { adamFactors } from './adam.ts';
import type { TrainableNetwork } from './network.ts';
import { gather, type ParameterGroup } from './parameter-groups.ts';
import type { TrainingData, TrainingOptions } from './train-network.ts';
import { outputName, stateSlots, trainingGraph } from './training-graph.ts';
import { createTrainingSession } from './training-session.ts';

export interface TrainerParts {
  readonly network: TrainableNetwork;
  readonly groups: readonly ParameterGroup[];
  readonly data: TrainingData;
  readonly initial: readonly Float32Array[];
  readonly batch: number;
  readonly teacher: TrainingOptions['teacher'];
}

/** A training graph in a session, and the state that goes from epoch to epoch. */
export class Trainer implements AsyncDisposable {
  /** Minibatches an epoch; rows that fill none wait for the next shuffle. */
  readonly steps: number;
  readonly #session: InferenceSession;
  readonly #fixed: Readonly<Record<string, Tensor>>;
  readonly #batch: number;
  readonly #slots: readonly string[];
  #state: readonly Tensor[];

  private constructor(session: InferenceSession, { data, batch, groups }: TrainerParts, fixed: Record<string, Tensor>, state: Tensor[]) {
    this.#session = session;
    this.#fixed = fixed;
    this.#batch = batch;
    this.#slots = stateSlots(groups).map(({ name }) => name);
    this.#state = state;
    this.steps = Math.max(1, Math.floor(data.rows / batch));
  }

  static async create(parts: TrainerParts): Promise<Trainer> {
    const { network, groups, data, initial, batch, teacher } = parts;
    const rows = (values: Float32Array): Promise<Tensor> => floatTensor(values, [data.rows, data.width]);
    const fixed = { data: await rows(data.values), ...(teacher && { teacher: await rows(teacher.values) }) };
    const state: Tensor[] = [];
    for (const [g, values] of gather(groups, initial).entries()) {
      const { sizes } = groups[g] as ParameterGroup;
      for (const start of [values, new Float32Array(values.length), new Float32Array(values.length)])
        state.push(await floatTensor(start, sizes));
    }
    const model = trainingGraph(network, groups, { rows: data.rows, batch, teacherShare: teacher?.share ?? 0 });
    return new Trainer(await createTrainingSession(model), parts, fixed, state);
  }

  /** By group. A later epoch leaves them alone. */
  get values(): readonly Float32Array[] {
    return this.#state.flatMap(({ data }, i) => (i % 3 === 0 ? [data as Float32Array] : []));
  }

  /** Mean loss of an epoch over the rows in `order`, whose first step is number `first` (from 0); `rate` is the learning rate of a step. */
  async epoch(order: ArrayLike<number>, first: number, rate: (step: number) => number): Promise<number> {
    const { Tensor: OrtTensor } = await onnxRuntime();
    const { steps } = this;
    const factors = Array.from({ length: steps }, (_, i) => adamFactors(first + i + 1, rate(first + i)));
    const vector = (pick: (at: (typeof factors)[number]) => number): Promise<Tensor> =>
      floatTensor(Float32Array.from(factors, pick), [steps]);
    const results = await this.#session.run({
      ...this.#fixed,
      order: new OrtTensor(
        'int64',
        BigInt64Array.from({ length: steps * this.#batch }, (_, i) => BigInt(order[i] as number)),
        [steps, this.#batch],
      ),
      rates: await vector((factor) => factor.rate),
      floors: await vector((factor) => factor.floor),
      ...Object.fromEntries(this.#slots.map((name, i) => [name, this.#state[i] as Tensor])),
    });
    this.#state = this.#slots.map((name) => results[outputName(name)] as Tensor);
    return floatsOf(results, 'loss').reduce((sum, value) => sum + value, 0) / steps;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }
}
