import type { DetectorParameters } from './detector.ts';
import type { ModelManifest } from './manifest.ts';
import type { WindowBatch } from './window.ts';

/**
 * What a model says of a `WindowBatch`, row for row. NaN in `value` means "no score".
 * `contributions` is `[count, channels]`: each channel's part of the score, adding up to `value`.
 * `observed` and `expected` are `[count, channels]`, in engineering units: the mean of the channel over the last
 * `explainSteps` steps of the window, and what the model would have had there.
 * The arrays belong to the scorer and are overwritten by its next `score`.
 */
export interface ScoreBatch {
  readonly count: number;
  readonly value: Float32Array;
  readonly contributions: Float32Array;
  readonly observed: Float32Array;
  readonly expected: Float32Array;
  /** `[count, members, channels]`, where the model gives it: squared weighted residuals of each of its networks, summed over a channel. */
  readonly parts?: Float32Array;
}

/** Windows → scores, for one model. `score` may be called again only after the last call has settled. Throws FETTLE_SCORING_FAILED. */
export interface Scorer {
  readonly manifest: ModelManifest;
  /** What stands around a tracking model; absent for one that judges windows as they are. */
  readonly detector?: DetectorParameters;
  score(batch: WindowBatch): Promise<ScoreBatch>;
  dispose(): Promise<void>;
}

/** One window's verdict as it is kept and sent. `contributions`, `observed`, `expected` follow the manifest's channels. */
export interface Score {
  readonly asset: string;
  /** `id@version` of the bundle. */
  readonly model: string;
  readonly windowEndMs: number;
  readonly value: number;
  readonly limit: number;
  readonly channels: readonly string[];
  readonly contributions: Float32Array;
  readonly observed: Float32Array;
  readonly expected: Float32Array;
}
