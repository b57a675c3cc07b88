import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { writeBundle } from '../bundles/index.ts';
import { FettleError } from '../core/errors.ts';
import type { ModelManifest } from '../core/manifest.ts';
import { type Calibration, calibrateLimit } from './calibrate.ts';
import { modelCard } from './card.ts';
import { readCsv } from './csv.ts';
import { type DeployedModel, deployedGraph } from './deployed-graph.ts';
import { type GridRun, sameColumns, toGrid } from './grid.ts';
import { type LinearWeights, linearFamily } from './linear-family.ts';
import type { Matrix } from './matrix.ts';
import type { TrainingProgress } from './model-family.ts';
import { quantizeLinear, unitRows } from './quantize.ts';
import { represent, representationOf } from './representation.ts';
import { createSession, floatTensor } from './runtime.ts';

export interface TrainOptions {
  readonly csv: readonly string[];
  readonly time: string | undefined;
  readonly ignore: readonly string[];
  readonly stepMs: number;
  readonly length: number;
  readonly slide: number;
  /** `models/NAME/VERSION` */
  readonly out: string;
  readonly precision: 'fp32' | 'int8';
  readonly seed: number;
  readonly epochs?: number;
  /** Column to engineering unit. */
  readonly units?: Readonly<Record<string, string>>;
}

export interface TrainResult {
  readonly manifest: ModelManifest;
  readonly rank: number;
  readonly unseenLoss: number;
  readonly initialLoss: number;
  readonly floatBytes: number;
  readonly bytes: number;
  /** Largest and median relative difference of the shipped graph's reconstruction scores to the float graph's, on unseen windows and on windows with a step of 4 deviations. */
  readonly agreement: { readonly median: number; readonly largest: number };
  readonly seconds: number;
}

/** Share of each run the weights see; the rest calibrates. */
const learningShare = 0.8;
const fewestRows = 400;
const defaultEpochs = 30;
const mostLearningWindows = 40_000;

/**
 * Recordings of a healthy machine → a bundle: grid, representation, linear autoencoder, quantization, residual weights and limit on the graph that ships. Throws
 * FETTLE_CSV_INVALID, FETTLE_TRAINING_FAILED; rejects with the signal's reason.
 */
