import { existsSync, readdirSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadBundle } from '../bundles/index.ts';
import { FettleError } from '../core/errors.ts';
import { type FlowModel, modelOf } from './flow-scorer.ts';

/** The models that come with Fettle: of its simulated plant. */
const shipped = join(fileURLToPath(new URL('../..', import.meta.url)), 'models');
const manifestFile = 'manifest.json';
const mostShown = 200;

/** A model in a list to choose from. */
export interface ShelvedModel extends FlowModel {
  /** What to write to have it: the folder's name, or its path. */
  readonly id: string;
}

/** Where a bundle lies, and a mark that changes when it does. */
export interface FoundModel {
  readonly directory: string;
  readonly mark: string;
}

/**
 * The bundle of this name (`pump`) or path. A folder of versions (`pump/1.0.0`, `pump/1.1.0`) means the newest. Names are looked up in `folder`, then among what comes with Fettle. Throws FETTLE_MODEL_INVALID.
 */
export function findModel(id: string, folder: string): FoundModel {
  const places = isAbsolute(id) ? [id] : [join(folder, id), join(shipped, id)];
  for (const place of id.trim() === '' ? [] : places) {
    const directory = newestIn(place);
    if (directory !== undefined) return { directory, mark: `${directory} ${statSync(join(directory, manifestFile)).mtimeMs}` };
  }
  throw new FettleError('FETTLE_MODEL_INVALID', id.trim() === '' ? 'no model is chosen' : `there is no model ${id}`, {
    hint: `put the folder of a bundle into ${folder}, or give its whole path`,
  });
}

/** What there is to choose from, by name. Bundles that cannot be read are left out. */
export async function listModels(folder: string): Promise<ShelvedModel[]> {
  const found = new Map<string, ShelvedModel>();
  for (const place of [folder, shipped]) {
    for (const id of existsSync(place) ? readdirSync(place).sort().slice(0, mostShown) : []) {
      const directory = newestIn(join(place, id));
      if (directory === undefined || found.has(id)) continue;
      const bundle = await loadBundle(directory).catch(() => undefined);
      if (bundle !== undefined) found.set(id, { id, ...modelOf(bundle) });
    }
  }
  return [...found.values()];
}

function newestIn(place: string): string | undefined {
  if (existsSync(join(place, manifestFile))) return place;
  const newest = versionsIn(place).at(-1);
  return newest === undefined ? undefined : join(place, newest);
}

/** Folders of bundles in a folder of versions, the newest last. */
export function versionsIn(place: string): string[] {
  if (!existsSync(place) || !statSync(place).isDirectory()) return [];
  const versions = readdirSync(place).filter((version) => existsSync(join(place, version, manifestFile)));
  return versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}
