import { errorText } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { type Link, MessageRefused, type Properties } from './link.ts';

interface Retained {
  payload: string;
  properties: Properties;
  /** What makes two documents the same; a later time alone does not. */
  key: string;
  /** Published on this link and acknowledged. */
  settled: boolean;
  sending: boolean;
}

const retryMs = 10_000;

/**
 * The documents that shall stand on the broker, one a topic. While the link is down only the latest of each is kept; a
 * new link publishes all of them again, for a broker may have forgotten. An empty payload clears its topic.
 */
export class RetainedDocuments {
  readonly #documents = new Map<string, Retained>();
  readonly #log: Logger;
  #link: Link | undefined;
  #held: ((topic: string) => boolean) | undefined;
  #retry: NodeJS.Timeout | undefined;
  published = 0;
  lastError: string | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Documents not yet acknowledged. */
  get open(): number {
    let open = 0;
    for (const document of this.#documents.values()) if (!document.settled) open++;
    return open;
  }

  set(topic: string, payload: string, properties: Properties, key = payload): void {
    const known = this.#documents.get(topic);
    if (known?.key === key) return;
    const document = { payload, properties, key, settled: false, sending: known?.sending ?? false };
    // In place, so that one that is on its way is seen to be outdated.
    if (known) Object.assign(known, document);
    else this.#documents.set(topic, document);
    void this.#send(topic);
  }

  /** Keeps these topics back until `release`: what stands on the broker is to be read first. */
  hold(topics: (topic: string) => boolean): void {
    this.#held = topics;
  }

  release(): void {
    this.#held = undefined;
    for (const topic of this.#documents.keys()) void this.#send(topic);
  }

  /** Publishes everything on a new link. */
  use(link: Link): void {
    this.#link = link;
    for (const [topic, document] of this.#documents) {
      document.settled = false;
      document.sending = false;
      void this.#send(topic);
    }
  }

  stop(): void {
    this.#link = undefined;
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  async #send(topic: string): Promise<void> {
    const document = this.#documents.get(topic);
    const link = this.#link;
    if (!link || !document || document.sending || document.settled || this.#held?.(topic)) return;
    document.sending = true;
    const { payload, properties, key } = document;
    try {
      await link.publish(topic, payload, true, payload === '' ? {} : properties);
      if (this.#link !== link) return;
      this.published++;
      this.lastError = undefined;
      document.sending = false;
      if (document.key !== key) return void (await this.#send(topic));
      document.settled = true;
      if (payload === '') this.#documents.delete(topic);
    } catch (error) {
      if (this.#link !== link) return;
      document.sending = false;
      if (error instanceof MessageRefused && document.key === key) document.settled = true;
      this.#failed(topic, error);
    }
  }

  /** On a link that is down the next link sends all again; on one that is up the broker refused. */
  #failed(topic: string, error: unknown): void {
    this.lastError = `${topic}: ${errorText(error)}`;
    this.#log.debug({ topic }, `a retained document was not taken: ${errorText(error)}`);
    if (this.#retry !== undefined || !this.#link) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      for (const open of this.#documents.keys()) void this.#send(open);
    }, retryMs);
    this.#retry.unref();
  }
}
