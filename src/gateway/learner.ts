import { join } from 'node:path';
import type { AssetConfig, Config } from '../config/schema.ts';
import { formatDuration } from '../core/duration.ts';
import { errorText } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { learnInBackground } from '../learning/learn-in-background.ts';
import type { History } from '../learning/tracking/history.ts';
import { bundleIdOf, bundlesOf } from './model-store.ts';
import type { Seen } from './pipeline.ts';

export type LearningStage = 'provisional' | 'established';

export interface LearningStatus {
  /** What the asset is judged by now. */
  readonly stage: 'none' | LearningStage;
  /** In words: what it is waiting for, or what went wrong. */
  readonly text: string;
  /** Valid running time seen and wanted for the next stage, ms. */
  readonly seenMs: number;
  readonly wantedMs: number;
}

export interface LearnerOwner {
  seen(asset: string): Seen;
  stageOf(asset: string): LearningStatus['stage'];
  /** Rows of the asset while it ran, from its own grid, oldest first. */
  history(asset: AssetConfig, sinceMs: number): Promise<History>;
  /** A person chose the model: it is left alone. */
  chosen(asset: string): boolean;
  /** A bundle is ready, below the data directory. */
  activate(asset: string, bundle: string): void;
}

/** Fewer rows say nothing (DETECTOR section 5). */
const fewestRows = 400;
/** After a failure it is tried again when this share more has been seen. */
const patience = 1.25;

/** Assets that learn what is normal from themselves: waits for enough, learns in the background, one asset at a time, and hands the bundle over. */
export class Learner {
  readonly #assets: readonly AssetConfig[];
  readonly #config: Config;
  readonly #owner: LearnerOwner;
  readonly #log: Logger;
  readonly #failures = new Map<string, { readonly rows: number; readonly reason: string }>();
  /** Learnt and handed over, not in force yet. */
  readonly #handedOver = new Map<string, LearningStage>();
  #busy: { readonly asset: string; readonly stage: LearningStage; readonly done: Promise<void> } | undefined;

  constructor(config: Config, owner: LearnerOwner, log: Logger) {
    this.#config = config;
    this.#assets = config.assets.filter(({ detector }) => detector?.learn !== undefined);
    this.#owner = owner;
    this.#log = log;
  }

  /** To be called now and then: begins to learn where there is enough. */
  consider(signal: AbortSignal): void {
    if (this.#busy !== undefined || signal.aborted) return;
    for (const asset of this.#assets) {
      const next = this.#due(asset);
      if (next === undefined) continue;
      const done = this.#learn(asset, next, signal).finally(() => {
        this.#busy = undefined;
      });
      this.#busy = { asset: asset.id, stage: next, done };
      return;
    }
  }

  /** Resolves when nothing is being learnt. */
  async settled(): Promise<void> {
    await this.#busy?.done;
  }

  /** By asset. */
  all(): Record<string, LearningStatus> {
    return Object.fromEntries(this.#assets.map((asset) => [asset.id, this.#status(asset)]));
  }

  #status(asset: AssetConfig): LearningStatus {
    const { id } = asset;
    const stage = this.#owner.stageOf(id);
    const seenMs = this.#seenMs(asset);
    const next = nextStage(stage);
    const wantedMs = next === undefined ? 0 : wantedFor(asset, next);
    const failure = this.#failures.get(id);
    const waiting =
      next === undefined
        ? `${id} established: ${formatDuration(seenMs)} of running time seen`
        : `${id} ${stage === 'none' ? 'learning' : stage}: ${formatDuration(seenMs)} of ${formatDuration(wantedMs)} running time seen`;
    const text =
      this.#busy?.asset === id
        ? `${id} learns its ${this.#busy.stage} model`
        : failure === undefined
          ? waiting
          : `${waiting}; it could not learn: ${failure.reason}`;
    return { stage, text, seenMs, wantedMs };
  }

  #due(asset: AssetConfig): LearningStage | undefined {
    const next = nextStage(this.#owner.stageOf(asset.id));
    if (next === undefined || this.#handedOver.get(asset.id) === next || this.#owner.chosen(asset.id)) return undefined;
    const { rows } = this.#owner.seen(asset.id);
    const failed = this.#failures.get(asset.id);
    if (rows < fewestRows || (failed !== undefined && rows < failed.rows * patience)) return undefined;
    return this.#seenMs(asset) >= wantedFor(asset, next) ? next : undefined;
  }

  #seenMs(asset: AssetConfig): number {
    return this.#owner.seen(asset.id).rows * asset.window.step;
  }

  async #learn(asset: AssetConfig, stage: LearningStage, signal: AbortSignal): Promise<void> {
    const { id, detector } = asset;
    const { rows, sinceMs } = this.#owner.seen(id);
    const bundle = join(bundlesOf(id), versionOf(stage));
    this.#log.info({ asset: id, stage, rows }, `${id} learns its ${stage} model from ${rows} rows`);
    try {
      const history = await this.#owner.history(asset, sinceMs ?? 0);
      await learnInBackground(
        {
          history,
          directory: join(this.#config.data, bundle),
          budgetPerDay: detector?.budget,
          facts: {
            id: bundleIdOf(id),
            version: versionOf(stage),
            stage,
            stepMs: asset.window.step,
            fromMs: sinceMs,
            toMs: null,
            units: unitsOf(this.#config),
          },
        },
        signal,
      );
      this.#failures.delete(id);
      this.#handedOver.set(id, stage);
      this.#owner.activate(id, bundle);
    } catch (error) {
      if (signal.aborted) return;
      const reason = errorText(error);
      this.#failures.set(id, { rows, reason });
      this.#log.warn({ asset: id, stage }, `${id} could not learn its ${stage} model: ${reason}`);
    }
  }
}

const nextStage = (stage: LearningStatus['stage']): LearningStage | undefined =>
  stage === 'none' ? 'provisional' : stage === 'provisional' ? 'established' : undefined;

const wantedFor = ({ detector }: AssetConfig, stage: LearningStage): number => detector?.learn?.[stage] ?? 0;

/** A version means one content: what was learnt before and never came into force is not in the way. */
const versionOf = (stage: LearningStage): string => `${stage === 'provisional' ? 0 : 1}.0.${Math.floor(Date.now() / 1000)}`;

const unitsOf = ({ tags }: Config): Record<string, string> =>
  Object.fromEntries(
    Object.entries(tags).flatMap(([tag, { engineeringUnit }]) => (engineeringUnit === undefined ? [] : [[tag, engineeringUnit]])),
  );
