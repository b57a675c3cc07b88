/** Wakes one waiter. A ring while nobody waits is remembered, so nothing is missed between a look and a wait. */
export class Bell {
  #rung = false;
  #wakeWaiter: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wakeWaiter?.();
  }

  /** Resolves at a ring, after `ms` (Infinity: never), or when the signal is aborted. Never rejects. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted && ms > 0) {
      await new Promise<void>((resolve) => {
        const timer = Number.isFinite(ms) ? setTimeout(resolve, ms) : undefined;
        signal.addEventListener('abort', resolve as () => void, { once: true });
        this.#wakeWaiter = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', resolve as () => void);
          resolve();
        };
      });
      this.#wakeWaiter?.();
      this.#wakeWaiter = undefined;
    }
    this.#rung = false;
  }
}
