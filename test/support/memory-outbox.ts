import { type Lane, type LaneDepth, lanes, type OutboxEntry, type OutboxStore } from '../../src/core/sink.ts';

/** An OutboxStore in memory for one or more sinks, with the counts a test wants to know. */
export class MemoryOutbox implements OutboxStore {
  readonly #lanes = new Map<string, OutboxEntry[]>();
  #nextId = 1;
  readonly quarantined: { sink: string; entryId: number; count: number; reason: string; example: string }[] = [];
  /** Largest number of points handed out by one `read`. */
  largestRead = 0;
  reads = 0;
  /** Set to make the next calls of `remove` fail. */
  removeError: Error | undefined;

  put(sink: string, lane: Lane, payload: Uint8Array | string, count = 1): OutboxEntry {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    const entry: OutboxEntry = { id: this.#nextId++, lane, count, enqueuedMs: Date.now(), payload: bytes };
    this.#of(sink, lane).push(entry);
    return entry;
  }

  read(query: { sink: string; lane: Lane; afterId: number; uptoId?: number; maxPoints: number; maxBytes: number }): Promise<OutboxEntry[]> {
    const found: OutboxEntry[] = [];
    const { afterId, uptoId = Number.POSITIVE_INFINITY } = query;
    let points = 0;
    let bytes = 0;
    const all = this.#of(query.sink, query.lane);
    for (let index = firstAfter(all, afterId); index < all.length; index++) {
      const entry = all[index] as OutboxEntry;
      if (entry.id > uptoId) break;
      points += entry.count;
      bytes += entry.payload.length;
      if (found.length > 0 && (points > query.maxPoints || bytes > query.maxBytes)) break;
      found.push(entry);
    }
    this.reads++;
    const handed = found.reduce((sum, entry) => sum + entry.count, 0);
    this.largestRead = Math.max(this.largestRead, handed);
    return Promise.resolve(found);
  }

  async remove(sink: string, ids: readonly number[]): Promise<void> {
    if (this.removeError) throw this.removeError;
    const gone = new Set(ids);
    for (const lane of lanes) {
      const kept = this.#of(sink, lane).filter((entry) => !gone.has(entry.id));
      this.#lanes.set(`${sink}/${lane}`, kept);
    }
  }

  async quarantine(sink: string, entries: readonly { entryId: number; count: number; reason: string; example: string }[]): Promise<void> {
    for (const entry of entries) this.quarantined.push({ sink, ...entry });
    await this.remove(
      sink,
      entries.map((entry) => entry.entryId),
    );
  }

  depth(sink: string): Promise<Record<Lane, LaneDepth>> {
    const depthOf = (lane: Lane): LaneDepth => {
      const entries = this.#of(sink, lane);
      return {
        entries: entries.length,
        points: entries.reduce((sum, entry) => sum + entry.count, 0),
        oldestMs: entries[0]?.enqueuedMs ?? null,
        highestId: entries.at(-1)?.id ?? 0,
      };
    };
    return Promise.resolve({ alarms: depthOf('alarms'), results: depthOf('results'), samples: depthOf('samples') });
  }

  #of(sink: string, lane: Lane): OutboxEntry[] {
    const key = `${sink}/${lane}`;
    let entries = this.#lanes.get(key);
    if (!entries) {
      entries = [];
      this.#lanes.set(key, entries);
    }
    return entries;
  }
}

/** Ids rise, so a binary search finds the first entry after one. */
function firstAfter(entries: readonly OutboxEntry[], id: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle] as OutboxEntry).id > id) high = middle;
    else low = middle + 1;
  }
  return low;
}
