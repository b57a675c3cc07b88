import type { DetectorParameters } from '../core/detector.ts';
import type { LoadedBundle, ModelManifest } from '../core/manifest.ts';
import type { ScoreBatch, Scorer } from '../core/score.ts';
import type { WindowBatch } from '../core/window.ts';
import type { ModelSession } from './model-session.ts';

/** A small model on the event loop: a run takes microseconds, less than handing it to another thread. */
export class InlineScorer implements Scorer {
  readonly manifest: ModelManifest;
  readonly detector?: DetectorParameters;
  readonly #session: ModelSession;

  constructor({ manifest, detector }: LoadedBundle, session: ModelSession) {
    this.manifest = manifest;
    if (detector !== undefined) this.detector = detector;
    this.#session = session;
  }

  score(batch: WindowBatch): Promise<ScoreBatch> {
    return this.#session.run(batch.values, batch.count);
  }

  dispose(): Promise<void> {
    return this.#session.release();
  }
}
