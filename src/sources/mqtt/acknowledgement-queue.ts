/** Packet ids waiting for their commit, in order of arrival. Bounded by the broker's own limit of messages in flight (65,535). */
export class AcknowledgementQueue {
  #marks: number[] = [];
  #packetIds: number[] = [];

  get size(): number {
    return this.#marks.length;
  }

  /** `mark` rises from call to call. */
  add(mark: number, packetId: number): void {
    this.#marks.push(mark);
    this.#packetIds.push(packetId);
  }

  /** Removes and returns the packet ids up to `mark`, in order. */
  takeUpTo(mark: number): number[] {
    let count = 0;
    while (count < this.#marks.length && (this.#marks[count] as number) <= mark) count++;
    if (count === 0) return [];
    if (count === this.#marks.length) {
      const taken = this.#packetIds;
      this.clear();
      return taken;
    }
    this.#marks = this.#marks.slice(count);
    const taken = this.#packetIds.slice(0, count);
    this.#packetIds = this.#packetIds.slice(count);
    return taken;
  }

  clear(): void {
    this.#marks = [];
    this.#packetIds = [];
  }
}
