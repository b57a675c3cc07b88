import { loadBundle } from '../bundles/index.ts';
import type { Finding } from '../core/alarm.ts';
import { FettleError } from '../core/errors.ts';
import { type LoadedBundle, type ModelManifest, modelName } from '../core/manifest.ts';
import type { Score, ScoreBatch, Scorer } from '../core/score.ts';
import { WindowBatchBuilder } from '../core/window.ts';
import { findingsOf } from '../gateway/findings.ts';
import { bindChannels } from '../gateway/model-binding.ts';
import { createScorer } from '../scoring/index.ts';
import type { FlowWindow } from './flow-windows.ts';

export interface ModelQuality {
  /** Largest score by limit on healthy windows it did not learn from: 1 is an alarm. */
  readonly largestHealthy: number;
  /** Share of windows on which it and its float form say the same; null where nobody measured it. */
  readonly sameVerdict: number | null;
  /** Share of the channels in which a step of four deviations raises an alarm; null where nobody measured it. */
  readonly selfTest: number | null;
}

/** What a model wants and is worth, for a list to choose from. */
export interface FlowModel {
  /** `pump@1.0.0` */
  readonly name: string;
  readonly channels: readonly string[];
  /** The channels as a flow names them, without the machine they were learnt on. */
  readonly values: readonly string[];
  readonly stepMs: number;
  readonly length: number;
  readonly slide: number;
  readonly precision: ModelManifest['precision'];
  readonly limit: number;
  /** What was measured when it was learnt. */
  readonly quality: ModelQuality;
  /** End of what it learnt from, event time; null where nobody knows. */
  readonly learntUntilMs: number | null;
  /** It follows its machine's rows one by one; single windows cannot be scored with it. */
  readonly tracking: boolean;
}

export interface FlowScore extends Score {
  /** Channels that explain it, largest part first. */
  readonly findings: readonly Finding[];
}

interface Waiting {
  readonly window: FlowWindow;
  /** For each channel of the model its column in the window. */
  readonly columns: readonly number[];
  readonly done: (score: FlowScore) => void;
  readonly fail: (error: unknown) => void;
}

const mostWaiting = 10_000;
const largestBatch = 256;

/** What a bundle wants of windows, without loading its network. Throws FETTLE_MODEL_INVALID. */
export const readModel = async (directory: string): Promise<FlowModel> => modelOf(await loadBundle(directory));

export const modelOf = ({ manifest, detector }: LoadedBundle): FlowModel => ({
  name: modelName(manifest),
  channels: manifest.channels.map(({ tag }) => tag),
  values: manifest.channels.map(({ tag }) => tag.slice(tag.lastIndexOf('/') + 1)),
  stepMs: manifest.stepMs,
  length: manifest.length,
  slide: manifest.slide,
  precision: manifest.precision,
  limit: manifest.limit,
  quality: {
    largestHealthy: manifest.calibration.maxRatio,
    sameVerdict: manifest.measured?.find(({ precision }) => precision === manifest.precision)?.sameVerdict ?? null,
    selfTest: manifest.selfTest?.share ?? null,
  },
  learntUntilMs: manifest.training.toMs,
  tracking: detector !== undefined,
});

/** Windows → scores with one model, one by one for who asks, in batches for ONNX Runtime: what comes while it computes goes together. */
export class FlowScorer {
  readonly model: FlowModel;
  readonly #scorer: Scorer;
  readonly #batch: WindowBatchBuilder;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #isClosed = false;

  private constructor(model: FlowModel, scorer: Scorer) {
    this.model = model;
    this.#scorer = scorer;
    this.#batch = new WindowBatchBuilder(model.length, model.channels.length);
  }

  /** A bundle's folder. Throws FETTLE_MODEL_INVALID, and FETTLE_MODEL_MISMATCH for a model that judges no single windows. */
  static async open(directory: string): Promise<FlowScorer> {
    const bundle = await loadBundle(directory);
    const model = modelOf(bundle);
    if (model.tracking) {
      throw new FettleError('FETTLE_MODEL_MISMATCH', `${model.name} follows the rows of its machine; it does not judge single windows`, {
        hint: 'use it with the node watch or a gateway, or train one for windows: fettle train --length 32',
      });
    }
    return new FlowScorer(model, await createScorer(bundle));
  }

  /** Throws FETTLE_MODEL_MISMATCH where the window is not for this model, FETTLE_SOURCE_BUSY where too many wait, FETTLE_SCORING_FAILED. */
  score(window: FlowWindow): Promise<FlowScore> {
    const { name, stepMs, length } = this.model;
    const rows = window.values.length / window.channels.length;
    if (window.stepMs !== stepMs || rows !== length) {
      const message = `${name} was learnt on ${length} steps of ${stepMs} ms; the window of ${window.asset} has ${rows} of ${window.stepMs} ms`;
      return Promise.reject(new FettleError('FETTLE_MODEL_MISMATCH', message, { hint: 'choose the model in the window node too' }));
    }
    if (this.#isClosed || this.#waiting.length >= mostWaiting)
      return Promise.reject(new FettleError('FETTLE_SOURCE_BUSY', `${mostWaiting} windows wait for ${name}`, { retryAfterMs: 1000 }));
    return new Promise((done, fail) => {
      const bound = bindChannels(this.#scorer.manifest, window.asset, window.channels);
      this.#waiting.push({ window, columns: bound.map((tag) => window.channels.indexOf(tag)), done, fail });
      this.#running ??= this.#run();
    });
  }

  /** Ends when what was asked for has been answered. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
    await this.#scorer.dispose();
  }

  async #run(): Promise<void> {
    // Messages of the same moment go together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const together = this.#waiting.splice(0, largestBatch);
      try {
        const scores = await this.#scorer.score(this.#filled(together));
        for (const [i, { window, columns, done }] of together.entries()) done(this.#scoreOf(window, columns, scores, i));
      } catch (error) {
        for (const { fail } of together) fail(error);
      }
    }
    this.#running = undefined;
  }

  #filled(waiting: readonly Waiting[]): WindowBatchBuilder {
    const batch = this.#batch;
    batch.clear();
    for (const { window, columns } of waiting) {
      let to = batch.open(0, window.endMs);
      const width = window.channels.length;
      for (let row = 0; row < window.values.length; row += width)
        for (const column of columns) batch.values[to++] = window.values[row + column] as number;
    }
    return batch;
  }

  #scoreOf({ asset, endMs, channels: tags }: FlowWindow, columns: readonly number[], batch: ScoreBatch, i: number): FlowScore {
    const { manifest } = this.#scorer;
    const { name: model, channels, limit } = this.model;
    const own = (values: Float32Array): Float32Array => values.slice(i * channels.length, (i + 1) * channels.length);
    const [contributions, observed, expected] = [own(batch.contributions), own(batch.observed), own(batch.expected)];
    const score: Score = {
      asset,
      model,
      windowEndMs: endMs,
      value: batch.value[i] as number,
      limit,
      channels,
      contributions,
      observed,
      expected,
    };
    return { ...score, findings: findingsOf(score, manifest, columns, { tags, units: tags.map(() => null) }) };
  }
}
