/**
 * Names to dense indices and back. The journal keeps the table, so an index means the same name for as long as the
 * data directory lives. Bounded: a templated topic must not fill the memory with tags nobody configured.
 */
export class Interner {
  readonly #index = new Map<string, number>();
  readonly #names: string[] = [];
  readonly limit: number;
  /** Names refused because the table was full. */
  refused = 0;

  constructor(limit: number, names: Iterable<string> = []) {
    this.limit = limit;
    for (const name of names) this.intern(name);
  }

  get size(): number {
    return this.#names.length;
  }

  /** The index of `name`, new or known; -1 when the table is full. */
  intern(name: string): number {
    const known = this.#index.get(name);
    if (known !== undefined) return known;
    if (this.#names.length >= this.limit) {
      this.refused++;
      return -1;
    }
    const index = this.#names.length;
    this.#index.set(name, index);
    this.#names.push(name);
    return index;
  }

  indexOf(name: string): number | undefined {
    return this.#index.get(name);
  }

  nameOf(index: number): string {
    return this.#names[index] ?? `#${index}`;
  }

  /** Names interned since there were `from` of them: what the next commit has to keep. */
  since(from: number): string[] {
    return this.#names.slice(from);
  }
}
