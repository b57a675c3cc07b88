import { basename, dirname } from 'node:path';
import { FettleError } from '../core/errors.ts';

/** Whether a model may be called so. */
export const isBundleId = (text: string): boolean => /^[a-z0-9][a-z0-9._-]*$/.test(text);

/** `models/press/1.0.0` → press, 1.0.0. Throws FETTLE_TRAINING_FAILED. */
export function bundleName(out: string): { readonly id: string; readonly version: string } {
  const id = basename(dirname(out));
  const version = basename(out);
  if (/^\d+\.\d+\.\d+$/.test(version) && isBundleId(id)) return { id, version };
  throw new FettleError('FETTLE_TRAINING_FAILED', `--out ${out} does not end in NAME/VERSION`, {
    hint: 'for example --out models/press/1.0.0',
  });
}
