import { join } from 'node:path';
import { loadBundle, refuseExisting, writeBundle } from '../../bundles/index.ts';
import type { DetectorParameters } from '../../core/detector.ts';
import { FettleError } from '../../core/errors.ts';
import { type LoadedBundle, type ModelManifest, modelName } from '../../core/manifest.ts';
import { bundleName } from '../bundle-name.ts';
import { bundleOf } from '../tracking/bundle.ts';
import { trackingCard } from '../tracking/card.ts';
import type { History } from '../tracking/history.ts';
import { describeLinear, fitMembers, type LearnOptions, learningSet, learntFrom } from '../tracking/learn.ts';
import { type Candidate, chooseFrom, frontierOf, type Wanted } from './frontier.ts';
import { frontierTable } from './frontier-table.ts';
import type { Layer } from './layers.ts';

export interface CompressOptions {
  readonly bundle: LoadedBundle;
  /** What the bundle was learnt from, columns in any order; those it does not know are left out. */
  readonly history: History;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly wanted: Wanted;
  /** `models/NAME/VERSION` */
  readonly out: string;
  readonly budgetPerDay: number | undefined;
  readonly onProgress?: (done: number, of: number) => void;
  readonly signal?: AbortSignal;
}

export interface Compressed {
  readonly candidates: readonly Candidate[];
  readonly chosen: Candidate;
  readonly manifest: ModelManifest;
  /** The history is the one the bundle was learnt from. */
  readonly sameHistory: boolean;
}

/**
 * A tracking bundle → a smaller one: precision, structured and magnitude pruning and distilled students are measured against what is wanted, and the best that fits is written, its residual weights
 * and limit found on its own graph. Throws FETTLE_MODEL_INVALID, FETTLE_TRAINING_FAILED; rejects with the signal's reason.
 */
export async function compressBundle(options: CompressOptions): Promise<Compressed> {
  const { bundle, wanted, out, budgetPerDay, onProgress, signal } = options;
  const name = bundleName(out);
  await refuseExisting(out);
  const set = learningSet(historyFor(bundle, options.history), {
    ...settingsOf(trackingOf(bundle)),
    ...(budgetPerDay !== undefined && { budgetPerDay }),
  });
  if (set.base.channels !== bundle.manifest.channels.length)
    throw failed(`channels of ${modelName(bundle.manifest)} never change in this history`, 'give the history it was learnt from');
  const candidates = await frontierOf(set, onProgress, signal);
  const chosen = chooseFrom(candidates, wanted);
  if (chosen === undefined) throw nothingFits(candidates, wanted);
  const { structure, precision } = chosen;
  const model = await fitMembers(set, structure.in(precision), precision, signal);
  const learnt = {
    ...learntFrom(set, new Map([[precision, model]])),
    family: structure.family,
    description: describe(structure.in(precision)),
  };
  const made = await bundleOf(learnt, precision, {
    ...name,
    stepMs: bundle.manifest.stepMs,
    fromMs: options.fromMs,
    toMs: options.toMs,
    units: Object.fromEntries(
      bundle.manifest.channels.flatMap(({ tag, engineeringUnit }) => (engineeringUnit === undefined ? [] : [[tag, engineeringUnit]])),
    ),
    parent: modelName(bundle.manifest),
    ...(bundle.manifest.stage !== undefined && { stage: bundle.manifest.stage }),
    ...(bundle.manifest.running !== undefined && { running: bundle.manifest.running }),
  });
  const { manifest } = made;
  const card = `${trackingCard(manifest, learnt)}\nMade smaller from ${modelName(bundle.manifest)}: ${structure.name}, ${precision}. Measured on the machine that did it, one thread:\n\n${frontierTable(candidates, chosen)}`;
  signal?.throwIfAborted();
  const written = await writeBundle(out, {
    manifest,
    model: made.model,
    golden: made.golden,
    card,
    ...(made.detector && { detector: made.detector }),
  });
  return { candidates, chosen, manifest: written, sameHistory: manifest.training.dataHash === bundle.manifest.training.dataHash };
}

/** Reads a tracking bundle. Throws FETTLE_MODEL_INVALID where it is none. */
export async function loadTracking(directory: string): Promise<LoadedBundle> {
  const bundle = await loadBundle(directory);
  trackingOf(bundle);
  return bundle;
}

