import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { FettleError } from '../../core/errors.ts';
import { seededRandom } from '../../core/seeded-random.ts';
import { floatsOf } from '../run-graph.ts';
import { onnxRuntime } from '../runtime.ts';
import { adamFactors } from './adam.ts';
import { EarlyStopping } from './early-stopping.ts';
import type { TrainableNetwork } from './network.ts';
import { lossGraph, outputName, stateSlots, trainingGraph } from './training-graph.ts';
import { createTrainingSession } from './training-session.ts';

/** `values` is `[rows, width]`, standardised and centred. */
export interface TrainingData {
  readonly rows: number;
  readonly width: number;
  readonly values: Float32Array;
}

export interface TrainingProgress {
  readonly epoch: number;
  readonly epochs: number;
  /** Mean square error, the mean over the epoch's minibatches. */
  readonly loss: number;
  /** Of the unseen rows after the epoch; undefined where there are none. */
  readonly unseenLoss: number | undefined;
  /** Until the last epoch, at the pace so far; early stopping may end it sooner. */
  readonly secondsLeft: number;
}

export interface TrainingOptions {
  readonly seed: number;
  readonly epochs: number;
  /** Adam's step at the beginning; it falls to nothing along a cosine (Loshchilov and Hutter 2017, without restarts). */
  readonly learningRate: number;
  readonly batch?: number;
  /** Rows that no gradient sees. With them training stops after `patience` epochs that did not lower their error, and the best parameters are kept. */
  readonly unseen?: TrainingData;
  readonly patience?: number;
  /** What a larger network makes of the learning rows, `[rows, width]`, and its share in the loss, above 0 up to 1. */
  readonly teacher?: { readonly values: Float32Array; readonly share: number };
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

export interface TrainedNetwork {
  /** In the order of the network's: those of the best epoch where there are unseen rows, else of the last. */
  readonly parameters: readonly Float32Array[];
  readonly epochs: number;
  /** 0: nothing was better than what training began with. */
  readonly bestEpoch: number;
  readonly loss: number;
  readonly unseenLoss: number | undefined;
}

const defaultBatch = 64;
const defaultPatience = 10;

/**
 * Trains a network in ONNX Runtime, an epoch a `run`, from the parameters given. Same data, same seed, same machine: same parameters, bit for bit.
 * Rejects with the signal's reason between two epochs, and with FETTLE_TRAINING_FAILED when the loss is no number any more.
 */
export async function trainNetwork(
  network: TrainableNetwork,
  data: TrainingData,
  initial: readonly Float32Array[],
  options: TrainingOptions,
): Promise<TrainedNetwork> {
  const { seed, epochs, learningRate, unseen, patience = defaultPatience, teacher, signal, onProgress } = options;
  const began = performance.now();
  const batch = Math.min(options.batch ?? defaultBatch, data.rows);
  const trainer = await Trainer.create(network, data, initial, batch, teacher);
  try {
    const judge = unseen && (await Judge.create(network, unseen));
    try {
      const random = seededRandom(seed);
      const stopping = new EarlyStopping<readonly Tensor[]>(patience);
      if (judge) stopping.observe(0, await judge.loss(trainer.parameters), trainer.parameters);
      let loss = Number.NaN;
      let epoch = 0;
      while (epoch < epochs && !stopping.over) {
        signal?.throwIfAborted();
        loss = await trainer.epoch(shuffled(data.rows, random), learningRate, epoch * trainer.steps, epochs * trainer.steps);
        epoch++;
        const unseenLoss = judge && (await judge.loss(trainer.parameters));
        if (!Number.isFinite(loss + (unseenLoss ?? 0))) throw diverged(epoch, learningRate);
        if (unseenLoss !== undefined) stopping.observe(epoch, unseenLoss, trainer.parameters);
        const secondsLeft = ((performance.now() - began) / 1000 / epoch) * (epochs - epoch);
        onProgress?.({ epoch, epochs, loss, unseenLoss, secondsLeft });
      }
      const best = stopping.best ?? { epoch, loss: undefined, state: trainer.parameters };
      return { parameters: best.state.map(copied), epochs: epoch, bestEpoch: best.epoch, loss, unseenLoss: best.loss };
    } finally {
      await judge?.release();
    }
  } finally {
    await trainer.release();
  }
}

/** A session with the state that goes from epoch to epoch. */
class Trainer {
  readonly steps: number;
  readonly #session: InferenceSession;
  readonly #fixed: Readonly<Record<string, Tensor>>;
  readonly #batch: number;
  readonly #slots: readonly string[];
  #state: readonly Tensor[];

