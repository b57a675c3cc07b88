import { errorText, FettleError } from '../core/errors.ts';
import { type LoadedBundle, modelName } from '../core/manifest.ts';
import type { Scorer } from '../core/score.ts';
import { InlineScorer } from './inline-scorer.ts';
import { ModelSession } from './model-session.ts';
import { WorkerScorer } from './worker-scorer.ts';

export interface ScorerOptions {
  /** Where the model runs; by its speed on the golden windows when absent. */
  readonly place?: 'inline' | 'worker';
}

/** A model that needs longer than this for one window leaves the event loop. */
const inlineMs = 1;

/**
 * Loads a bundle into ONNX Runtime, lets it score its golden windows, and refuses it when they do not come out as they must. Throws FETTLE_MODEL_INVALID.
 */
export async function createScorer(bundle: LoadedBundle, options: ScorerOptions = {}): Promise<Scorer> {
  const { manifest } = bundle;
  const session = await ModelSession.create(bundle.model, { length: manifest.length, channels: manifest.channels.length });
  let place = options.place;
  try {
    const msPerWindow = await checkGolden(bundle, session);
    place ??= msPerWindow <= inlineMs ? 'inline' : 'worker';
  } catch (error) {
    await session.release();
    throw error;
  }
  if (place === 'inline') return new InlineScorer(bundle, session);
  await session.release();
  return new WorkerScorer(bundle);
}

/** Milliseconds a window; throws FETTLE_MODEL_INVALID when a score is not what it must be. */
async function checkGolden({ manifest, golden }: LoadedBundle, session: ModelSession): Promise<number> {
  const count = golden.windows.length;
  const windows = Float32Array.from(golden.windows.flat());
  const invalid = (message: string, cause?: unknown): FettleError =>
    new FettleError('FETTLE_MODEL_INVALID', `${modelName(manifest)} ${message}`, {
      cause,
      hint: 'the file is damaged, or this machine computes integers differently: train the model here',
    });
  const run = () =>
    session.run(windows, count).catch((error: unknown) => {
      throw invalid(`cannot score its golden windows: ${errorText(error)}`, error);
    });
  // The first run prepares memory for this shape.
  const { value } = await run();
  golden.scores.forEach((wanted, i) => {
    const got = value[i] as number;
    // Below a hundredth of the limit a relative difference means nothing.
    if (Math.abs(got - wanted) <= golden.tolerance * Math.max(wanted, manifest.limit * 0.01)) return;
    throw invalid(`gives ${got} for golden window ${i}, it must give ${wanted}`);
  });
  const began = performance.now();
  await run();
  return (performance.now() - began) / count;
}
