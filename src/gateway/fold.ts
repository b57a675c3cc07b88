import { join } from 'node:path';
import { loadBundle } from '../bundles/index.ts';
import type { Config } from '../config/schema.ts';
import type { ControlRow } from '../core/control-row.ts';
import { errorText } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { modelName } from '../core/manifest.ts';
import type { SampleBlock } from '../core/sample-block.ts';
import type { Scorer } from '../core/score.ts';
import { createScorer } from '../scoring/index.ts';
import { assetOf, ContextNames } from './contexts.ts';
import { loadScorers } from './models.ts';
import type { Names } from './names.ts';
import { Pipeline, type PipelineOutput } from './pipeline.ts';
import { planPipeline } from './plan.ts';
import { type BundleInForce, readSavedFold, type SavedFold, savedFoldVersion } from './saved-fold.ts';
import { type SavedShadow, Shadow } from './shadow.ts';

export type { BundleInForce };

/**
 * The pipeline with the models it runs on. A model that changes is a control row like any other: it takes effect at its place in the log, so a replay judges every row by the
 * model that judged it the first time.
 */
export class Fold {
  readonly #config: Config;
  readonly #names: Names;
  readonly #log: Logger;
  /** Of bundles named in the configuration, and of those learnt or installed here. */
  readonly #scorers: Map<string, Scorer>;
  readonly #bundles = new Map<string, BundleInForce>();
  /** Cannot be used by this version; by another one they may be, so they are not forgotten until another model is in force. */
  readonly #unusable = new Map<string, BundleInForce>();
  readonly #shadows = new Map<string, Shadow>();
  readonly #contexts: ContextNames;
  #pipeline: Pipeline;
  /** Assets that begin anew because their grid or tags are not those of the snapshot. */
  readonly anew: readonly string[];
  /** The saved state could not be read: what the log holds has to be folded again, from its beginning. */
  readonly rebuilds: boolean;

  private constructor(
    config: Config,
    names: Names,
    log: Logger,
    scorers: Map<string, Scorer>,
    snapshot: SavedFold | undefined,
    rebuilds: boolean,
  ) {
    this.#config = config;
    this.#names = names;
    this.#log = log;
    this.#scorers = scorers;
    this.#contexts = new ContextNames(config, names);
    this.#pipeline = new Pipeline(planPipeline(config, names, scorers));
    this.anew = snapshot === undefined ? [] : this.#pipeline.restore(snapshot);
    this.rebuilds = rebuilds;
  }

  /** Loads the models of the configuration and of the snapshot, and its state. Throws FETTLE_MODEL_INVALID, FETTLE_MODEL_MISMATCH. */
  static async open(config: Config, names: Names, log: Logger, saved: Uint8Array | undefined): Promise<Fold> {
    const { state, bundles, problem } = saved === undefined ? { bundles: {} } : readSavedFold(saved);
    const scorers = await loadScorers(config, log);
    const opened = new Map<string, BundleInForce>();
    for (const [asset, inForce] of Object.entries(bundles)) {
      const scorer = await openBundle(config, asset, inForce.bundle, log);
      if (scorer === undefined) continue;
      scorers.set(asset, scorer);
      opened.set(asset, inForce);
    }
    const fold = Fold.#restored(config, names, log, scorers, state, problem);
    for (const [asset, inForce] of Object.entries(bundles)) {
      if (opened.has(asset)) fold.#bundles.set(asset, inForce);
      else if (assetOf(config, asset)?.asset.detector?.learn !== undefined) fold.#unusable.set(asset, inForce);
    }
    if (fold.rebuilds) return fold;
    for (const [asset, saved] of Object.entries(state?.shadows ?? {})) await fold.#begin(asset, saved.bundle, saved.reason, saved);
    return fold;
  }

