import { Backoff } from '../core/backoff.ts';
import { sleep } from '../core/clock.ts';
import { errorText } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { DeliveryReport, OutboxEntry, OutboxStore } from '../core/sink.ts';

/**
 * Takes delivered entries out of the outbox while the next batch is already on its way: one removal at a time, so that
 * what is delivered and not yet removed stays small.
 */
export class Removal {
  readonly #store: OutboxStore;
  readonly #sink: string;
  readonly #log: Logger;
  readonly #backoff: Backoff;
  #current: Promise<void> = Promise.resolve();

  constructor(store: OutboxStore, sink: string, log: Logger, random: () => number) {
    this.#store = store;
    this.#sink = sink;
    this.#log = log;
    this.#backoff = new Backoff({ baseMs: 200, maxMs: 10_000, random });
  }

  /** Resolves when nothing is being removed. Never rejects. */
  settled(): Promise<void> {
    return this.#current;
  }

  /** Begins to remove what was accepted and to set aside what was refused, once the last removal is done. */
  async begin(entries: readonly OutboxEntry[], report: DeliveryReport, signal: AbortSignal): Promise<void> {
    await this.#current;
    this.#current = this.#remove(entries, report, signal);
  }

  async #remove(entries: readonly OutboxEntry[], { rejected }: DeliveryReport, signal: AbortSignal): Promise<void> {
    const refused = new Set(rejected.map(({ entryId }) => entryId));
    const accepted = entries.filter((entry) => !refused.has(entry.id)).map((entry) => entry.id);
    for (;;) {
      try {
        if (rejected.length > 0) await this.#store.quarantine(this.#sink, rejected);
        if (accepted.length > 0) await this.#store.remove(this.#sink, accepted);
        this.#backoff.reset();
        return;
      } catch (error) {
        this.#log.warn(
          { sink: this.#sink },
          `delivered entries of ${this.#sink} could not be removed from the outbox: ${errorText(error)}`,
        );
        // Given up at the end of the process: they are sent once more after it, under the same keys.
        const stopped = await sleep(this.#backoff.next(error), signal).then(
          () => false,
          () => true,
        );
        if (stopped) return;
      }
    }
  }
}
