import { Interner } from '../core/interner.ts';
import type { NameKind } from '../journal/batch.ts';

const unbounded = Number.MAX_SAFE_INTEGER;

/** The five tables of names, and which of them the journal has already. */
export class Names {
  readonly tag: Interner;
  readonly text: Interner;
  readonly source: Interner;
  readonly asset: Interner;
  readonly model: Interner;
  readonly #kept: Record<NameKind, number>;

  constructor(known: Record<NameKind, string[]>, limits: { readonly tags: number; readonly texts: number }) {
    // A limit that was lowered must not forget names that the log already uses.
    this.tag = new Interner(Math.max(limits.tags, known.tag.length), known.tag);
    this.text = new Interner(Math.max(limits.texts, known.text.length), known.text);
    this.source = new Interner(65_535, known.source);
    this.asset = new Interner(unbounded, known.asset);
    this.model = new Interner(unbounded, known.model);
    this.#kept = {
      tag: known.tag.length,
      text: known.text.length,
      source: known.source.length,
      asset: known.asset.length,
      model: known.model.length,
    };
  }

  /** Names the next commit has to hold. */
  takeNew(): { kind: NameKind; index: number; name: string }[] {
    const fresh: { kind: NameKind; index: number; name: string }[] = [];
    for (const kind of ['tag', 'text', 'source', 'asset', 'model'] as const) {
      if (this[kind].size === this.#kept[kind]) continue;
      for (const [i, name] of this[kind].since(this.#kept[kind]).entries()) fresh.push({ kind, index: this.#kept[kind] + i, name });
      this.#kept[kind] = this[kind].size;
    }
    return fresh;
  }

  /** The database is a fresh one: every name has to be written again. */
  forget(): void {
    for (const kind of Object.keys(this.#kept) as NameKind[]) this.#kept[kind] = 0;
  }
}
