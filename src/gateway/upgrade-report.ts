import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadBundle } from '../bundles/index.ts';
import { ConfigError, type LoadedConfig, type Problem } from '../config/load.ts';
import { errorText } from '../core/errors.ts';
import { gatewayVersion } from '../core/gateway-version.ts';
import { silentLogger } from '../core/logger.ts';
import { type DatabaseContent, lookAt } from '../journal/look.ts';
import { migrations, schemaVersion } from '../journal/schema.ts';
import { copiesIn, copyFileOf, freeBytesIn, reserveBytes } from '../journal/upgrade-copy.ts';
import { createScorer } from '../scoring/index.ts';
import { sourceDefinitions } from '../sources/index.ts';
import { checkModels } from './check-models.ts';
import { Fold } from './fold.ts';
import { Names } from './names.ts';
import { readSavedFold } from './saved-fold.ts';

/** What the gateway that runs says of itself. */
export interface RunningGateway {
  readonly version: string;
  /** By asset: folder of the bundle in force, below the data directory. */
  readonly inForce: Readonly<Record<string, string>>;
}

export interface ModelCheck {
  readonly asset: string;
  readonly bundle: string;
  /** Why this version cannot use it. */
  readonly problem: string | null;
}

export interface UpgradeReport {
  readonly data: string;
  /** Null where the data do not say. */
  readonly fromVersion: string | null;
  readonly toVersion: string;
  readonly running: boolean;
  /** Null where there are no data yet. */
  readonly fromSchema: number | null;
  readonly toSchema: number;
  /** What will be done to the data, in words. */
  readonly migrations: readonly { readonly schema: number; readonly words: string }[];
  /** Kept before the data are changed; null where they are not. */
  readonly copy: {
    readonly file: string;
    readonly bytes: number;
    readonly neededBytes: number;
    readonly freeBytes: number;
    readonly fits: boolean;
    /** Copies of earlier upgrades that go when this one is done. */
    readonly replaces: readonly string[];
    readonly secondsOnDisk: number;
    readonly secondsOnCard: number;
  } | null;
  /** Of the configuration, in the eyes of this version. */
  readonly problems: readonly Problem[];
  readonly models: readonly ModelCheck[];
  /** Alarms, windows and what detectors know of the moment: kept, made anew from the log, or not to be seen from here. */
  readonly state: 'kept' | 'rebuilt' | 'unknown' | 'none';
  /** Assets that begin anew because their grid or tags are others. */
  readonly anew: readonly string[];
  /** Sources whose devices will be found out about anew. */
  readonly forgotten: readonly string[];
  readonly remembered: number;
  /** Nobody has to do anything before the upgrade. */
  readonly safe: boolean;
}

/** Bytes a second that are written and synced, at least: a disk, and an SD card. */
const pace = { disk: 150e6, card: 10e6 };

export interface ReportInput {
  readonly data: string;
  /** Undefined where the configuration has problems. */
  readonly loaded: LoadedConfig | undefined;
  readonly problems: readonly Problem[];
  readonly running: RunningGateway | undefined;
}

/** What this version would do to data and configuration of another one. Changes nothing; the other one may be running. */
export async function upgradeReport({ data, loaded, problems, running }: ReportInput): Promise<UpgradeReport> {
  const looked = existsSync(data) ? lookAt(data) : undefined;
  const fromSchema = looked === undefined || looked.schema === 0 ? null : looked.schema;
  const copy = looked !== undefined && fromSchema !== null && fromSchema < schemaVersion ? copyPlan(data, fromSchema, looked.bytes) : null;
  const configured = [...problems, ...(loaded === undefined ? [] : await modelProblems(loaded))];
  const inForce = running?.inForce ?? inForceIn(looked?.content ?? null);
  const models = await Promise.all(Object.entries(inForce).map(([asset, bundle]) => checkModel(data, asset, bundle)));
  const fate = await stateFate(data, loaded, looked?.content ?? null, fromSchema);
  const memory = sourceMemory(data);
  return {
    data,
    fromVersion: running?.version ?? looked?.content?.openedBy.at(-1)?.version ?? null,
    toVersion: gatewayVersion,
    running: running !== undefined,
    fromSchema,
    toSchema: schemaVersion,
    migrations: fromSchema === null ? [] : migrations.map(({ words }, i) => ({ schema: i + 1, words })).slice(fromSchema),
    copy,
    problems: configured,
    models,
    ...fate,
    ...memory,
    safe:
      configured.length === 0 &&
      (fromSchema ?? 0) <= schemaVersion &&
      (copy === null || copy.fits) &&
      models.every(({ problem }) => problem === null),
  };
}

function copyPlan(data: string, schema: number, bytes: number): UpgradeReport['copy'] {
  const file = copyFileOf(data, schema);
  const freeBytes = freeBytesIn(data);
  const neededBytes = bytes + reserveBytes;
  return {
    file,
    bytes,
    neededBytes,
    freeBytes,
    fits: freeBytes >= neededBytes,
    replaces: copiesIn(data).map((copy) => copy.file),
    secondsOnDisk: Math.max(1, Math.ceil(bytes / pace.disk)),
    secondsOnCard: Math.max(1, Math.ceil(bytes / pace.card)),
  };
}

async function modelProblems(loaded: LoadedConfig): Promise<readonly Problem[]> {
  try {
    await checkModels(loaded);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

function inForceIn(content: DatabaseContent | null): Record<string, string> {
  if (content?.snapshot == null) return {};
  return Object.fromEntries(Object.entries(readSavedFold(content.snapshot).bundles).map(([asset, { bundle }]) => [asset, bundle]));
}

/** Whole, readable, and of the same opinion about its golden windows with this version's runtime. */
async function checkModel(data: string, asset: string, bundle: string): Promise<ModelCheck> {
  try {
    await (await createScorer(await loadBundle(join(data, bundle)), { place: 'inline' })).dispose();
    return { asset, bundle, problem: null };
  } catch (error) {
    return { asset, bundle, problem: errorText(error) };
  }
}

/** The saved state is opened as a start would do it, and put away again. */
async function stateFate(
  data: string,
  loaded: LoadedConfig | undefined,
  content: DatabaseContent | null,
  schema: number | null,
): Promise<Pick<UpgradeReport, 'state' | 'anew'>> {
  if (schema === null) return { state: 'none', anew: [] };
  if (content === null || loaded === undefined) return { state: 'unknown', anew: [] };
  if (content.snapshot === null) return { state: 'rebuilt', anew: [] };
  try {
    const fold = await Fold.open(
      { ...loaded.config, data },
      new Names(content.names, loaded.config.limits),
      silentLogger,
      content.snapshot,
    );
    await fold.dispose();
    return { state: fold.rebuilds ? 'rebuilt' : 'kept', anew: fold.anew };
  } catch {
    // A model of the configuration: it is among the problems.
    return { state: 'unknown', anew: [] };
  }
}

function sourceMemory(data: string): Pick<UpgradeReport, 'forgotten' | 'remembered'> {
  const folder = join(data, 'sources');
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
  const forgotten = files
    .filter((name) => !isReadable(join(folder, name)))
    .map((name) => decodeURIComponent(name.slice(0, -'.json'.length)));
  return { forgotten, remembered: files.length - forgotten.length };
}

function isReadable(file: string): boolean {
  try {
    const saved: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return sourceDefinitions.some((definition) => 'readsMemory' in definition && definition.readsMemory(saved));
  } catch {
    return false;
  }
}
