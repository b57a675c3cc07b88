import { join } from 'node:path';
import type { AssetConfig, Config } from '../config/schema.ts';
import { isStanding } from '../core/alarm.ts';
import type { Clock } from '../core/clock.ts';
import type { ControlRow } from '../core/control-row.ts';
import { FettleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { ModelManifest } from '../core/manifest.ts';
import type { Journal } from '../journal/journal.ts';
import { compareInBackground } from './compare-in-background.ts';
import type { ModelComparison } from './compare-models.ts';
import { assetOf, ContextNames } from './contexts.ts';
import type { BundleInForce, Fold } from './fold.ts';
import type { GatewayListener } from './gateway-events.ts';
import { type HistoryWish, historyRows, type RecordedHistory } from './history-rows.ts';
import { type CandidateStatus, Learner } from './learner.ts';
import { checkBundle, factsOf, installBundle, type StoredModel, storedModels } from './model-store.ts';
import type { Names } from './names.ts';
import type { Seen } from './seen.ts';
import { episodesOf } from './verdicts.ts';

export interface AssetModels {
  readonly asset: string;
  /** From itself; other assets have the model of their configuration. */
  readonly learns: boolean;
  readonly inForce: BundleInForce | null;
  /** What judges beside it, unheard. */
  readonly candidate: CandidateStatus | null;
  readonly stored: readonly StoredModel[];
}

/** A version that is at hand, a folder to install from, or the model before the one in force. */
export type ModelChoice = { readonly version: string } | { readonly folder: string } | 'previous';

export interface CompareRequest {
  readonly asset: string;
  /** Versions at hand; the model in force and its candidate, or the one before it, when absent. */
  readonly versions?: readonly string[] | undefined;
  /** Event time; everything the journal keeps when absent. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

interface Surroundings {
  readonly config: Config;
  readonly journal: Journal;
  readonly fold: Fold;
  readonly names: Names;
  readonly clock: Clock;
  readonly log: Logger;
  readonly listener: GatewayListener | undefined;
  /** Resolves when what has come in so far is on the disk. */
  flush(): Promise<void>;
  control(row: ControlRow, done?: (error: unknown) => void): void;
}

/** What judges the assets that learn from themselves: learning, candidates, and what people choose. A change is a control row; it is durable when a method resolves. */
export class ModelControl {
  readonly #around: Surroundings;
  readonly #contexts: ContextNames;
  readonly learner: Learner;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#contexts = new ContextNames(around.config, around.names);
    const { config, fold, log, listener } = around;
    this.learner = new Learner(
      config,
      {
        seen: (modelled) => this.#seenOf(modelled),
        contextsOf: (asset) => fold.pipeline.contextsOf(config.assets.indexOf(asset)).map((value) => this.#contexts.nameOf(asset, value)),
        manifestOf: (asset) => fold.scorers.get(asset)?.manifest,
        candidateOf: (asset) => this.#candidateOf(asset),
        slowChange: (asset) => this.#slowChangeOf(asset),
        history: (modelled, sinceMs) => this.#historyOf(modelled, { sinceMs, healthy: true }),
        pinned: (asset) => {
          const inForce = fold.bundleOf(asset);
          return inForce?.pinned ?? typeof inForce?.by === 'string';
        },
        activate: (asset, bundle) => void this.#use(asset, bundle, null, false),
        propose: (asset, bundle, reason) => void this.#propose(asset, bundle, reason),
        changed: (asset, status) => listener?.learning?.(asset, status),
      },
      log,
    );
  }

  /** In force, in the shadow, and at hand. */
  async list(): Promise<AssetModels[]> {
    const { config, fold } = this.#around;
    const given = config.assets.flatMap(({ id, detector }): AssetModels[] => {
      const manifest = detector?.model === undefined ? undefined : fold.scorers.get(id)?.manifest;
      if (detector?.model === undefined || manifest === undefined) return [];
      const inForce = { bundle: detector.model, previous: null, by: null };
      return [{ asset: id, learns: false, inForce, candidate: null, stored: [factsOf(detector.model, manifest)] }];
    });
    const learnt = Object.entries(this.learner.all()).map(
      async ([modelled, { candidate }]): Promise<AssetModels> => ({
        asset: modelled,
        learns: true,
        inForce: fold.bundleOf(modelled) ?? null,
        candidate,
        stored: await storedModels(config.data, modelled),
      }),
    );
    return [...given, ...(await Promise.all(learnt))];
  }

  /**
   * Puts another model in force, because a person says so; from then on the asset does not replace it by itself. Returns the bundle's folder. Throws FETTLE_COMMAND_INVALID, FETTLE_MODEL_INVALID, FETTLE_MODEL_MISMATCH.
   */
  async use(asset: string, model: ModelChoice, by: string): Promise<string> {
    const config = this.#learning(asset);
    const { data } = this.#around.config;
    const bundle =
      model === 'previous'
        ? (this.#around.fold.bundleOf(asset)?.previous ?? undefined)
        : 'folder' in model
          ? await installBundle(data, model.folder, config)
          : (await storedModels(data, asset)).find(({ version }) => version === model.version)?.bundle;
    if (bundle === undefined)
      throw new FettleError(
        'FETTLE_COMMAND_INVALID',
        model === 'previous' ? `${asset} had no model before this one` : `${asset} has no such model`,
        { hint: 'fettle model list shows what there is' },
      );
    await checkBundle(join(data, bundle), config);
    await this.#use(asset, bundle, by, true);
    await this.#around.flush();
    return bundle;
  }

  /** Puts the candidate in force; learning goes on after it. Returns the bundle's folder. Throws FETTLE_COMMAND_INVALID. */
  async promote(asset: string, by: string): Promise<string> {
    const { bundle } = this.#candidate(asset);
    await this.#use(asset, bundle, by, false);
    await this.#around.flush();
    return bundle;
  }

  /** The candidate judges no longer; its bundle stays at hand. Throws FETTLE_COMMAND_INVALID. */
  async discard(asset: string, by: string): Promise<void> {
    this.#candidate(asset);
    await this.#propose(asset, null, `put aside by ${by}`);
    await this.#around.flush();
  }

  /** What two models say of the same history of their asset. Throws FETTLE_COMMAND_INVALID, FETTLE_MODEL_INVALID; rejects with the signal's reason. */
  async compare({ asset, versions, fromMs = 0, toMs }: CompareRequest, signal: AbortSignal): Promise<ModelComparison> {
    this.#learning(asset);
    const { data } = this.#around.config;
    const stored = await storedModels(data, asset);
    const inForce = this.#around.fold.bundleOf(asset);
    const other = this.#candidateOf(asset)?.bundle ?? inForce?.previous;
    const bundles =
      versions === undefined
        ? [inForce?.bundle, other].filter((bundle) => bundle != null)
        : versions.map((wanted) => stored.find(({ version }) => version === wanted)?.bundle);
    const found = bundles.filter((bundle) => bundle !== undefined);
    if (found.length < Math.max(2, bundles.length))
      throw new FettleError(
        'FETTLE_COMMAND_INVALID',
        versions === undefined ? `${asset} has no second model to compare with` : `${asset} has no model ${versions.join(' or ')}`,
        { hint: 'fettle model list shows what there is' },
      );
    const history = await this.#historyOf(asset, { sinceMs: fromMs, healthy: false, ...(toMs !== undefined && { untilMs: toMs }) });
    return compareInBackground({ asset, ...history, directories: found.map((bundle) => join(data, bundle)) }, signal);
  }

  #learning(asset: string): AssetConfig {
    const config = assetOf(this.#around.config, asset)?.asset;
    if (config?.detector?.learn !== undefined) return config;
    if (config === undefined) throw new FettleError('FETTLE_ASSET_UNKNOWN', `there is no asset ${asset}`);
    throw new FettleError('FETTLE_COMMAND_INVALID', `the model of ${asset} is named in the configuration`);
  }

  #candidate(asset: string): CandidateStatus {
    this.#learning(asset);
    const candidate = this.#candidateOf(asset);
    if (candidate === undefined)
      throw new FettleError('FETTLE_COMMAND_INVALID', `${asset} has no candidate`, { hint: 'fettle model learn makes one' });
    return candidate;
  }

  #candidateOf(asset: string): (CandidateStatus & { readonly manifest: ModelManifest }) | undefined {
    const shadow = this.#around.fold.shadowOf(asset);
    if (shadow === undefined) return undefined;
    const { bundle, reason, tally, scorer } = shadow;
    return { bundle, reason, tally, manifest: scorer.manifest };
  }

  #slowChangeOf(asset: string): { readonly sinceMs: number; readonly forMs: number } | undefined {
    const { fold, names } = this.#around;
    const document = fold.pipeline.document(names.asset.intern(asset));
    const warning = document?.alarms.find(({ rule, state }) => rule === 'drift' && isStanding(state));
    return warning && document && { sinceMs: warning.sinceMs, forMs: document.atMs - warning.sinceMs };
  }

  #use(asset: string, bundle: string, by: string | null, pinned: boolean): Promise<void> {
    return this.#control({ kind: 'model', atMs: this.#around.clock.wallMs(), asset, bundle, by, pinned });
  }

  #propose(asset: string, bundle: string | null, reason: string): Promise<void> {
    return this.#control({ kind: 'candidate', atMs: this.#around.clock.wallMs(), asset, bundle, reason });
  }

  #control(row: ControlRow): Promise<void> {
    return new Promise((resolve) => this.#around.control(row, () => resolve()));
  }

  async #historyOf(modelled: string, wish: Pick<HistoryWish, 'sinceMs' | 'untilMs' | 'healthy'>): Promise<RecordedHistory> {
    const { flush, journal, fold, names, config } = this.#around;
    const { asset, context } = this.#placeOf(modelled);
    await flush();
    const plan = fold.pipeline.windowsOf(config.assets.indexOf(asset));
    const column = plan.columns.findIndex(({ tag }) => tag === names.tag.indexOf(asset.context ?? ''));
    const only = context === undefined ? undefined : { column, value: context };
    const episodes = await episodesOf(journal, names.asset.intern(asset.id));
    return historyRows(journal, { ...wish, plan, tags: asset.tags, episodes, context: only });
  }

  #seenOf(modelled: string): Seen {
    const { asset, context } = this.#placeOf(modelled);
    return this.#around.fold.pipeline.seen(this.#around.config.assets.indexOf(asset), context);
  }

  #placeOf(modelled: string): { readonly asset: AssetConfig; readonly context: number | undefined } {
    const found = assetOf(this.#around.config, modelled);
    if (found === undefined) throw new RangeError(`${modelled} is no asset`);
    const { asset, context } = found;
    return { asset, context: context === undefined ? undefined : this.#contexts.valueOf(asset, context) };
  }
}
