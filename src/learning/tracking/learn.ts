import { type DetectorParameters, detectorSchema } from '../../core/detector.ts';
import { FettleError } from '../../core/errors.ts';
import { limitForBudget } from '../../detector/budget.ts';
import { limitOf, type PartsShape, scoreOf, sustainedLimit } from '../../detector/limit.ts';
import { columnMeans, covariance, type Matrix, symmetricEigen } from '../matrix.ts';
import { quantizeLinear } from '../quantize.ts';
import { quantizeLinearBlocks } from '../quantize-blocks.ts';
import { refineBlocks } from '../refine-blocks.ts';
import { runGraph } from '../run-graph.ts';
import { thinned } from '../split.ts';
import { centredRows, type LinearWeights } from '../training/linear-family.ts';
import type { FamilyName } from '../training/network.ts';
import { type History, type PreparedHistory, prepareHistory, teachingShare } from './history.ts';
import { levelLane } from './level-lane.ts';
import { limitsWithout, type Without } from './limits-without.ts';
import { type SelfTest, selfTest, weakShare } from './self-test.ts';
import { slowReference } from './slow-reference.ts';
import { type TrackedRows, trackRows, windowMatrix, windowStarts } from './tracked-rows.ts';
import { type LevelLane, type LinearMember, type Member, type MemberNetwork, type TrackingModel, trackingGraph } from './tracking-graph.ts';

/** Lengths in rows of the grid; where they come from and what each is worth: DETECTOR 3.1, docs/detector.md. */
export const recipe = {
  halfLives: { baseline: 60, scale: 600, level: 450 },
  energies: [0.85, 0.9, 0.95],
  windowRows: { least: 3, most: 10 },
  median: 7,
  cusum: 2,
  offDelayRows: 8,
  /** Half-life of the mean of ln(score) that keeps an alarm from ending in the middle of what it is about. */
  sustainedRows: 10,
  rearmRows: 1_200,
  levelCap: 2,
  decisionRows: 5,
  quantile: 0.98,
  margin: 0.5,
  room: 1.05,
} as const;

export type Recipe = { readonly [Key in keyof typeof recipe]: (typeof recipe)[Key] extends number ? number : (typeof recipe)[Key] };
export type Precision = 'fp32' | 'int8' | 'int4' | 'int2';

/** A graph and what stands around it, both found on the graph that ships. */
export interface LearntModel {
  readonly precision: Precision;
  readonly graph: Uint8Array;
  readonly detector: DetectorParameters;
  readonly limit: number;
  /** How the limit was found, in words. */
  readonly method: string;
  readonly blocks: number;
  readonly windows: number;
  /** Median and largest running score of the unseen windows over the limit. */
  readonly medianRatio: number;
  readonly maxRatio: number;
  /** By channel, engineering units. */
  readonly residualDeviation: Float64Array;
  /** Undefined where it was not asked, or the history has no stretch to replay. */
  readonly selfTest?: SelfTest | undefined;
}

export interface Learnt {
  readonly history: PreparedHistory;
  readonly tracked: TrackedRows;
  readonly length: number;
  readonly family: FamilyName;
  /** The networks in words. */
  readonly description: string;
  readonly learningWindows: number;
  /** Windows of drift-corrected rows in engineering units, of the unseen part, for golden vectors and probes. */
  readonly unseen: readonly Float64Array[];
  readonly models: ReadonlyMap<Precision, LearntModel>;
}

export type LearnOptions = Partial<Recipe> & {
  /** False alarms a day that can be put up with: sets the limit where there is enough history to tell. */
  readonly budgetPerDay?: number;
  /** Rows of the history that make one of the detector's; found in the history when absent. */
  readonly rowsPerStep?: number;
  readonly signal?: AbortSignal;
};

const fewestWindows = 8;
const mostLearningWindows = 20_000;
const mostWeighingWindows = 8_000;
/** Windows the decoder is fitted to anew behind a quantized encoder. */
const mostRefittingWindows = 4_000;
const mostCalibrationWindows = 100_000;
const probeWindows = 256;
/** Where a budget is asked for and there is too little history to keep a promise: wider, and it says so. */
const unknownBudgetRoom = 1.25;
const residualFloor = 0.05;

/**
 * Healthy rows → a tracking model in each precision asked for. Deterministic. Throws FETTLE_TRAINING_FAILED where there is too little to learn from; rejects with the
 * signal's reason.
 */
