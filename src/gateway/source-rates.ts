import type { SourceStatus } from '../core/source.ts';

/** Of the counters of a source, what goes up and down. */
export const sourceLevels: ReadonlySet<string> = new Set(['unacknowledged', 'topics', 'away', 'quarantined', 'backingOff']);

/** Between two looks that are told apart. */
const leastMs = 1000;
/** What was longer ago says nothing of now. */
const mostMs = 60_000;
const looksKept = 10;

interface Look {
  readonly atMs: number;
  readonly counters: Readonly<Record<string, number>>;
}

/** How fast the counters of a source grow, from one look at its status to another. Nothing is done while nobody looks. */
export class SourceRates {
  readonly #looks = new Map<string, Look[]>();

  /** A second for each counter, over the last looks; undefined at the first one, and after a minute without one. `nowMs` is monotonic. */
  look(id: string, { counters }: SourceStatus, nowMs: number): Readonly<Record<string, number>> | undefined {
    const looks = (this.#looks.get(id) ?? []).filter(({ atMs }) => nowMs - atMs <= mostMs);
    this.#looks.set(id, looks);
    const [first] = looks;
    const newest = looks.at(-1);
    if (newest === undefined || nowMs - newest.atMs >= leastMs) looks.push({ atMs: nowMs, counters });
    if (looks.length > looksKept) looks.shift();
    if (first === undefined || nowMs - first.atMs < leastMs) return undefined;
    const seconds = (nowMs - first.atMs) / 1000;
    return Object.fromEntries(
      Object.entries(counters)
        .filter(([name]) => !sourceLevels.has(name))
        .map(([name, count]) => [name, Math.max(0, count - (first.counters[name] ?? 0)) / seconds]),
    );
  }
}
