import { loadBundle } from '../bundles/index.ts';
import { ConfigError, type LoadedConfig, problemAt } from '../config/load.ts';
import { errorText } from '../core/errors.ts';
import { bindChannels, checkGrid } from './model-binding.ts';

/** Whether every model is there, sound, and fits its asset. Throws ConfigError with all that do not. */
export async function checkModels(loaded: LoadedConfig): Promise<void> {
  const problems = [];
  for (const [i, { id, tags, detector, window }] of loaded.config.assets.entries()) {
    if (detector?.model === undefined) continue;
    try {
      const bundle = await loadBundle(detector.model);
      checkGrid(bundle, id, window);
      bindChannels(bundle.manifest, id, tags, detector.channels);
    } catch (error) {
      problems.push(problemAt(loaded, ['assets', i, 'detector', 'model'], errorText(error)));
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

export { runtimeVersion } from '../scoring/runtime-version.ts';