export async function learnTracking(
  history: History,
  precisions: readonly Precision[],
  { signal, ...options }: LearnOptions = {},
): Promise<Learnt> {
  const set = learningSet(history, options);
  const models = new Map<Precision, LearntModel>();
  for (const precision of precisions) {
    signal?.throwIfAborted();
    const members = set.networks.map((weights): MemberNetwork => ({ weights, quantized: quantizedIn(precision, weights, set.refitting) }));
    models.set(precision, await fitTested(set, members, precision, signal));
  }
  return learntFrom(set, models);
}

/** What every model of one history shares: its rows and windows, the networks in float, and how limits are found. */
export interface LearningSet {
  readonly base: Omit<TrackingModel, 'members' | 'explainMember'>;
  readonly networks: readonly LinearWeights[];
  /** Centred learning windows that what comes behind a rounded layer is fitted to, `[windows, width]`. */
  readonly refitting: Float32Array;
  /** Rows as the gateway will feed them, engineering units. */
  readonly corrected: Float64Array;
  /** First rows of windows. */
  readonly learning: readonly number[];
  readonly unseen: readonly number[];
  readonly tracked: TrackedRows;
  readonly prepared: PreparedHistory;
  readonly settings: Recipe;
  readonly slow: DetectorParameters['slow'];
  readonly budgetPerDay: number | undefined;
  readonly stepMs: number;
}

/** Throws FETTLE_TRAINING_FAILED where there is too little to learn from. */
export function learningSet(history: History, { budgetPerDay, rowsPerStep, ...changes }: Omit<LearnOptions, 'signal'> = {}): LearningSet {
  const settings: Recipe = { ...recipe, ...changes };
  const prepared = prepareHistory(history, rowsPerStep);
  const tracked = trackRows(prepared, teachingShare, settings.halfLives.baseline);
  const { channels, border, rows } = tracked;
  const { least, most } = settings.windowRows;
  const length = Math.min(most, Math.max(least, Math.floor(border / (4 * channels))));
  const learning = thinned(windowStarts(tracked, length, 0, border), mostLearningWindows);
  const inside = windowStarts(tracked, length, border, rows);
  // The latest, one after the other: a running median and the maximum of a block mean nothing over windows picked here and there.
  const unseen = (rows - border > 3 * length ? inside : windowStarts(tracked, length, border, rows, true)).slice(-mostCalibrationWindows);
  if (learning.length < fewestWindows || unseen.length < fewestWindows) {
    throw new FettleError(
      'FETTLE_TRAINING_FAILED',
      `${rows} rows that say something new are too few for ${channels} channels: ${learning.length} windows of ${length} rows to learn from, ${unseen.length} to calibrate on`,
      { hint: 'record for longer, or on a finer grid' },
    );
  }
  const windows = windowMatrix(tracked, learning, length);
  const centre = columnMeans(windows);
  const networks = linearNetworks(windows, centre, settings.energies);
  const base = {
    length,
    channels,
    mean: tracked.mean.map((mean, c) => mean + (tracked.deviation[c] as number) * (tracked.residualMean[c] as number)),
    deviation: tracked.deviation.map((deviation, c) => deviation * (tracked.residualDeviation[c] as number)),
    centre,
    explainSteps: Math.min(3, length),
  };
  const corrected = correctedRows(tracked);
  const refitting = centredRows(windowMatrix(tracked, thinned(learning, mostRefittingWindows), length), centre);
  return {
    base,
    networks,
    refitting,
    corrected,
    learning,
    unseen,
    tracked,
    prepared,
    settings,
    slow: slowReference(tracked),
    budgetPerDay,
    stepMs: prepared.stepMs,
  };
}

export function learntFrom(
  { base, networks, corrected, learning, unseen, tracked, prepared }: LearningSet,
  models: Learnt['models'],
): Learnt {
  const { length, channels } = base;
  const span = length * channels;
  return {
    history: prepared,
    tracked,
    length,
    family: 'linear',
    description: describeLinear(networks),
    learningWindows: learning.length,
    unseen: thinned(unseen, probeWindows).map((start) => corrected.slice(start * channels, start * channels + span)),
    models,
  };
}

export const describeLinear = (networks: readonly LinearWeights[]): string =>
  `${networks.length} linear autoencoders (ranks ${networks.map(({ rank }) => rank).join(', ')})`;

/** `rows`: `refitting` of the learning set. */
export function quantizedIn(precision: Precision, weights: LinearWeights, rows: Float32Array): LinearMember['quantized'] {
  if (precision === 'fp32') return undefined;
  if (precision === 'int8') return quantizeLinear(weights, rows);
  if (precision === 'int4') return quantizeLinearBlocks(weights, rows, 4);
  return refineBlocks(quantizeLinearBlocks(weights, rows, 2), weights, rows);
}

