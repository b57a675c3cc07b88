import { FettleError } from '../core/errors.ts';
import { type LoadedBundle, type ModelManifest, modelName } from '../core/manifest.ts';

/**
 * For each channel of the model the asset's tag: by the asset's own `channels`, by equal name, or by an equal last level that only one of the asset's
 * tags has. Throws FETTLE_MODEL_MISMATCH with what is missing.
 */
export function bindChannels(
  manifest: ModelManifest,
  assetId: string,
  tags: readonly string[],
  channels: Readonly<Record<string, string>> = {},
): string[] {
  const last = (name: string): string => name.slice(name.lastIndexOf('/') + 1);
  const unbound: string[] = [];
  const bound = manifest.channels.map(({ tag: channel }) => {
    const given = channels[channel];
    if (given !== undefined) {
      if (!tags.includes(given)) unbound.push(`${channel} (given as ${given}, which is not a tag of the asset)`);
      return given;
    }
    if (tags.includes(channel)) return channel;
    const alike = tags.filter((tag) => last(tag) === last(channel));
    if (alike.length !== 1) unbound.push(alike.length === 0 ? channel : `${channel} (${alike.join(', ')} all fit)`);
    return alike[0] ?? '';
  });
  if (unbound.length > 0) {
    throw new FettleError(
      'FETTLE_MODEL_MISMATCH',
      `model ${modelName(manifest)} does not fit ${assetId}: no tag for its channel ${unbound.join(', ')}`,
      {
        hint: `name them in detector.channels of ${assetId}, for example { ${manifest.channels[0]?.tag}: ${tags[0]} }`,
      },
    );
  }
  return bound;
}

/** Throws FETTLE_MODEL_MISMATCH when the model was learnt on another grid than the asset's window. */
export function checkGrid(
  { manifest, detector }: Pick<LoadedBundle, 'manifest' | 'detector'>,
  assetId: string,
  window: { step: number; length: number },
): void {
  // A tracking detector makes its windows itself.
  if (manifest.stepMs === window.step && (detector !== undefined || manifest.length === window.length)) return;
  throw new FettleError(
    'FETTLE_MODEL_MISMATCH',
    `model ${modelName(manifest)} was learnt on ${manifest.length} steps of ${manifest.stepMs} ms; ${assetId} has ${window.length} steps of ${window.step} ms`,
    { hint: `set window: { step: ${manifest.stepMs}ms, length: ${manifest.length} } or train a model for this grid` },
  );
}