  private constructor(
    session: InferenceSession,
    fixed: Readonly<Record<string, Tensor>>,
    rows: number,
    batch: number,
    slots: readonly string[],
    state: readonly Tensor[],
  ) {
    this.#session = session;
    this.#fixed = fixed;
    this.#batch = batch;
    this.#slots = slots;
    this.#state = state;
    this.steps = Math.max(1, Math.floor(rows / batch));
  }

  static async create(
    network: TrainableNetwork,
    data: TrainingData,
    initial: readonly Float32Array[],
    batch: number,
    teacher: TrainingOptions['teacher'],
  ): Promise<Trainer> {
    const { Tensor: OrtTensor } = await onnxRuntime();
    const session = await createTrainingSession(trainingGraph(network, { rows: data.rows, batch, teacherShare: teacher?.share ?? 0 }));
    const slots = stateSlots(network);
    const state = slots.map(({ sizes }, i) => {
      const values = initial[Math.floor(i / 3)] as Float32Array;
      return new OrtTensor('float32', i % 3 === 0 ? values.slice() : new Float32Array(values.length), sizes);
    });
    const rows = (values: Float32Array): Tensor => new OrtTensor('float32', values, [data.rows, data.width]);
    const fixed = { data: rows(data.values), ...(teacher && { teacher: rows(teacher.values) }) };
    return new Trainer(
      session,
      fixed,
      data.rows,
      batch,
      slots.map(({ name }) => name),
      state,
    );
  }

  get parameters(): readonly Tensor[] {
    return this.#state.filter((_, i) => i % 3 === 0);
  }

  /** Mean loss of an epoch whose first step is number `taken` of `all`. */
  async epoch(order: readonly number[], learningRate: number, taken: number, all: number): Promise<number> {
    const { Tensor: OrtTensor } = await onnxRuntime();
    const { steps } = this;
    const rows = BigInt64Array.from(order.slice(0, steps * this.#batch), BigInt);
    const factors = new Float32Array(2 * steps);
    for (let i = 0; i < steps; i++) {
      const alpha = learningRate * 0.5 * (1 + Math.cos((Math.PI * (taken + i)) / all));
      const { rate, floor } = adamFactors(taken + i + 1, alpha);
      factors.set([rate, floor], 2 * i);
    }
    const results = await this.#session.run({
      ...this.#fixed,
      order: new OrtTensor('int64', rows, [steps, this.#batch]),
      factors: new OrtTensor('float32', factors, [steps, 2]),
      ...Object.fromEntries(this.#slots.map((name, i) => [name, this.#state[i] as Tensor])),
    });
    this.#state = this.#slots.map((name) => results[outputName(name)] as Tensor);
    return floatsOf(results, 'loss').reduce((sum, value) => sum + value, 0) / steps;
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}

/** The error of rows that no gradient sees. */
class Judge {
  readonly #session: InferenceSession;
  readonly #rows: Tensor;
  readonly #names: readonly string[];

  private constructor(session: InferenceSession, rows: Tensor, names: readonly string[]) {
    this.#session = session;
    this.#rows = rows;
    this.#names = names;
  }

  static async create(network: TrainableNetwork, unseen: TrainingData): Promise<Judge> {
    const { Tensor: OrtTensor } = await onnxRuntime();
    const session = await createTrainingSession(lossGraph(network));
    const rows = new OrtTensor('float32', unseen.values, [unseen.rows, unseen.width]);
    return new Judge(
      session,
      rows,
      network.parameters.map(({ name }) => name),
    );
  }

  async loss(parameters: readonly Tensor[]): Promise<number> {
    const feeds = Object.fromEntries(this.#names.map((name, i) => [name, parameters[i] as Tensor]));
    return floatsOf(await this.#session.run({ data: this.#rows, ...feeds }), 'loss')[0] as number;
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}

const copied = ({ data }: Tensor): Float32Array => Float32Array.from(data as Float32Array);

const diverged = (epoch: number, learningRate: number): FettleError =>
  new FettleError('FETTLE_TRAINING_FAILED', `the loss is no number any more after epoch ${epoch}`, {
    hint: `a smaller learning rate than ${learningRate}, or a look at the recording: values far outside the rest make it diverge`,
  });

/** Fisher and Yates (1938), seeded. */
function shuffled(count: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