/** Fits and tests; where the networks turn out blind, or rows repeat one another, the lane of levels is added if that sees more. It costs calm, so not everywhere. */
export async function fitTested(
  set: LearningSet,
  members: readonly MemberNetwork[],
  precision: Precision,
  signal?: AbortSignal,
): Promise<LearntModel> {
  const fitted = async (withLevels: boolean): Promise<LearntModel> => {
    const model = await fitMembers(set, members, precision, signal, withLevels);
    const tested = await selfTest({ ...model, stepMs: set.stepMs, length: set.base.length }, set.prepared, signal);
    return { ...model, selfTest: tested };
  };
  const plain = await fitted(false);
  const repeats = set.prepared.grid.repeating.length > 0;
  if ((plain.selfTest?.share ?? 1) >= weakShare && !repeats) return plain;
  const levelled = await fitted(true);
  const [plainly, levelly] = [plain.selfTest?.share ?? 0, levelled.selfTest?.share ?? 0];
  // A step on top of a value that is held is not how a held value comes to move: the test cannot tell, and a tie is for the lane.
  return levelly > plainly || (repeats && levelly === plainly) ? levelled : plain;
}

/** Residual weights, limit and bands on the very graph that ships: with another graph's the false-alarm rate doubles (DETECTOR 3.8). */
export async function fitMembers(
  { base, corrected, learning, unseen, tracked, prepared, settings, slow, budgetPerDay, stepMs }: LearningSet,
  members: readonly MemberNetwork[],
  precision: Precision,
  signal?: AbortSignal,
  withLevels = false,
): Promise<LearntModel> {
  const { length, channels } = base;
  const model = { ...base, explainMember: Math.floor(members.length / 2) };
  const width = length * channels;
  const windowsAt = (starts: readonly number[]) => ({
    rows: corrected,
    offsets: starts.map((start) => start * channels),
    length,
    channels,
  });
  const lane = async (): Promise<LevelLane> => {
    const starts = thinned(learning, mostWeighingWindows);
    const { score } = await runGraph(trackingGraph({ ...model, members: weighted }), windowsAt(starts), signal);
    return levelLane(windowMatrix(tracked, starts, length), base.centre, channels, score);
  };
  const even = new Float64Array(width).fill(1);
  const unweighted = trackingGraph({ ...model, members: members.map((member) => ({ ...member, residualWeights: even })) }, true);
  const { residual, observed, expected } = await runGraph(unweighted, windowsAt(thinned(learning, mostWeighingWindows)), signal);
  const weighted = members.map(
    (member, m): Member => ({ ...member, residualWeights: residualWeightsOf(residual, members.length * width, m * width, width) }),
  );
  const levels = withLevels ? await lane() : undefined;
  const graph = trackingGraph({ ...model, members: weighted, levels });
  const { parts } = await runGraph(graph, windowsAt(unseen), signal);
  const shape: PartsShape = {
    members: members.length + Number(withLevels),
    channels,
    length,
    levels: levels === undefined ? null : { networks: levels.networks, mean: levels.mean },
  };
  const scores = unseen.map((_, w) => scoreOf(parts, w * shape.members * channels, shape));
  const calibrated = limitOf(scores, length, settings.median, settings);
  const { limit: found, level, blocks, scores: running } = calibrated;
  const { limit, method } = budgeted(found, running, { length, stepMs, budgetPerDay, settings });
  const without = await limitsWithout(graph, { corrected, unseen, shape, mean: base.mean, settings }, signal);
  const sorted = Float64Array.from(running).sort();
  const { halfLives, median, cusum, offDelayRows, rearmRows, levelCap, decisionRows, quantile, margin, room } = settings;
  const detector = detectorSchema.parse({
    format: 'fettle-detector/1',
    channels: Array.from({ length: channels }, (_, c) => ({
      mean: tracked.mean[c] as number,
      deviation: tracked.deviation[c] as number,
      residualMean: tracked.residualMean[c] as number,
      residualDeviation: tracked.residualDeviation[c] as number,
      drifts: tracked.drifts[c] as boolean,
      held: prepared.held[c] as boolean,
      frozenAfter: Math.max(10, 3 * (prepared.longestStill[c] as number)),
      baseline: tracked.baseline[c] as number,
      ...(without[c] as Without),
    })),
    rowsPerStep: prepared.grid.rowsPerStep,
    halfLives,
    median,
    cusum,
    offDelayRows,
    rearmRows,
    levelCap,
    decisionRows,
    level,
    longestRepeat: prepared.longestRepeat,
    calibration: {
      quantile,
      margin,
      room,
      members: shape.members,
      length,
      levels: shape.levels,
    },
    gain: tracked.gain,
    sustained: { halfLifeRows: settings.sustainedRows, limit: sustainedLimit(calibrated, settings.sustainedRows) },
    slow,
  } satisfies DetectorParameters);
  return {
    precision,
    graph,
    detector,
    limit,
    method,
    blocks,
    windows: unseen.length,
    medianRatio: (sorted[sorted.length >> 1] as number) / limit,
    maxRatio: (sorted.at(-1) as number) / limit,
    residualDeviation: bandOf(observed, expected, channels, base.deviation),
  };
}

