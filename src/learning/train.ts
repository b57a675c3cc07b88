import { createHash } from 'node:crypto';
import { type BundleContent, refuseExisting, writeBundle } from '../bundles/index.ts';
import { FettleError } from '../core/errors.ts';
import { gatewayVersion } from '../core/gateway-version.ts';
import { bundleFormat, bundleReadableSince, type ModelManifest } from '../core/manifest.ts';
import { bundleName } from './bundle-name.ts';
import { modelCard } from './card.ts';
import { readCsv } from './csv.ts';
import { type Fitted, fitDetector } from './fit.ts';
import { type GridRun, sameColumns, toGrid } from './grid.ts';
import { type Agreement, goldenOf } from './probes.ts';
import { flatChannels, type Split, splitRuns } from './split.ts';
import type { TrainingProgress } from './training/train-network.ts';

/** What to learn from. */
export interface RecordingOptions {
  readonly csv: readonly string[];
  /** Column with the time; rows are steps when undefined. */
  readonly time: string | undefined;
  readonly ignore: readonly string[];
}

/** What to make of it. */
export interface ModelOptions {
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

export type TrainOptions = RecordingOptions & ModelOptions;

export interface TrainResult {
  readonly manifest: ModelManifest;
  readonly rank: number;
  /** Mean square error of the reconstruction on unseen rows, and that of the closed form training began with. */
  readonly unseenLoss: number;
  readonly initialLoss: number;
  readonly floatBytes: number;
  readonly bytes: number;
  /** Of the graph that ships with the float graph, on unseen windows of which every other one has a step of 4 deviations in one channel. */
  readonly agreement: Agreement;
  readonly seconds: number;
}

/** DETECTOR section 5: below this a verdict means little. */
const fewestRows = 400;

/**
 * Recordings of a healthy machine → a bundle: grid, representation, linear autoencoder, quantization, and residual weights and limit on the graph that
 * ships. Throws FETTLE_CSV_INVALID, FETTLE_TRAINING_FAILED, and FETTLE_MODEL_INVALID where the version exists; rejects with the signal's reason.
 */
export async function trainBundle(
  options: TrainOptions,
  onProgress?: (progress: TrainingProgress) => void,
  signal?: AbortSignal,
): Promise<TrainResult> {
  const began = performance.now();
  bundleName(options.out);
  await refuseExisting(options.out);
  const recorded = await readRuns(options);
  return trainRuns(recorded, options, { began, ...(onProgress && { onProgress }), ...(signal && { signal }) });
}

/** As `trainBundle`, from rows that are on the grid already. Throws FETTLE_TRAINING_FAILED, FETTLE_MODEL_INVALID. */
export async function trainRuns(
  recorded: Runs,
  options: ModelOptions & Partial<RecordingOptions>,
  {
    began = performance.now(),
    onProgress,
    signal,
  }: { began?: number; onProgress?: (progress: TrainingProgress) => void; signal?: AbortSignal } = {},
): Promise<TrainResult> {
  const name = bundleName(options.out);
  await refuseExisting(options.out);
  const { columns, runs, timed } = usableRuns(recorded, options);
  const split = splitRuns(runs, columns.length, options.length);
  refuseFlat(split, columns);
  const fitted = await fitDetector(split, { ...options, ...(onProgress && { onProgress }), ...(signal && { signal }) });
  const { model } = fitted.shipped;
  const manifest = manifestOf({ ...name, columns, runs, timed, split, fitted, options });
  const summary = {
    rank: fitted.trained.weights.rank,
    unseenLoss: fitted.trained.unseenLoss,
    initialLoss: fitted.trained.closedFormLoss,
    floatBytes: fitted.float.model.length,
    bytes: model.length,
    agreement: fitted.agreement,
    seconds: (performance.now() - began) / 1000,
  };
  const golden = await goldenOf(model, split, options.length);
  signal?.throwIfAborted();
  const written = await writeBundle(options.out, { manifest, model, golden, card: modelCard(manifest, summary, options) });
  return { manifest: written, ...summary };
}

export interface Runs {
  readonly columns: readonly string[];
  readonly runs: readonly GridRun[];
  readonly timed: boolean;
}

/** Recordings on the gateway's grid, in stretches long enough for a window to learn from and one to judge. */
export async function readRuns(options: Pick<TrainOptions, 'csv' | 'time' | 'ignore' | 'stepMs' | 'length'>): Promise<Runs> {
  const recordings = [];
  // One after the other: together they would be in memory twice.
  for (const file of options.csv) recordings.push(await readCsv(file, options));
  const runs = recordings.flatMap((recording) => toGrid(recording, options.stepMs));
  return usableRuns({ columns: sameColumns(recordings), runs, timed: recordings.every(({ timeMs }) => timeMs !== undefined) }, options);
}

/** Throws FETTLE_TRAINING_FAILED where too little is left. */
function usableRuns({ columns, runs: all, timed }: Runs, options: Pick<ModelOptions, 'stepMs' | 'length'>): Runs {
  const runs = all.filter(({ rows }) => rows >= 2 * options.length);
  const rows = runs.reduce((sum, run) => sum + run.rows, 0);
  if (rows < fewestRows) {
    const longest = Math.max(0, ...all.map((run) => run.rows));
    throw new FettleError(
      'FETTLE_TRAINING_FAILED',
      `${rows} usable rows on a grid of ${options.stepMs} ms are too few, ${fewestRows} are the least (longest stretch without a hole: ${longest} rows, a stretch needs ${2 * options.length})`,
      { hint: 'give more recordings, or check the step: it should not be shorter than the time between samples' },
    );
  }
  return { columns, runs, timed };
}

function refuseFlat(split: Split, columns: readonly string[]): void {
  const flat = flatChannels(split).map((c) => columns[c]);
  if (flat.length === 0) return;
  throw new FettleError('FETTLE_TRAINING_FAILED', `never changes while learning: ${flat.join(', ')}`, {
    hint: `leave it out: --ignore ${flat.join(',')} on the command line`,
  });
}

interface ManifestParts extends Runs {
  readonly id: string;
  readonly version: string;
  readonly split: Split;
  readonly fitted: Fitted;
  readonly options: ModelOptions;
}

function manifestOf({ id, version, columns, runs, timed, split, fitted, options }: ManifestParts): BundleContent['manifest'] {
  const { calibration, residualDeviation } = fitted.shipped;
  const { limit, ...how } = calibration;
  const ends = runs.flatMap(({ firstStep, rows }) => [firstStep * options.stepMs, (firstStep + rows) * options.stepMs]);
  return {
    format: bundleFormat,
    id,
    version,
    createdAt: new Date().toISOString(),
    channels: columns.map((tag, c) => ({
      tag,
      ...(options.units?.[tag] !== undefined && { engineeringUnit: options.units[tag] }),
      mean: split.mean[c] as number,
      deviation: split.deviation[c] as number,
      residualDeviation: residualDeviation[c] as number,
    })),
    stepMs: options.stepMs,
    length: options.length,
    slide: options.slide,
    explainSteps: fitted.explainSteps,
    precision: options.precision,
    family: 'linear',
    limit,
    calibration: how,
    training: {
      fromMs: timed ? Math.min(...ends) : null,
      toMs: timed ? Math.max(...ends) : null,
      rows: runs.reduce((sum, run) => sum + run.rows, 0),
      windows: split.learning.length,
      dataHash: createHash('sha256').update(new Uint8Array(split.rows.buffer)).digest('hex'),
      seed: options.seed,
      gatewayVersion,
    },
    parent: null,
    minimumGatewayVersion: bundleReadableSince,
    opset: 21,
  };
}
