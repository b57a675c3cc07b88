import { cp, readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { loadBundle } from '../bundles/index.ts';
import type { AssetConfig } from '../config/schema.ts';
import { errorText, FettleError } from '../core/errors.ts';
import type { ModelManifest } from '../core/manifest.ts';
import { createScorer } from '../scoring/index.ts';
import { bindChannels, checkGrid } from './model-binding.ts';

/** A bundle that was learnt or installed here. */
export interface StoredModel {
  /** Its folder, below the data directory. */
  readonly bundle: string;
  readonly version: string;
  readonly stage: NonNullable<ModelManifest['stage']> | 'installed';
  readonly precision: ModelManifest['precision'];
  readonly createdAt: string;
  /** What it was learnt from, event time; null where nobody knows. */
  readonly rows: number;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly measured: NonNullable<ModelManifest['measured']> | null;
  readonly limit: number;
  /** Of the windows the limit was found on: the largest score over the limit, and how many they were. */
  readonly largestHealthy: number;
  readonly calibratedOn: number;
  readonly selfTest: NonNullable<ModelManifest['selfTest']> | null;
}

/** Name of a bundle: `line1/Press 3` → `line1-press-3`. */
export const bundleIdOf = (asset: string): string =>
  asset
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '') || 'asset';

/** Where the bundles of an asset lie, below the data directory: its own levels, so that no two assets share a folder. */
export const bundlesOf = (asset: string): string =>
  join('models', ...asset.split('/').map((level) => (/^\.+$/.test(level) ? `%${level}` : encodeURIComponent(level))));

/** The bundles of an asset, newest first; a folder that does not load is left out. */
export async function storedModels(data: string, asset: string): Promise<StoredModel[]> {
  const folder = join(data, bundlesOf(asset));
  const names = await readdir(folder).catch(() => []);
  const found: StoredModel[] = [];
  for (const name of names) {
    const bundle = await loadBundle(join(folder, name)).catch(() => undefined);
    if (bundle === undefined) continue;
    found.push(factsOf(relative(data, join(folder, name)), bundle.manifest));
  }
  return found.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
}

export const factsOf = (
  bundle: string,
  { version, stage, precision, createdAt, training, measured, limit, calibration, selfTest }: ModelManifest,
): StoredModel => ({
  bundle,
  version,
  stage: stage ?? 'installed',
  precision,
  createdAt,
  rows: training.rows,
  fromMs: training.fromMs,
  toMs: training.toMs,
  measured: measured ?? null,
  limit,
  largestHealthy: calibration.maxRatio,
  calibratedOn: calibration.windows,
  selfTest: selfTest ?? null,
});

/** Whether a bundle can judge the asset: whole, gives its golden scores here, and fits grid and tags. Throws FETTLE_MODEL_INVALID, FETTLE_MODEL_MISMATCH. */
export async function checkBundle(directory: string, { id, tags, window, detector }: AssetConfig): Promise<ModelManifest> {
  const bundle = await loadBundle(directory);
  if (bundle.detector === undefined)
    throw new FettleError(
      'FETTLE_MODEL_MISMATCH',
      `${directory} judges fixed windows; ${id} learns from itself and takes tracking detectors`,
      {
        hint: 'name it in detector.model of the configuration instead',
      },
    );
  checkGrid(bundle, id, window);
  bindChannels(bundle.manifest, id, tags, detector?.channels);
  await (await createScorer(bundle, { place: 'inline' })).dispose();
  return bundle.manifest;
}

/** Takes a bundle from anywhere into the data directory, checked. Returns its folder there. Throws as `checkBundle`, and FETTLE_MODEL_INVALID where that version is there already. */
export async function installBundle(data: string, directory: string, asset: AssetConfig): Promise<string> {
  const { version } = await checkBundle(directory, asset);
  const bundle = join(bundlesOf(asset.id), version);
  const target = join(data, bundle);
  if ((await stat(target).catch(() => undefined)) !== undefined) {
    throw new FettleError('FETTLE_MODEL_INVALID', `${asset.id} has a model of version ${version} already`, {
      hint: `fettle model use ${asset.id} ${version}`,
    });
  }
  try {
    await cp(directory, target, { recursive: true });
  } catch (error) {
    throw new FettleError('FETTLE_MODEL_INVALID', `${directory} could not be copied to ${target}: ${errorText(error)}`, { cause: error });
  }
  return bundle;
}