export async function trainBundle(
  options: TrainOptions,
  onProgress?: (progress: TrainingProgress) => void,
  signal?: AbortSignal,
): Promise<TrainResult> {
  const began = performance.now();
  const { id, version } = nameOf(options.out);
  const recordings = await Promise.all(options.csv.map((file) => readCsv(file, options)));
  const columns = sameColumns(recordings);
  const runs = recordings.flatMap((recording) => toGrid(recording, options.stepMs)).filter(({ rows }) => rows >= 2 * options.length);
  const rows = runs.reduce((sum, run) => sum + run.rows, 0);
  if (rows < fewestRows) {
    throw new FettleError(
      'FETTLE_TRAINING_FAILED',
      `${rows} usable rows on a grid of ${options.stepMs} ms are too few: ${fewestRows} are the least`,
      {
        hint: 'give more recordings, or check --step: it should not be shorter than the time between samples',
      },
    );
  }
  const { mean, deviation, flat } = moments(runs, columns.length);
  if (flat.length > 0) {
    const names = flat.map((c) => columns[c]).join(', ');
    throw new FettleError('FETTLE_TRAINING_FAILED', `never changes while learning: ${names}`, {
      hint: `leave it out with --ignore ${names.replaceAll(', ', ',')}`,
    });
  }
  const representation = representationOf(options.length, columns.length);
  const split = splitWindows(runs, options.length, columns.length);
  const learning = represent(split.rows, thinned(split.learning, mostLearningWindows), representation, mean, deviation);
  const unseen = represent(split.rows, thinned(split.unseen, mostLearningWindows), representation, mean, deviation);
  const trained = await linearFamily.train(learning, unseen, {
    seed: options.seed,
    epochs: options.epochs ?? defaultEpochs,
    ...(signal !== undefined && { signal }),
    ...(onProgress !== undefined && { onProgress }),
  });

  const base = { representation, mean, deviation, weights: trained.weights };
  const quantized =
    options.precision === 'int8'
      ? quantizeLinear(trained.weights.encoder, trained.weights.decoder, unitRows(centred(learning, trained.weights)), trained.weights.rank)
      : undefined;
  const evaluate = (model: Uint8Array, offsets: readonly number[], residuals: boolean) =>
    runGraph(model, split.rows, offsets, representation.length, columns.length, residuals);
  const learningWindows = thinned(split.learning, 4_000);
  const floatModel = await withWeights({ ...base, quantized: undefined }, evaluate, learningWindows);
  const shipped = quantized === undefined ? floatModel : await withWeights({ ...base, quantized }, evaluate, learningWindows);
  const model = deployedGraph(shipped.model);
  const floatGraph = deployedGraph(floatModel.model);

  const unseenScores = await evaluate(model, split.unseen, false);
  const calibration = calibrateLimit(unseenScores.score, options.length);
  const agreement = await compare(model, floatGraph, split, columns.length, options.length, deviation);
  const golden = await goldenOf(model, split, options.length, columns.length, deviation);
  const manifest: Parameters<typeof writeBundle>[1]['manifest'] = {
    format: 'fettle-bundle/1',
    id,
    version,
    createdAt: new Date().toISOString(),
    channels: columns.map((tag, c) => ({
      tag,
      ...(options.units?.[tag] !== undefined && { engineeringUnit: options.units[tag] }),
      mean: mean[c] as number,
      deviation: deviation[c] as number,
      residualDeviation: shipped.residualDeviation[c] as number,
    })),
    stepMs: options.stepMs,
    length: options.length,
    slide: options.slide,
    explainSteps: representation.explainSteps,
    precision: options.precision,
    family: 'linear',
    limit: calibration.limit,
    calibration: calibrationOf(calibration),
    training: {
      ...span(
        runs,
        options,
        recordings.every(({ timeMs }) => timeMs !== undefined),
      ),
      rows,
      windows: split.learning.length,
      dataHash: createHash('sha256').update(new Uint8Array(split.rows.buffer)).digest('hex'),
      seed: options.seed,
      gatewayVersion,
    },
    parent: null,
    minimumGatewayVersion: gatewayVersion,
    opset: 21,
  };
  const seconds = (performance.now() - began) / 1000;
  const summary = {
    rank: trained.weights.rank,
    unseenLoss: trained.unseenLoss,
    initialLoss: trained.initialLoss,
    floatBytes: floatGraph.length,
    bytes: model.length,
    agreement,
    seconds,
  };
  const written = await writeBundle(options.out, { manifest, model, golden, card: modelCard(manifest, summary, options) });
  return { manifest: written, ...summary };
}

const gatewayVersion: string = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string })
  .version;

function nameOf(out: string): { id: string; version: string } {
  const id = basename(dirname(out));
  const version = basename(out);
  if (/^\d+\.\d+\.\d+$/.test(version) && /^[a-z0-9][a-z0-9._-]*$/.test(id)) return { id, version };
  throw new FettleError('FETTLE_TRAINING_FAILED', `--out ${out} does not end in NAME/VERSION`, {
    hint: 'for example --out models/press/1.0.0',
  });
}

function moments(runs: readonly GridRun[], channels: number) {
  const mean = new Float64Array(channels);
  const square = new Float64Array(channels);
  let rows = 0;
  for (const run of runs) {
    const seen = Math.floor(run.rows * learningShare);
    for (let i = 0; i < seen; i++)
      for (let c = 0; c < channels; c++) mean[c] = (mean[c] as number) + (run.values[i * channels + c] as number);
    rows += seen;
  }
  for (let c = 0; c < channels; c++) mean[c] = (mean[c] as number) / rows;
  for (const run of runs) {
    const seen = Math.floor(run.rows * learningShare);
    for (let i = 0; i < seen; i++)
      for (let c = 0; c < channels; c++)
        square[c] = (square[c] as number) + ((run.values[i * channels + c] as number) - (mean[c] as number)) ** 2;
  }
  const deviation = square.map((sum) => Math.sqrt(sum / Math.max(1, rows - 1)));
  const flat = Array.from(deviation.keys()).filter((c) => !((deviation[c] as number) > 1e-9 * Math.max(1, Math.abs(mean[c] as number))));
  return { mean, deviation, flat };
}

