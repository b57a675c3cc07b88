import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { refuseExisting, writeBundle } from '../../bundles/index.ts';
import { errorText, FettleError } from '../../core/errors.ts';
import { gatewayVersion } from '../../core/gateway-version.ts';
import { bundleFormat, bundleReadableSince, type ModelManifest } from '../../core/manifest.ts';
import { bundleName } from '../bundle-name.ts';
import { type Calibration, calibrateLimit } from '../calibrate.ts';
import { type Agreement, agreementOf, goldenOf, probeWindows } from '../probes.ts';
import { type GraphOutputs, runGraph, type Windows } from '../run-graph.ts';
import { flatChannels, type Split, splitRuns, thinned } from '../split.ts';
import { readRuns } from '../train.ts';
import { bareLook } from './bare-look.ts';
import { elementWeights } from './element-weights.ts';
import { readForeignModel, refused } from './foreign-model.ts';
import { importedCard } from './imported-card.ts';
import type { LayerPrecision } from './layers.ts';
import { measureGraph, type WindowCost } from './measure-graph.ts';
import { roundForeign } from './round-foreign.ts';
import { type OutputKind, type WrappedModel, wrappedGraph } from './wrapped-graph.ts';

export interface ImportOptions {
  readonly file: string;
  readonly csv: readonly string[];
  readonly time: string | undefined;
  readonly ignore: readonly string[];
  readonly stepMs: number;
  readonly slide: number;
  /** `models/NAME/VERSION` */
  readonly out: string;
  readonly precision: LayerPrecision;
  /** What the model was trained on; undefined: whichever it reconstructs better, engineering units for a score. */
  readonly standardized: boolean | undefined;
}

/** The graph in one precision, with what was found on it and belongs to no other. */
export interface ImportedGraph {
  readonly precision: LayerPrecision;
  readonly graph: Uint8Array;
  readonly calibration: Calibration;
  readonly residualDeviation: Float64Array;
  readonly cost: WindowCost;
}

export interface ImportResult {
  readonly manifest: ModelManifest;
  readonly kind: OutputKind;
  readonly standardized: boolean;
  readonly shipped: ImportedGraph;
  readonly float: ImportedGraph;
  /** Layers whose weights are smaller now. */
  readonly rounded: number;
  readonly agreement: Agreement;
  readonly seconds: number;
}

const mostWeighingWindows = 8_000;
const agreementWindows = 512;
/** About the last quarter of a window is shown to people. */
const explainShare = 4;

/**
 * Somebody's ONNX model and recordings of a healthy machine → a bundle that is served as a fixed-window model: inspected, wrapped, its limit found on the last fifth of the history.
 * Throws FETTLE_MODEL_INVALID, FETTLE_CSV_INVALID, FETTLE_TRAINING_FAILED; rejects with the signal's reason.
 */
export async function importModel(options: ImportOptions, signal?: AbortSignal): Promise<ImportResult> {
  const began = performance.now();
  const { file, out, precision } = options;
  const name = bundleName(out);
  await refuseExisting(out);
  const model = readForeignModel(await read(file), basename(file));
  const { length, channels } = model;
  const { columns, runs, timed } = await readRuns({ ...options, length });
  if (columns.length !== channels)
    throw refused(
      model.file,
      `takes ${channels} channels, the history has ${columns.length}: ${columns.join(', ')}`,
      'leave columns out with --ignore; their order is the order of the channels',
    );
  const split = withoutFlat(splitRuns(runs, channels, length));
  const { kind, standardized } = await bareLook(model, split, options.standardized);
  const base: Omit<WrappedModel, 'model' | 'residualWeights'> = {
    kind,
    standardized,
    mean: split.mean,
    deviation: split.deviation,
    explainSteps: Math.max(1, Math.round(length / explainShare)),
  };
  const float = await calibrated({ ...base, model }, split, 'fp32', signal);
  const { model: smaller, rounded } = roundForeign(model, precision);
  const shipped = precision === 'fp32' ? float : await calibrated({ ...base, model: smaller }, split, precision, signal);
  const probes = probeWindows(split, length, agreementWindows);
  const [ours, theirs] = [await runGraph(shipped.graph, probes, signal), await runGraph(float.graph, probes, signal)];
  const agreement = agreementOf(ours.score, shipped.calibration.limit, theirs.score, float.calibration.limit);
  const { limit, ...how } = shipped.calibration;
  const ends = runs.flatMap(({ firstStep, rows }) => [firstStep * options.stepMs, (firstStep + rows) * options.stepMs]);
  const manifest: Omit<ModelManifest, 'files' | 'operators'> = {
    format: bundleFormat,
    ...name,
    createdAt: new Date().toISOString(),
    channels: columns.map((tag, c) => ({
      tag,
      mean: split.mean[c] as number,
      deviation: split.deviation[c] as number,
      residualDeviation: shipped.residualDeviation[c] as number,
    })),
    stepMs: options.stepMs,
    length,
    slide: options.slide,
    explainSteps: base.explainSteps,
    precision,
    family: 'imported',
    limit,
    calibration: how,
    training: {
      fromMs: timed ? Math.min(...ends) : null,
      toMs: timed ? Math.max(...ends) : null,
      rows: runs.reduce((sum, { rows }) => sum + rows, 0),
      windows: split.learning.length,
      dataHash: createHash('sha256').update(new Uint8Array(split.rows.buffer)).digest('hex'),
      seed: 0,
      gatewayVersion,
    },
    parent: null,
    minimumGatewayVersion: bundleReadableSince,
    opset: Number(model.opset),
  };
  const found = { kind, standardized, shipped, float, rounded, agreement };
  const golden = await goldenOf(shipped.graph, split, length);
  signal?.throwIfAborted();
  const written = await writeBundle(out, { manifest, model: shipped.graph, golden, card: importedCard(manifest, found, model.file) });
  return { manifest: written, ...found, seconds: (performance.now() - began) / 1000 };
}

