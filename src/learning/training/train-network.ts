import { FettleError } from '../../core/errors.ts';
import { seededRandom } from '../../core/seeded-random.ts';
import { EarlyStopping } from './early-stopping.ts';
import type { TrainableNetwork } from './network.ts';
import { unpack } from './packing.ts';
import { shuffled } from './shuffle.ts';
import { Trainer } from './trainer.ts';
import { threadsFor } from './training-session.ts';
import { UnseenLoss } from './unseen-loss.ts';

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
  /** Left out: what pays for the network, two at most. Another number may give other bits. One, where something else needs the machine more. */
  readonly threads?: number;
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
  const {
    seed,
    epochs,
    learningRate,
    unseen,
    patience = defaultPatience,
    teacher,
    threads = threadsFor(network),
    signal,
    onProgress,
  } = options;
  if (teacher && !(teacher.share > 0 && teacher.share <= 1))
    throw new RangeError(`a teacher's share is above 0 and at most 1, not ${teacher.share}`);
  const began = performance.now();
  const batch = Math.min(options.batch ?? defaultBatch, data.rows);
  await using trainer = await Trainer.create({ network, data, initial, batch, teacher, threads });
  await using judge = unseen && (await UnseenLoss.create(network, unseen, threads));
  const random = seededRandom(seed);
  const stopping = new EarlyStopping<Float32Array>(patience);
  if (judge) stopping.observe(0, await judge.of(trainer.values), trainer.values);
  let loss = Number.NaN;
  let epoch = 0;
  while (epoch < epochs && !stopping.over) {
    signal?.throwIfAborted();
    const first = epoch * trainer.steps;
    loss = await trainer.epoch(shuffled(data.rows, random), first, (step) => cosine(learningRate, step / (epochs * trainer.steps)));
    epoch++;
    const unseenLoss = judge && (await judge.of(trainer.values));
    if (!Number.isFinite(loss + (unseenLoss ?? 0))) throw diverged(epoch, learningRate);
    if (unseenLoss !== undefined) stopping.observe(epoch, unseenLoss, trainer.values);
    const secondsLeft = ((performance.now() - began) / 1000 / epoch) * (epochs - epoch);
    onProgress?.({ epoch, epochs, loss, unseenLoss, secondsLeft });
  }
  const best = stopping.best ?? { epoch, loss: undefined, state: trainer.values };
  return { parameters: unpack(network, best.state), epochs: epoch, bestEpoch: best.epoch, loss, unseenLoss: best.loss };
}

/** From `rate` down to nothing. */
const cosine = (rate: number, share: number): number => rate * 0.5 * (1 + Math.cos(Math.PI * share));

const diverged = (epoch: number, learningRate: number): FettleError =>
  new FettleError('FETTLE_TRAINING_FAILED', `the loss is no number any more after epoch ${epoch}`, {
    hint: `a smaller learning rate than ${learningRate}, or a look at the recording: values far outside the rest make it diverge`,
  });