interface Split {
  /** All runs, one after the other, `[rows, channels]`. */
  readonly rows: Float64Array;
  /** Offsets of windows wholly in the learning part, and of windows wholly in the unseen part, in order of time. */
  readonly learning: readonly number[];
  readonly unseen: readonly number[];
}

function splitWindows(runs: readonly GridRun[], length: number, channels: number): Split {
  const total = runs.reduce((sum, run) => sum + run.rows, 0);
  const rows = new Float64Array(total * channels);
  const learning: number[] = [];
  const unseen: number[] = [];
  let first = 0;
  for (const run of runs) {
    rows.set(run.values, first * channels);
    const border = Math.floor(run.rows * learningShare);
    for (let i = 0; i + length <= run.rows; i++) {
      if (i + length <= border) learning.push((first + i) * channels);
      else if (i >= border) unseen.push((first + i) * channels);
    }
    first += run.rows;
  }
  if (unseen.length === 0)
    throw new FettleError(
      'FETTLE_TRAINING_FAILED',
      'no window lies wholly in the last fifth of a recording: it is too short for this length',
      { hint: 'a shorter --length, or longer recordings' },
    );
  return { rows, learning, unseen };
}

/** At most `most` of a list, evenly spread. */
const thinned = (list: readonly number[], most: number): readonly number[] =>
  list.length <= most ? list : Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)] as number);

const centred = ({ rows, columns, values }: Matrix, { centre }: LinearWeights): Matrix => ({
  rows,
  columns,
  values: values.map((value, at) => value - (centre[at % columns] as number)),
});

type Evaluate = (
  model: Uint8Array,
  offsets: readonly number[],
  residuals: boolean,
) => Promise<{ score: Float32Array; residual: Float32Array; observed: Float32Array; expected: Float32Array }>;

async function runGraph(
  model: Uint8Array,
  rows: Float64Array,
  offsets: readonly number[],
  length: number,
  channels: number,
  residuals: boolean,
) {
  const session = await createSession(model);
  const parts: { score: number[]; residual: Float32Array[]; observed: Float32Array[]; expected: Float32Array[] } = {
    score: [],
    residual: [],
    observed: [],
    expected: [],
  };
  try {
    for (let from = 0; from < offsets.length; from += 256) {
      const chunk = offsets.slice(from, from + 256);
      const windows = new Float32Array(chunk.length * length * channels);
      chunk.forEach((offset, w) => {
        windows.set(rows.subarray(offset, offset + length * channels), w * length * channels);
      });
      const output = await session.run({ window: await floatTensor(windows, [chunk.length, length, channels]) });
      parts.score.push(...(output.score?.data as Float32Array));
      for (const name of ['observed', 'expected'] as const) parts[name].push(Float32Array.from(output[name]?.data as Float32Array));
      if (residuals) parts.residual.push(Float32Array.from(output.residual?.data as Float32Array));
    }
  } finally {
    await session.release();
  }
  const joined = (list: readonly Float32Array[]): Float32Array => {
    const all = new Float32Array(list.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of list) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  };
  return {
    score: Float32Array.from(parts.score),
    residual: joined(parts.residual),
    observed: joined(parts.observed),
    expected: joined(parts.expected),
  };
}