async function read(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new FettleError('FETTLE_MODEL_INVALID', `${file} cannot be read: ${errorText(cause)}`, { cause });
  }
}

/** The model has its channels, flat or not: one that never changed is measured in its own unit. */
function withoutFlat(split: Split): Split {
  const flat = new Set(flatChannels(split));
  return { ...split, deviation: split.deviation.map((value, c) => (flat.has(c) ? 1 : value)) };
}

/** Residual weights, bands and limit, all on the graph as it will run. */
async function calibrated(
  base: Omit<WrappedModel, 'residualWeights'>,
  split: Split,
  precision: LayerPrecision,
  signal?: AbortSignal,
): Promise<ImportedGraph> {
  const { length, channels, file } = base.model;
  const windows = (offsets: readonly number[]): Windows => ({ rows: split.rows, offsets, length, channels });
  const run = async (graph: Uint8Array, offsets: readonly number[]): Promise<GraphOutputs> => {
    const results = await runGraph(graph, windows(offsets), signal).catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw refused(file, `is refused by ONNX Runtime: ${errorText(cause)}`, 'does it run in ONNX Runtime elsewhere, with any batch?');
    });
    const wrong = results.score.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0)
      throw refused(
        file,
        `gives no number for a healthy window (window ${wrong} of ${offsets.length})`,
        'was it trained on other units? Try --input standardized or --input raw',
      );
    if (results.score.some((value) => value < 0))
      throw refused(file, 'gives scores below 0', 'export a score that is 0 or more, and larger the worse it is');
    return results;
  };
  const width = length * channels;
  const even = new Float64Array(width).fill(1);
  const { residual, observed, expected } = await run(
    wrappedGraph({ ...base, residualWeights: even }, true),
    thinned(split.learning, mostWeighingWindows),
  );
  const residualWeights = base.kind === 'score' ? even : elementWeights(residual, width);
  const graph = wrappedGraph({ ...base, residualWeights });
  const { score } = await run(graph, split.unseen);
  const probes = Float32Array.from(thinned(split.unseen, 256).flatMap((offset) => [...split.rows.subarray(offset, offset + width)]));
  return {
    precision,
    graph,
    calibration: calibrateLimit(score, length),
    residualDeviation: bandOf(observed, expected, split.deviation),
    cost: await measureGraph(graph, probes, length, channels),
  };
}

const thinnestBand = 0.02;

/** Deviation of observed − expected by channel, never thinner than looks sensible. */
function bandOf(observed: Float32Array, expected: Float32Array, deviation: Float64Array): Float64Array {
  const channels = deviation.length;
  const square = new Float64Array(channels);
  observed.forEach((value, at) => {
    square[at % channels] = (square[at % channels] as number) + ((value - (expected[at] as number)) ** 2 * channels) / observed.length;
  });
  return square.map((value, c) => Math.max(Math.sqrt(value), thinnestBand * (deviation[c] as number)));
}
