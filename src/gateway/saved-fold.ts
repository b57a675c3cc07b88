import { errorText } from '../core/errors.ts';
import type { SavedPipeline } from './pipeline.ts';
import type { SavedShadow } from './shadow.ts';

export interface BundleInForce {
  /** Folder of the bundle, below the data directory, and of the one before it. */
  readonly bundle: string;
  readonly previous: string | null;
  /** The person who chose it. */
  readonly by: string | null;
  /** Learning is not to replace it. Left out by those who wrote before there were candidates: what a person chose. */
  readonly pinned?: boolean;
}

/**
 * The state of the fold as it is kept. Keys that came later may be absent and are as good as new; what cannot be read that way gets another number, and is then
 * folded anew from the log.
 */
export interface SavedFold extends SavedPipeline {
  readonly version: typeof savedFoldVersion;
  /** By asset, or context: what it is judged by, where that was learnt or installed here. */
  readonly bundles?: Readonly<Record<string, BundleInForce>>;
  /** By asset: the candidate that judges beside it. */
  readonly shadows?: Readonly<Record<string, SavedShadow>>;
}

export const savedFoldVersion = 1;

export interface ReadFold {
  /** Undefined where it is of another version, or no state at all. */
  readonly state?: SavedFold;
  /** What is in force stands outside the versions: a model is not to be learnt again because the rest is. */
  readonly bundles: Readonly<Record<string, BundleInForce>>;
  /** Why there is no state. */
  readonly problem?: string;
}

export function readSavedFold(bytes: Uint8Array): ReadFold {
  try {
    const saved = JSON.parse(Buffer.from(bytes).toString()) as Partial<SavedFold>;
    const bundles = bundlesIn(saved.bundles);
    const version: unknown = saved.version;
    if (version === savedFoldVersion) return { state: saved as SavedFold, bundles };
    return { bundles, problem: `it is of version ${String(version)}, and this Fettle knows ${savedFoldVersion}` };
  } catch (error) {
    return { bundles: {}, problem: errorText(error) };
  }
}

function bundlesIn(value: unknown): ReadFold['bundles'] {
  if (typeof value !== 'object' || value === null) return {};
  const entries = Object.entries(value as Record<string, Partial<BundleInForce> | null>);
  return Object.fromEntries(
    entries.flatMap(([asset, own]) =>
      typeof own?.bundle === 'string' ? [[asset, { ...own, bundle: own.bundle, previous: own.previous ?? null, by: own.by ?? null }]] : [],
    ),
  );
}
