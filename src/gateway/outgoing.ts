import type { Clock } from '../core/clock.ts';
import type { Sink } from '../core/sink.ts';
import { Throughput } from '../outbox/throughput.ts';

const dayMs = 86_400_000;
/** Before, a burst at the start would count for a day. */
const leastMs = 60_000;
/** Of a row of the outbox and its place in the index, beside the payload. */
const rowBytes = 100;

/** What was put into the outbox for one sink by a commit. */
export interface OutgoingEntry {
  readonly sink: string;
  readonly count: number;
  /** Null for a reference to a segment. */
  readonly payload: Uint8Array | null;
}

/** How fast the outbox would grow if nothing left it: what every commit puts in, whether the link is up or not. */
export class Outgoing {
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #rates = new Map<string, Throughput>();
  /** The most that waits for a sink while its link is away: samples wait in the journal, results in the outbox; alarms are few, and never dropped. */
  readonly waits: 'samples' | 'results' | 'alarms';
  #bytes = 0;

  constructor(clock: Clock, sinks: readonly Sink[]) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.waits = (['samples', 'results'] as const).find((lane) => sinks.some(({ wants }) => wants.has(lane))) ?? 'alarms';
    for (const { id } of sinks) this.#rates.set(id, new Throughput());
  }

  add(entries: readonly OutgoingEntry[]): void {
    const nowMs = this.#clock.monotonicMs();
    for (const { sink, count, payload } of entries) {
      this.#rates.get(sink)?.add(count, nowMs);
      this.#bytes += (payload?.byteLength ?? 0) + rowBytes;
    }
  }

  /** Points a second for a sink, over the last ten seconds. */
  pointsPerSecond(sink: string): number {
    return this.#rates.get(sink)?.perSecond(this.#clock.monotonicMs()) ?? 0;
  }

  /** Without the segments that samples wait in; null in the first minute. */
  get bytesPerDay(): number | null {
    const ms = this.#clock.monotonicMs() - this.#startedMs;
    return ms < leastMs ? null : (this.#bytes * dayMs) / ms;
  }
}

/** Bytes of so many rows of the outbox. */
export const outboxBytes = (entries: number, payloadBytes: number): number => entries * rowBytes + payloadBytes;
