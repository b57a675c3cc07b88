import type { Clock } from '../core/clock.ts';
import type { OutboxEntry, OutboxStore, Sink } from '../core/sink.ts';
import type { Journal } from '../journal/journal.ts';
import { readSegment } from '../journal/segment.ts';
import type { Names } from './names.ts';

/** The outbox of one sink in the journal. Entries of the samples lane point at segments; their points are encoded when they are read. */
export class JournalOutboxStore implements OutboxStore {
  readonly #journal: Journal;
  readonly #sink: Sink;
  readonly #names: Names;
  readonly #textTags: ReadonlySet<number>;
  readonly #clock: Clock;

  constructor(journal: Journal, sink: Sink, names: Names, textTags: ReadonlySet<number>, clock: Clock) {
    this.#journal = journal;
    this.#sink = sink;
    this.#names = names;
    this.#textTags = textTags;
    this.#clock = clock;
  }

  async read(query: Parameters<OutboxStore['read']>[0]): Promise<OutboxEntry[]> {
    const rows = await this.#journal.readOutbox(query);
    return query.lane === 'samples' ? rows.map((row) => ({ ...row, payload: this.#encodeSegment(row.payload) })) : rows;
  }

  remove(_sink: string, ids: readonly number[]): Promise<void> {
    return this.#journal.removeOutbox(ids);
  }

  async quarantine(sink: string, entries: Parameters<OutboxStore['quarantine']>[1]): Promise<void> {
    await this.#journal.quarantine(sink, entries, this.#clock.wallMs());
  }

  depth(sink: string): ReturnType<OutboxStore['depth']> {
    return this.#journal.depth(sink);
  }

  #encodeSegment(segment: Uint8Array): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const entry of readSegment(segment)) {
      if (entry.kind !== 'samples') continue;
      const encoded = this.#sink.encodeSamples({
        block: entry.block,
        tagName: (index) => this.#names.tag.nameOf(index),
        textOf: (tag, value) => (this.#textTags.has(tag) ? this.#names.text.nameOf(value) : undefined),
      });
      if (encoded === undefined) continue;
      if (parts.length > 0) parts.push(newline);
      parts.push(encoded);
    }
    return Buffer.concat(parts);
  }
}

const newline = Buffer.from('\n');
