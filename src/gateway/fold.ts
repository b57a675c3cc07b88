import { join } from 'node:path';
import { loadBundle } from '../bundles/index.ts';
import type { Config } from '../config/schema.ts';
import type { ControlRow } from '../core/control-row.ts';
import { errorText } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { modelName } from '../core/manifest.ts';
import type { Scorer } from '../core/score.ts';
import { createScorer } from '../scoring/index.ts';
import { loadScorers } from './models.ts';
import type { Names } from './names.ts';
import { Pipeline, type PipelineOutput, type SavedPipeline } from './pipeline.ts';
import { planPipeline } from './plan.ts';

export interface BundleInForce {
  /** Folder of the bundle, below the data directory, and of the one before it. */
  readonly bundle: string;
  readonly previous: string | null;
  /** The person who chose it. */
  readonly by: string | null;
}

interface Snapshot extends SavedPipeline {
  readonly version: 1;
  /** By asset: what it is judged by, where that was learnt or installed here. */
  readonly bundles?: Readonly<Record<string, BundleInForce>>;
}

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
  #pipeline: Pipeline;
  /** Assets that begin anew because their grid or tags are not those of the snapshot. */
  readonly anew: readonly string[];

  private constructor(config: Config, names: Names, log: Logger, scorers: Map<string, Scorer>, snapshot: Snapshot | undefined) {
    this.#config = config;
    this.#names = names;
    this.#log = log;
    this.#scorers = scorers;
    this.#pipeline = new Pipeline(planPipeline(config, names, scorers));
    this.anew = snapshot === undefined ? [] : this.#pipeline.restore(snapshot);
  }

  /** Loads the models of the configuration and of the snapshot, and its state. Throws FETTLE_MODEL_INVALID, FETTLE_MODEL_MISMATCH. */
  static async open(config: Config, names: Names, log: Logger, saved: Uint8Array | undefined): Promise<Fold> {
    const snapshot = saved === undefined ? undefined : (JSON.parse(Buffer.from(saved).toString()) as Snapshot);
    const scorers = await loadScorers(config, log);
    const bundles = new Map<string, BundleInForce>();
    for (const [asset, inForce] of Object.entries(snapshot?.bundles ?? {})) {
      const scorer = await openBundle(config, asset, inForce.bundle, log);
      if (scorer === undefined) continue;
      scorers.set(asset, scorer);
      bundles.set(asset, inForce);
    }
    const fold = new Fold(config, names, log, scorers, snapshot);
    for (const [asset, inForce] of bundles) fold.#bundles.set(asset, inForce);
    return fold;
  }

  get pipeline(): Pipeline {
    return this.#pipeline;
  }

  get scorers(): ReadonlyMap<string, Scorer> {
    return this.#scorers;
  }

  /** Where the bundle lies that judges an asset, if it was learnt or installed here. */
  bundleOf(asset: string): BundleInForce | undefined {
    return this.#bundles.get(asset);
  }

  /** Takes a control row in. What came before a change of model is settled by the old one. */
  async control(row: ControlRow, output: PipelineOutput): Promise<void> {
    if (row.kind !== 'model') {
      this.#pipeline.control(row);
      return;
    }
    await this.#pipeline.settle(output);
    const scorer = await openBundle(this.#config, row.asset, row.bundle, this.#log);
    if (scorer === undefined) return;
    const old = this.#scorers.get(row.asset);
    const state = this.#pipeline.save();
    this.#scorers.set(row.asset, scorer);
    this.#bundles.set(row.asset, { bundle: row.bundle, previous: this.#bundles.get(row.asset)?.bundle ?? null, by: row.by });
    this.#pipeline = new Pipeline(planPipeline(this.#config, this.#names, this.#scorers));
    this.#pipeline.restore(state);
    // What the old one had changed and nobody has asked for yet.
    this.#pipeline.touch();
    await old?.dispose();
  }

  save(): Uint8Array {
    const snapshot: Snapshot = { version: 1, ...this.#pipeline.save(), bundles: Object.fromEntries(this.#bundles) };
    return Buffer.from(JSON.stringify(snapshot));
  }

  async dispose(): Promise<void> {
    for (const scorer of new Set(this.#scorers.values())) await scorer.dispose();
  }
}

/** A bundle that has gone or does not load leaves its asset without a model, and says so: the rest goes on. */
async function openBundle(config: Config, asset: string, bundle: string, log: Logger): Promise<Scorer | undefined> {
  if (!config.assets.some(({ id, detector }) => id === asset && detector?.learn !== undefined)) return undefined;
  try {
    const scorer = await createScorer(await loadBundle(join(config.data, bundle)));
    log.info({ asset, model: modelName(scorer.manifest) }, `${asset} is judged by ${modelName(scorer.manifest)}`);
    return scorer;
  } catch (error) {
    log.error({ asset, bundle }, `the model of ${asset} cannot be used: ${errorText(error)}`);
    return undefined;
  }
}
