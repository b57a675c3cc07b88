import { loadBundle } from '../bundles/index.ts';
import type { Config } from '../config/schema.ts';
import type { Logger } from '../core/logger.ts';
import { modelName } from '../core/manifest.ts';
import type { Scorer } from '../core/score.ts';
import { createScorer } from '../scoring/index.ts';

/** One scorer a bundle, shared by all assets that name it, by asset id. Throws FETTLE_MODEL_INVALID. */
export async function loadScorers(config: Config, log: Logger): Promise<Map<string, Scorer>> {
  const byFolder = new Map<string, Scorer>();
  const byAsset = new Map<string, Scorer>();
  for (const { id, detector } of config.assets) {
    if (detector?.model === undefined) continue;
    let scorer = byFolder.get(detector.model);
    if (scorer === undefined) {
      scorer = await createScorer(await loadBundle(detector.model));
      byFolder.set(detector.model, scorer);
      log.info({ model: modelName(scorer.manifest), precision: scorer.manifest.precision }, 'model loaded');
    }
    byAsset.set(id, scorer);
  }
  return byAsset;
}
