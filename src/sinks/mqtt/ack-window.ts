/** At most `size` messages wait for their acknowledgement; the others wait for a place, in order (MQTT 5: Receive Maximum). */
export class AckWindow {
  #free: number;
  readonly #waiting: { take: () => void; refuse: (reason: unknown) => void }[] = [];
  #closed: { reason: unknown } | undefined;

  constructor(size: number) {
    this.#free = size;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves when there is a place; rejects with the reason of `close`. */
  take(): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closed.reason);
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((take, refuse) => this.#waiting.push({ take, refuse }));
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next) next.take();
    else this.#free++;
  }

  close(reason: unknown): void {
    this.#closed = { reason };
    for (const { refuse } of this.#waiting.splice(0)) refuse(reason);
  }
}