interface LimitFacts {
  readonly length: number;
  readonly stepMs: number;
  readonly budgetPerDay: number | undefined;
  readonly settings: Recipe;
}

/** The limit the budget asks for, if there is one and enough history to tell; else the empirical one, wider where a promise was wanted. */
function budgeted(
  found: number,
  running: Float64Array,
  { length, stepMs, budgetPerDay, settings }: LimitFacts,
): { limit: number; method: string } {
  const { quantile, margin, room } = settings;
  const method = `${quantile * 100} % quantile of block maxima of unseen windows × (1 + ${margin} / √blocks) × ${room}`;
  if (budgetPerDay === undefined) return { limit: found, method };
  const wanted = `${Number(budgetPerDay.toPrecision(3))} false alarms a day`;
  const told = limitForBudget(running, length, stepMs, budgetPerDay);
  return told === undefined
    ? { limit: found * unknownBudgetRoom, method: `${method} × ${unknownBudgetRoom}: too little history to promise ${wanted}` }
    : { limit: told.limit, method: `tail of block maxima over ${told.days.toPrecision(2)} unseen days, followed to ${wanted}` };
}

/** The principal components that hold a share of the variance and one more, for each share: three views of what is normal (DETECTOR 3.2). */
function linearNetworks(windows: Matrix, centre: Float64Array, energies: readonly number[]): LinearWeights[] {
  const width = windows.columns;
  const { values, vectors } = symmetricEigen(covariance(windows, centre));
  const total = values.reduce((sum, value) => sum + value, 0);
  return energies.map((energy): LinearWeights => {
    let kept = 0;
    let needed = 0;
    while (needed < width && kept < energy * total) kept += values[needed++] as number;
    const rank = Math.max(1, Math.min(needed + 1, width - 1));
    const encoder = new Float32Array(width * rank);
    const decoder = new Float32Array(width * rank);
    for (let i = 0; i < width; i++) {
      for (let k = 0; k < rank; k++) {
        encoder[i * rank + k] = vectors.values[i * width + k] as number;
        decoder[k * width + i] = vectors.values[i * width + k] as number;
      }
    }
    return { centre, encoder, decoder, width, rank };
  });
}

/** What the gateway will feed: rows without their slow part, on the level of the learning rows, engineering units. */
function correctedRows({ residual, mean, deviation, channels }: TrackedRows): Float64Array {
  return residual.map((value, at) => (mean[at % channels] as number) + (deviation[at % channels] as number) * value);
}

/** 1 / (deviation + 0.05 rms) of each element's residual. */
function residualWeightsOf(residual: Float32Array, stride: number, from: number, width: number): Float64Array {
  const rows = residual.length / stride;
  const mean = new Float64Array(width);
  const square = new Float64Array(width);
  let squares = 0;
  for (let w = 0; w < rows; w++) {
    for (let at = 0; at < width; at++) {
      const value = residual[w * stride + from + at] as number;
      mean[at] = (mean[at] as number) + value / rows;
      square[at] = (square[at] as number) + (value * value) / rows;
      squares += value * value;
    }
  }
  const rms = Math.sqrt(squares / (rows * width));
  return square.map((value, at) => 1 / (Math.sqrt(Math.max(0, value - (mean[at] as number) ** 2)) + residualFloor * rms + 1e-9));
}

/** Deviation of observed − expected: what people are shown as the band, never thinner than looks sensible. */
function bandOf(observed: Float32Array, expected: Float32Array, channels: number, deviation: Float64Array): Float64Array {
  const rows = observed.length / channels;
  const square = new Float64Array(channels);
  observed.forEach((value, at) => {
    square[at % channels] = (square[at % channels] as number) + (value - (expected[at] as number)) ** 2 / rows;
  });
  return square.map((value, c) => Math.max(Math.sqrt(value), 0.02 * (deviation[c] as number)));
}
