import type { OutboxEntry, OutboxStore } from '../core/sink.ts';

type Query = Parameters<OutboxStore['read']>[0];

/** Reads the next batch while one is on its way: reading and encoding take about as long as the network. One batch is held at most. */
export class ReadAhead {
  readonly #store: OutboxStore;
  #held: { readonly query: Query; readonly entries: Promise<OutboxEntry[]> } | undefined;

  constructor(store: OutboxStore) {
    this.#store = store;
  }

  begin(query: Query): void {
    const entries = this.#store.read(query);
    // Told where it is wanted; nobody may want it.
    entries.catch(() => {});
    this.#held = { query, entries };
  }

  /** What was read ahead, if it is what is asked for; else a read of its own. */
  read(query: Query): Promise<OutboxEntry[]> {
    const held = this.#held;
    this.#held = undefined;
    return held !== undefined && same(held.query, query) ? held.entries : this.#store.read(query);
  }
}

const same = (a: Query, b: Query): boolean =>
  a.lane === b.lane && a.afterId === b.afterId && a.uptoId === b.uptoId && a.maxPoints === b.maxPoints && a.maxBytes === b.maxBytes;
