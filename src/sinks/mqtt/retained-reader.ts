import type { IPublishPacket } from 'mqtt';
import { sleep } from '../../core/clock.ts';
import type { Link } from './link.ts';
import { parseRetained, type RetainedState } from './reconcile.ts';
import type { Topics } from './topics.ts';

const quietMs = 100;
const longestMs = 10_000;

/** Retained documents as they were found: an unreadable one has only its asset. */
export type Found = RetainedState | { readonly asset: string };

/**
 * Reads the retained `…/alarm` documents. MQTT does not say where they end, so after subscribing our own status is
 * published again: brokers keep the order of a connection, and what was retained comes before its echo.
 */
export class RetainedReader {
  readonly #topics: Topics;
  readonly #found = new Map<string, Found>();
  #reading = false;
  #echo: (() => void) | undefined;
  #lastMs = 0;

  constructor(topics: Topics) {
    this.#topics = topics;
  }

  /** Every message of the connection passes here. */
  handle(topic: string, payload: Buffer, { retain }: IPublishPacket): void {
    if (!this.#reading) return;
    if (topic === this.#topics.status && !retain) this.#echo?.();
    const asset = this.#topics.assetOfAlarm(topic);
    if (asset === undefined || !retain || payload.length === 0) return;
    this.#lastMs = performance.now();
    this.#found.set(asset, parseRetained(asset, payload) ?? { asset });
  }

  /** Rejects as `Link.subscribe` and `Link.publish`, or with the signal's reason. */
  async read(link: Link, status: string, signal: AbortSignal): Promise<Found[]> {
    this.#found.clear();
    this.#reading = true;
    const filters = [...this.#topics.alarmFilters(), this.#topics.status];
    const echo = new Promise<void>((resolve) => {
      this.#echo = resolve;
    });
    try {
      await link.subscribe(filters, 0);
      await link.publish(this.#topics.status, status, true, {});
      await Promise.race([echo, sleep(longestMs, signal), link.closed.then((reason) => Promise.reject(reason))]);
      // A broker of several machines may keep no order between topics.
      do await sleep(quietMs, signal);
      while (performance.now() - this.#lastMs < quietMs);
      await link.unsubscribe(filters);
      return [...this.#found.values()];
    } finally {
      this.#reading = false;
      this.#echo = undefined;
    }
  }
}