  static #restored(
    config: Config,
    names: Names,
    log: Logger,
    scorers: Map<string, Scorer>,
    state: SavedFold | undefined,
    problem: string | undefined,
  ): Fold {
    let why = problem;
    if (why === undefined) {
      try {
        return new Fold(config, names, log, scorers, state, false);
      } catch (error) {
        why = errorText(error);
      }
    }
    log.warn({}, `the saved state cannot be read (${why}); it is made anew from what the journal holds, which takes a while`);
    return new Fold(config, names, log, scorers, undefined, true);
  }

  get pipeline(): Pipeline {
    return this.#pipeline;
  }

  get scorers(): ReadonlyMap<string, Scorer> {
    return this.#scorers;
  }

  /** Where the bundle lies that judges an asset or a context, if it was learnt or installed here. */
  bundleOf(asset: string): BundleInForce | undefined {
    return this.#bundles.get(asset);
  }

  /** The candidate that judges an asset in the shadow. */
  shadowOf(asset: string): Shadow | undefined {
    return this.#shadows.get(asset);
  }

  /** Takes samples in; the results come with `settle`. */
  block(block: SampleBlock): void {
    this.#pipeline.block(block);
    for (const shadow of this.#shadows.values()) shadow.block(block);
  }

  /** Takes a control row in. What came before a change of model is settled by the old one. */
  async control(row: ControlRow, output: PipelineOutput): Promise<void> {
    if (row.kind === 'model') {
      await this.settle(output);
      await this.#change(row);
    } else if (row.kind === 'candidate') {
      await this.settle(output);
      await this.#end(row.asset);
      if (row.bundle !== null) await this.#begin(row.asset, row.bundle, row.reason);
    } else {
      this.#pipeline.control(row);
      for (const shadow of this.#shadows.values()) shadow.control(row);
    }
  }

  /** As the pipeline's; candidates judge beside it, unheard. */
  async settle(output: PipelineOutput): Promise<ReadonlyMap<ControlRow, unknown>> {
    const shadows = [...this.#shadows.values()];
    const failures = await this.#pipeline.settle(shadows.reduce((heard, shadow) => shadow.watching(heard), output));
    for (const shadow of shadows) await shadow.settle();
    return failures;
  }

  async #change({ asset, bundle, by, pinned }: ControlRow & { kind: 'model' }): Promise<void> {
    const shadow = this.#shadows.get(asset);
    const promoted = shadow?.bundle === bundle ? shadow : undefined;
    const scorer = promoted?.scorer ?? (await openBundle(this.#config, asset, bundle, this.#log));
    if (scorer === undefined) return;
    const old = this.#scorers.get(asset);
    const state = this.#pipeline.save();
    this.#scorers.set(asset, scorer);
    const current = this.#bundles.get(asset);
    const previous = (current?.bundle === bundle ? current.previous : current?.bundle) ?? null;
    this.#bundles.set(asset, { bundle, previous, by, ...(pinned !== undefined && { pinned }) });
    this.#unusable.delete(asset);
    this.#pipeline = new Pipeline(planPipeline(this.#config, this.#names, this.#scorers));
    this.#pipeline.restore({ ...state, detectors: { ...state.detectors, ...promoted?.detectors() } });
    const changed = assetOf(this.#config, asset);
    if (changed !== undefined) {
      const context = changed.context === undefined ? undefined : this.#contexts.valueOf(changed.asset, changed.context);
      this.#pipeline.modelChanged(this.#config.assets.indexOf(changed.asset), context);
    }
    // What the old one had changed and nobody has asked for yet.
    this.#pipeline.touch();
    if (promoted === undefined) await this.#end(asset);
    else this.#shadows.delete(asset);
    await old?.dispose();
  }

  async #begin(asset: string, bundle: string, reason: string, saved?: SavedShadow): Promise<void> {
    const position = this.#config.assets.findIndex(({ id }) => id === asset);
    const scorer = await openBundle(this.#config, asset, bundle, this.#log, 'judged in the shadow');
    if (scorer === undefined) return;
    const active = this.#pipeline.documents()[position];
    this.#shadows.set(asset, new Shadow({ config: this.#config, names: this.#names }, { asset, bundle, reason, scorer }, active, saved));
  }

  async #end(asset: string): Promise<void> {
    const shadow = this.#shadows.get(asset);
    this.#shadows.delete(asset);
    await shadow?.scorer.dispose();
  }

  save(): Uint8Array {
    const snapshot: SavedFold = {
      version: savedFoldVersion,
      ...this.#pipeline.save(),
      bundles: Object.fromEntries([...this.#unusable, ...this.#bundles]),
      shadows: Object.fromEntries([...this.#shadows].map(([asset, shadow]) => [asset, shadow.save()])),
    };
    return Buffer.from(JSON.stringify(snapshot));
  }

  async dispose(): Promise<void> {
    for (const scorer of new Set(this.#scorers.values())) await scorer.dispose();
    for (const { scorer } of this.#shadows.values()) await scorer.dispose();
  }
}

/** A bundle that has gone or does not load leaves its asset without a model, and says so: the rest goes on. */
async function openBundle(config: Config, asset: string, bundle: string, log: Logger, how = 'judged'): Promise<Scorer | undefined> {
  if (assetOf(config, asset)?.asset.detector?.learn === undefined) return undefined;
  try {
    const scorer = await createScorer(await loadBundle(join(config.data, bundle)));
    log.info({ asset, model: modelName(scorer.manifest) }, `${asset} is ${how} by ${modelName(scorer.manifest)}`);
    return scorer;
  } catch (error) {
    log.error({ asset, bundle }, `the model of ${asset} cannot be used: ${errorText(error)}`);
    return undefined;
  }
}