/** The next patch version beside a bundle that is not there yet. Rejects where none of the next hundred is free. */
export async function nextBeside(directory: string, version: string): Promise<string> {
  const [major = '1', minor = '0', patch = '0'] = version.split('-')[0]?.split('.') ?? [];
  for (let next = Number(patch) + 1; next < Number(patch) + 100; next++) {
    const out = join(directory, '..', `${major}.${minor}.${next}`);
    if (
      await refuseExisting(out).then(
        () => true,
        () => false,
      )
    )
      return out;
  }
  throw failed(`the next hundred versions beside ${directory} are taken`, 'say where to with --out models/NAME/VERSION');
}

function trackingOf({ detector, manifest }: LoadedBundle): DetectorParameters {
  if (detector !== undefined) return detector;
  throw new FettleError('FETTLE_MODEL_INVALID', `${modelName(manifest)} is a fixed-window model; compress is for tracking detectors`, {
    hint: 'fettle train --precision int8, or fettle model import --precision int8, makes a smaller one',
  });
}

/** As the bundle itself was learnt. */
function settingsOf({
  halfLives,
  median,
  cusum,
  offDelayRows,
  rearmRows,
  levelCap,
  decisionRows,
  calibration,
  rowsPerStep,
}: DetectorParameters): LearnOptions {
  const { quantile, margin, room, length } = calibration;
  const windowRows = { least: length, most: length };
  const settings = {
    halfLives,
    median,
    cusum,
    offDelayRows,
    rearmRows,
    levelCap,
    decisionRows,
    quantile,
    margin,
    room,
    windowRows,
    rowsPerStep,
  };
  return settings as LearnOptions;
}

function historyFor({ manifest }: LoadedBundle, history: History): History {
  const columns = manifest.channels.map(({ tag }) => history.channels.indexOf(tag));
  const missing = manifest.channels.filter((_, c) => columns[c] === -1).map(({ tag }) => tag);
  if (missing.length > 0)
    throw failed(
      `the history has no column ${missing.join(', ')}; it has ${history.channels.join(', ')}`,
      `give the history ${modelName(manifest)} was learnt from`,
    );
  const width = history.channels.length;
  const runs = history.runs.map(({ rows, values }) => ({
    rows,
    values: Float64Array.from(
      { length: rows * columns.length },
      (_, at) => values[Math.floor(at / columns.length) * width + (columns[at % columns.length] as number)] as number,
    ),
  }));
  return { channels: manifest.channels.map(({ tag }) => tag), stepMs: manifest.stepMs, runs };
}

/** The networks in words. */
function describe(members: ReturnType<Candidate['structure']['in']>): string {
  const linear = members.flatMap((member) => ('weights' in member ? [member.weights] : []));
  if (linear.length === members.length) return describeLinear(linear);
  return members
    .map((member) => ('layers' in member ? `an autoencoder ${layerWidths(member.layers)} with ReLU` : 'a trained network'))
    .join(', ');
}

const layerWidths = (layers: readonly Layer[]): string => [layers[0]?.inputs, ...layers.map(({ outputs }) => outputs)].join('-');

function nothingFits(candidates: readonly Candidate[], { bytes, microseconds, loss }: Wanted): FettleError {
  const wishes = [
    ...(bytes === undefined ? [] : [`${bytes} bytes`]),
    ...(microseconds === undefined ? [] : [`${microseconds} µs a window`]),
    ...(loss === undefined ? [] : [`a loss of ${loss}`]),
  ];
  const smallest = Math.min(...candidates.map((one) => one.bytes));
  const fastest = Math.min(...candidates.map((one) => one.cost.alone));
  const least = Math.min(...candidates.map((one) => one.loss));
  return failed(
    `nothing fits ${wishes.join(' and ')}: the smallest has ${smallest} bytes, the fastest takes ${fastest.toPrecision(3)} µs, the best loses ${least.toFixed(4)}`,
    'ask for less',
  );
}

const failed = (message: string, hint: string): FettleError => new FettleError('FETTLE_TRAINING_FAILED', message, { hint });
