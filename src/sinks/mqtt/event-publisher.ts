import { FettleError } from '../../core/errors.ts';
import type { Link } from './link.ts';
import { schemaId } from './schemas.ts';
import type { Topics } from './topics.ts';

const announcementsOpen = 1000;
const acknowledgedKept = 10_000;

export interface EventMessage {
  /** Of the transition; a withdrawal of it counts as another message. */
  readonly key: string;
  readonly asset: string;
  readonly payload: string | Buffer;
}

/** Publishes transitions, each until its PUBACK and once only: what was announced before the commit is found done after it. */
export class EventPublisher {
  readonly #topics: Topics;
  readonly #open = new Map<string, { readonly link: Link; readonly done: Promise<void> }>();
  readonly #acknowledged = new Set<string>();

  constructor(topics: Topics) {
    this.#topics = topics;
  }

  /** Publishes at once; false when too many are open, and the outbox has to bring it. */
  announce(link: Link, message: EventMessage): boolean {
    if (this.#open.size >= announcementsOpen) return false;
    // A failure is told by the delivery that follows.
    this.deliver(link, message).catch(() => {});
    return true;
  }

  /** Resolves at PUBACK, at once when that came already. Rejects as `Link.publish`. */
  deliver(link: Link, message: EventMessage): Promise<void> {
    if (this.#acknowledged.has(message.key)) return Promise.resolve();
    const open = this.#open.get(message.key);
    if (open?.link === link) return open.done;
    const done = this.#publish(link, message);
    this.#open.set(message.key, { link, done });
    return done;
  }

  async #publish(link: Link, { key, asset, payload }: EventMessage): Promise<void> {
    try {
      await link.publish(this.#topics.event(asset), payload, false, {
        contentType: 'application/json',
        payloadFormatIndicator: true,
        userProperties: { schema: schemaId('event') },
      });
      this.#acknowledged.add(key);
      if (this.#acknowledged.size > acknowledgedKept) this.#forgetOldest();
    } finally {
      if (this.#open.get(key)?.link === link) this.#open.delete(key);
    }
  }

  #forgetOldest(): void {
    for (const key of this.#acknowledged) {
      this.#acknowledged.delete(key);
      return;
    }
  }
}

/** The message of an outbox payload, which is the event document itself. */
export function eventMessageOf(payload: Uint8Array): EventMessage {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const { id, asset, withdrawn } = JSON.parse(bytes.toString()) as { id?: unknown; asset?: unknown; withdrawn?: unknown };
  if (typeof id !== 'string' || typeof asset !== 'string') {
    throw new FettleError('FETTLE_MQTT_PAYLOAD', 'an outbox entry is not an alarm event');
  }
  return { key: messageKey(id, withdrawn === true), asset, payload: bytes };
}

export const messageKey = (id: string, withdrawn: boolean): string => (withdrawn ? `${id} withdrawn` : id);