/** Residual weights (DETECTOR 3.2: 1 / (deviation + 0.05 rms)) and the bands people are shown, both from the residuals of this very graph. */
async function withWeights(
  unweighted: Omit<DeployedModel, 'residualWeights'>,
  evaluate: Evaluate,
  offsets: readonly number[],
): Promise<{ model: DeployedModel; residualDeviation: Float64Array }> {
  const { representation, deviation } = unweighted;
  const width = representation.channels * representation.blocks;
  const { residual, observed, expected } = await evaluate(
    deployedGraph({ ...unweighted, residualWeights: new Float64Array(width).fill(1) }, true),
    offsets,
    true,
  );
  const windows = offsets.length;
  const variance = new Float64Array(width);
  for (let j = 0; j < width; j++) {
    let sum = 0;
    let square = 0;
    for (let w = 0; w < windows; w++) {
      const value = residual[w * width + j] as number;
      sum += value;
      square += value * value;
    }
    variance[j] = Math.max(0, square / windows - (sum / windows) ** 2);
  }
  const rms = Math.sqrt(variance.reduce((sum, value) => sum + value, 0) / width);
  const residualWeights = variance.map((value) => 1 / (Math.sqrt(value) + 0.05 * rms + 1e-9));
  const { channels } = representation;
  const residualDeviation = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    let square = 0;
    for (let w = 0; w < windows; w++) square += ((observed[w * channels + c] as number) - (expected[w * channels + c] as number)) ** 2;
    residualDeviation[c] = Math.max(Math.sqrt(square / windows), 0.02 * (deviation[c] as number));
  }
  return { model: { ...unweighted, residualWeights }, residualDeviation };
}

/** Every other window gets a step of four deviations in one channel: agreement must hold on anomalous rows as well. */
function probes(
  split: Split,
  length: number,
  channels: number,
  deviation: Float64Array,
  count: number,
): { rows: Float64Array; offsets: number[] } {
  const offsets = thinned(split.unseen, count);
  const rows = new Float64Array(offsets.length * length * channels);
  offsets.forEach((offset, w) => {
    rows.set(split.rows.subarray(offset, offset + length * channels), w * length * channels);
    if (w % 2 === 0) return;
    const c = (w >> 1) % channels;
    for (let s = 0; s < length; s++)
      rows[(w * length + s) * channels + c] = (rows[(w * length + s) * channels + c] as number) + 4 * (deviation[c] as number);
  });
  return { rows, offsets: offsets.map((_, w) => w * length * channels) };
}

async function compare(model: Uint8Array, floatGraph: Uint8Array, split: Split, channels: number, length: number, deviation: Float64Array) {
  const { rows, offsets } = probes(split, length, channels, deviation, 512);
  const ours = await runGraph(model, rows, offsets, length, channels, false);
  const theirs = await runGraph(floatGraph, rows, offsets, length, channels, false);
  const differences = Array.from(
    ours.score,
    (score, i) => Math.abs(score - (theirs.score[i] as number)) / Math.max(1e-9, theirs.score[i] as number),
  ).sort((a, b) => a - b);
  return { median: differences[Math.floor(differences.length / 2)] ?? 0, largest: differences.at(-1) ?? 0 };
}

async function goldenOf(model: Uint8Array, split: Split, length: number, channels: number, deviation: Float64Array) {
  const { rows, offsets } = probes(split, length, channels, deviation, 16);
  // Through float32, as the gateway gives them.
  const windows = offsets.map((offset) => Array.from(Float32Array.from(rows.subarray(offset, offset + length * channels))));
  const { score } = await runGraph(model, Float64Array.from(windows.flat()), offsets, length, channels, false);
  return { tolerance: 0.02, windows, scores: [...score] };
}

const calibrationOf = ({ limit: _, ...rest }: Calibration): ModelManifest['calibration'] => ({
  method: '98 % quantile of block maxima of unseen windows × (1 + margin / √blocks) × 1.3',
  ...rest,
});

function span(runs: readonly GridRun[], { stepMs }: TrainOptions, timed: boolean): { fromMs: number | null; toMs: number | null } {
  if (!timed) return { fromMs: null, toMs: null };
  return {
    fromMs: Math.min(...runs.map(({ firstStep }) => firstStep)) * stepMs,
    toMs: Math.max(...runs.map(({ firstStep, rows }) => firstStep + rows)) * stepMs,
  };
}
