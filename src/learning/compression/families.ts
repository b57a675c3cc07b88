import { FettleError } from '../../core/errors.ts';
import { thinned } from '../split.ts';
import { describeLinear, fitTested, type LearningSet, type LearntModel, type Precision, quantizedIn } from '../tracking/learn.ts';
import { windowMatrix } from '../tracking/tracked-rows.ts';
import type { MemberNetwork } from '../tracking/tracking-graph.ts';
import { conv1dFamily } from '../training/conv1d-family.ts';
import { denseFamily } from '../training/dense-family.ts';
import { centredRows } from '../training/linear-family.ts';
import type { FamilyName } from '../training/network.ts';
import { type TrainingProgress, trainNetwork } from '../training/train-network.ts';
import { type FloatLayer, roundLayers } from './layers.ts';
import { Judge } from './worth.ts';

export type FamilyChoice = FamilyName | 'auto';

/** The networks of a family, learnt from one history, in the precision wanted. */
export interface FamilyNetworks {
  readonly family: FamilyName;
  /** In words: what a CARD says of it. */
  readonly description: string;
  membersIn(precision: Precision): MemberNetwork[];
}

export interface FamilyOptions {
  readonly seed?: number;
  /** `auto`: a family that is not through by then is given up. */
  readonly seconds?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((family: FamilyName, progress: TrainingProgress) => void) | undefined;
}

/** Wider than this it learns for minutes. */
const widest = 128;
const epochs = 200;
const learningRate = 2e-3;
const taughtShare = 0.85;
const mostWindows = 20_000;
/** By how much the area under the curve of another family has to be larger: less is luck of the windows. */
const worthChanging = 0.01;
/** Below this, networks that bend learn their few rows by heart (detector study 2, section 4). */
const fewestRowsToBend = 1_800;
const defaultSeconds = 60;

/** The principal components: found in closed form, and off the learnt range nothing else extrapolates as well. */
export const linearNetworks = (set: LearningSet): FamilyNetworks => ({
  family: 'linear',
  description: describeLinear(set.networks),
  membersIn: (precision) => set.networks.map((weights) => ({ weights, quantized: quantizedIn(precision, weights, set.refitting) })),
});

/**
 * A network that bends, trained in ONNX Runtime with early stopping on the last windows of the teaching part. Bias-free, so that it extrapolates in proportion and INT8 is homogeneous. Seeded. Rejects with
 * FETTLE_TRAINING_FAILED and with the signal's reason.
 */
export async function bentNetworks(
  set: LearningSet,
  family: 'dense' | 'conv1d',
  { seed = 1, signal, onProgress }: FamilyOptions = {},
): Promise<FamilyNetworks> {
  const { length, channels } = set.base;
  const width = length * channels;
  const rank = set.networks[Math.floor(set.networks.length / 2)]?.rank ?? Math.ceil(width / 4);
  const hidden = Math.min(widest, 2 * width);
  const kind =
    family === 'dense'
      ? denseFamily({ hidden: [hidden, rank, hidden], bias: false })
      : conv1dFamily({ filters: [Math.max(16, channels)], kernel: 3, code: rank, bias: false });
  const windows = centredRows(windowMatrix(set.tracked, thinned(set.learning, mostWindows), length), set.base.centre);
  // Convolutions run along the steps of a channel.
  const values = family === 'conv1d' ? channelMajor(windows, length, channels) : windows;
  const rows = values.length / width;
  const taught = Math.max(1, Math.floor(taughtShare * rows));
  const learning = values.slice(0, taught * width);
  const { network, initial } = kind.build({ channels, length, rows: taught, values: learning }, seed);
  const { parameters } = await trainNetwork(network, { rows: taught, width, values: learning }, initial, {
    seed,
    epochs,
    learningRate,
    threads: 1,
    unseen: { rows: rows - taught, width, values: values.slice(taught * width) },
    onProgress: (progress) => onProgress?.(family, progress),
    ...(signal && { signal }),
  });
  if (family === 'conv1d')
    return {
      family,
      description: `a convolutional autoencoder (${Math.max(16, channels)} filters of 3 rows, code ${rank})`,
      membersIn: (precision) => [{ network, parameters, rounded: precision !== 'fp32' }],
    };
  const widths = [width, hidden, rank, hidden, width];
  const layers = parameters.map(
    (weights, l): FloatLayer => ({
      inputs: widths[l] as number,
      outputs: widths[l + 1] as number,
      rectified: l === 0 || l === 2,
      weights,
    }),
  );
  return {
    family,
    description: `an autoencoder ${widths.join('-')} with ReLU`,
    membersIn: (precision) => [{ layers: roundLayers(layers, precision) }],
  };
}

/**
 * The family that tells steps of 1 to 3 deviations from unseen healthy windows best, if it does so clearly better than the linear one and its self-test sees no less; no label is used. Families that bend are tried only where there are rows
 * enough, and as long as the time allows. Rejects with the signal's reason.
 */
export async function chooseFamily(set: LearningSet, choice: FamilyChoice, options: FamilyOptions = {}): Promise<FamilyNetworks> {
  const linear = linearNetworks(set);
  if (choice === 'linear' || (choice === 'auto' && set.prepared.rows < fewestRowsToBend)) return linear;
  if (choice !== 'auto') return bentNetworks(set, choice, options);
  const reference = await fitTested(set, linear.membersIn('fp32'), 'fp32', options.signal);
  const judge = await Judge.beside(set, reference);
  const outOfTime = AbortSignal.timeout((options.seconds ?? defaultSeconds) * 1000);
  const signal = options.signal === undefined ? outOfTime : AbortSignal.any([options.signal, outOfTime]);
  let best = { networks: linear, gain: worthChanging };
  try {
    for (const family of ['dense', 'conv1d'] as const) {
      const networks = await bentNetworks(set, family, { ...options, signal });
      const model = await fitTested(set, networks.membersIn('fp32'), 'fp32', signal);
      const gain = -(await judge.worthOf(model)).loss;
      if (gain > best.gain && seen(model) >= seen(reference)) best = { networks, gain };
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    // What is out of time, or does not converge, is no candidate.
    if (!outOfTime.aborted && !(error instanceof FettleError)) throw error;
  }
  return best.networks;
}

const seen = ({ selfTest }: LearntModel): number => selfTest?.share ?? 1;

/** `[rows, length, channels]` → `[rows, channels, length]` */
function channelMajor(values: Float32Array, length: number, channels: number): Float32Array {
  const width = length * channels;
  return values.map((_, at) => {
    const [row, element] = [Math.floor(at / width), at % width];
    return values[row * width + (element % length) * channels + Math.floor(element / length)] as number;
  });
}
