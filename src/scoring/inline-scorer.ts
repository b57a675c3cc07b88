import type { ModelManifest } from '../core/manifest.ts';
import type { ScoreBatch, Scorer } from '../core/score.ts';
import type { WindowBatch } from '../core/window.ts';
import type { ModelSession } from './model-session.ts';

/** A small model on the event loop: a run takes microseconds, less than handing it to another thread. */
export class InlineScorer implements Scorer {
  readonly manifest: ModelManifest;
  readonly #session: ModelSession;

  constructor(manifest: ModelManifest, session: ModelSession) {
    this.manifest = manifest;
    this.#session = session;
  }

  score(batch: WindowBatch): Promise<ScoreBatch> {
    return this.#session.run(batch.values, batch.count);
  }

  dispose(): Promise<void> {
    return this.#session.release();
  }
}
