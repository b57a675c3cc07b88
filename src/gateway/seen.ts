import { cellState, type Row } from '../windows/plan.ts';

/** How much of an asset has been seen that can be learnt from. */
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

const nothingSeen: Seen = { rows: 0, sinceMs: null, untilMs: null, beforeModel: 0, beforeNormal: 0, normalSinceMs: null };

/** Counts the rows of assets, by position. */
export class SeenRows {
  readonly #seen: Seen[];

  constructor(assets: number) {
    this.#seen = Array.from({ length: assets }, () => nothingSeen);
  }

  of(asset: number): Seen {
    return this.#seen[asset] ?? nothingSeen;
  }

  count(asset: number, { running, states, endMs, plan }: Row): void {
    if (!running || !states.some((state) => state < cellState.missing)) return;
    const seen = this.of(asset);
    this.#seen[asset] = { ...seen, rows: seen.rows + 1, sinceMs: seen.sinceMs ?? endMs - plan.stepMs, untilMs: endMs };
  }

  /** How it runs from here on is normal. */
  newNormal(asset: number): void {
    const seen = this.of(asset);
    this.#seen[asset] = { ...seen, beforeNormal: seen.rows, normalSinceMs: seen.untilMs };
  }

  /** Another model judges the asset from here on. */
  modelChanged(asset: number): void {
    const seen = this.of(asset);
    this.#seen[asset] = { ...seen, beforeModel: seen.rows };
  }

  restore(asset: number, saved: Partial<Seen> | undefined): void {
    this.#seen[asset] = { ...nothingSeen, ...saved };
  }
}
