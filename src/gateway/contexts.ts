import type { AssetConfig, Config } from '../config/schema.ts';
import type { Names } from './names.ts';
import { textTagsOf } from './text-tags.ts';

/**
 * What has a model: an asset, or one of its contexts (product, recipe), named `line1/press@17`. Bundles, learning and what people choose go by it.
 */
export const modelledOf = (asset: string, context: string | undefined): string => (context === undefined ? asset : `${asset}@${context}`);

/** The asset of it, and its context. Undefined where there is no such asset. */
export function assetOf(
  config: Config,
  modelled: string,
): { readonly asset: AssetConfig; readonly context: string | undefined } | undefined {
  const exact = config.assets.find(({ id }) => id === modelled);
  if (exact !== undefined) return exact.context === undefined ? { asset: exact, context: undefined } : undefined;
  const asset = config.assets.find(({ id, context }) => context !== undefined && modelled.startsWith(`${id}@`));
  return asset && { asset, context: modelled.slice(asset.id.length + 1) };
}

/** Contexts as values of their tag and as people name them. */
export class ContextNames {
  readonly #names: Names;
  readonly #texts: ReadonlySet<number>;

  constructor(config: Config, names: Names) {
    this.#names = names;
    this.#texts = textTagsOf(config, names);
  }

  nameOf({ context }: AssetConfig, value: number): string {
    return this.#isText(context) ? this.#names.text.nameOf(value) : String(value);
  }

  /** NaN where no such text has come. */
  valueOf({ context }: AssetConfig, name: string): number {
    return this.#isText(context) ? (this.#names.text.indexOf(name) ?? Number.NaN) : Number(name);
  }

  #isText(tag: string | undefined): boolean {
    const index = tag === undefined ? undefined : this.#names.tag.indexOf(tag);
    return index !== undefined && this.#texts.has(index);
  }
}
