import { FettleError } from '../core/errors.ts';
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
  const { manifest, golden } = bundle;
  const session = await ModelSession.create(bundle.model, { length: manifest.length, channels: manifest.channels.length });
  const count = golden.windows.length;
  const windows = Float32Array.from(golden.windows.flat());
  await session.run(windows, 1);
  const began = performance.now();
  const { value } = await session.run(windows, count);
  const msPerWindow = (performance.now() - began) / count;
  golden.scores.forEach((wanted, i) => {
    const got = value[i] as number;
    if (Math.abs(got - wanted) <= golden.tolerance * Math.max(wanted, manifest.limit * 0.01)) return;
    throw new FettleError('FETTLE_MODEL_INVALID', `${modelName(manifest)} gives ${got} for golden window ${i}, it must give ${wanted}`, {
      hint: 'the file is damaged, or this CPU computes integers differently: train the model here',
    });
  });
  if (options.place === 'inline' || (options.place === undefined && msPerWindow <= inlineMs)) return new InlineScorer(manifest, session);
  await session.release();
  return new WorkerScorer(bundle);
}
