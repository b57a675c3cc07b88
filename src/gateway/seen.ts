import { cellState, type Row } from '../windows/plan.ts';

/** How much of an asset, or of one of its contexts, has been seen that can be learnt from. */
export interface Seen {
  /** Rows while it ran. */
  readonly rows: number;
  /** Event time of the first and the last. */
  readonly sinceMs: number | null;
  readonly untilMs: number | null;
  /** Of the rows, those before the model in force came. */
  readonly beforeModel: number;
  /** Of the rows, those before a person last said that how it runs is normal, and event time then. */
  readonly beforeNormal: number;
  readonly normalSinceMs: number | null;
}

export interface SavedSeen extends Seen {
  /** By value of the context. */
  readonly contexts?: readonly (readonly [number, Seen])[];
}

const nothingSeen: Seen = { rows: 0, sinceMs: null, untilMs: null, beforeModel: 0, beforeNormal: 0, normalSinceMs: null };
/** More products than this are not told apart: a tag that counts up is no context. */
const mostContexts = 200;

/** Counts the rows of one asset. */
export class SeenRows {
  #all: Seen = nothingSeen;
  readonly #contexts = new Map<number, Seen>();

  of(context?: number): Seen {
    return (context === undefined ? this.#all : this.#contexts.get(context)) ?? nothingSeen;
  }

  /** Values of the context that have come. */
  get contexts(): number[] {
    return [...this.#contexts.keys()];
  }

  /** `context`: undefined where the asset has none, NaN where it is not known. */
  count({ running, states, endMs, plan }: Row, context: number | undefined): void {
    if (!running || !states.some((state) => state < cellState.missing)) return;
    const counted = (seen: Seen): Seen => ({ ...seen, rows: seen.rows + 1, sinceMs: seen.sinceMs ?? endMs - plan.stepMs, untilMs: endMs });
    this.#all = counted(this.#all);
    if (context === undefined || Number.isNaN(context)) return;
    if (this.#contexts.size < mostContexts || this.#contexts.has(context)) this.#contexts.set(context, counted(this.of(context)));
  }

  /** How it runs from here on is normal. */
  newNormal(): void {
    const anew = (seen: Seen): Seen => ({ ...seen, beforeNormal: seen.rows, normalSinceMs: seen.untilMs });
    this.#all = anew(this.#all);
    for (const [context, seen] of this.#contexts) this.#contexts.set(context, anew(seen));
  }

  /** Another model judges it from here on. */
  modelChanged(context?: number): void {
    const changed = (seen: Seen): Seen => ({ ...seen, beforeModel: seen.rows });
    if (context === undefined) this.#all = changed(this.#all);
    else this.#contexts.set(context, changed(this.of(context)));
  }

  save(): SavedSeen {
    return { ...this.#all, ...(this.#contexts.size > 0 && { contexts: [...this.#contexts] }) };
  }

  restore(saved: Partial<SavedSeen> = {}): void {
    const { contexts = [], ...all } = saved;
    this.#all = { ...nothingSeen, ...all };
    this.#contexts.clear();
    for (const [context, seen] of contexts) this.#contexts.set(context, seen);
  }
}
