import type { AlarmTransition, AssetAlarmState } from './alarm.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { SampleBlock } from './sample-block.ts';
import type { Score } from './score.ts';

/** Alarms before live results before backlog. `samples` entries are references into the journal, not copies. */
export const lanes = ['alarms', 'results', 'samples'] as const;
export type Lane = (typeof lanes)[number];

/** A point in the durable outbox: one sink, one lane, one payload of `count` points, in the sink's own encoding. */
export interface OutboxEntry {
  /** Rising within the outbox; the order of a lane. */
  readonly id: number;
  readonly lane: Lane;
  readonly count: number;
  /** When it was put in, wall time. */
  readonly enqueuedMs: number;
  readonly payload: Uint8Array;
}

/** Points of an entry the receiver will never take, with its own words and an example. */
export interface RejectedPoints {
  readonly entryId: number;
  readonly count: number;
  readonly reason: string;
  readonly example: string;
}

export interface DeliveryReport {
  /** They are quarantined and counted. */
  readonly rejected: readonly RejectedPoints[];
}

/** Samples of one journal segment for the `samples` lane, resolved to names. */
export interface NamedSamples {
  readonly block: SampleBlock;
  tagName(index: number): string;
  /** The text of a string tag's value; undefined for a numeric tag. */
  textOf(tagIndex: number, value: number): string | undefined;
}

export interface SinkContext {
  readonly id: string;
  readonly site: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** engineeringUnit of a tag, as configured. */
  unitOf?(tag: string): string | undefined;
}

/**
 * OutboxEntry → world. `encode…` is pure and deterministic (called in the fold, so a repeat has one key and one
 * content) and returns undefined when the sink does not send that kind. `deliver` is called by the outbox with entries
 * of one lane, in order, at most one call in flight a sink; when it resolves every entry is accepted or reported as rejected
 * and the outbox deletes them; when it throws, all stay and are tried again after a back-off (FettleError.retryAfterMs wins).
 */
export interface Sink {
  readonly id: string;
  readonly type: string;
  /** At most this many points and payload bytes in one `deliver`; results and samples wait up to `waitMs` (0) for company, alarms never. */
  readonly maxBatch: { readonly points: number; readonly bytes: number; readonly waitMs?: number };
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  encodeTransition(transition: AlarmTransition): Uint8Array | undefined;
  encodeScores(scores: readonly Score[]): Uint8Array | undefined;
  encodeSamples(samples: NamedSamples): Uint8Array | undefined;
  /** Which lanes this sink wants at all. */
  readonly wants: ReadonlySet<Lane>;
  deliver(entries: readonly OutboxEntry[], signal: AbortSignal): Promise<DeliveryReport>;
  status(): SinkStatus;
}

/** A sink that can also speak before the commit: MQTT alerts. */
export interface LiveSink extends Sink {
  /** Publishes at once; the outbox entry of the same id finds it already acknowledged. */
  announce(transition: AlarmTransition): void;
  /** Publishes the asset's whole state, retained. Repeats of the same state are not sent. */
  publishState(state: AssetAlarmState): void;
  publishScore(score: Score): void;
}

export interface SinkStatus {
  readonly state: 'connecting' | 'good' | 'degraded' | 'failed' | 'stopped';
  readonly lastError?: string;
  readonly hint?: string;
  readonly counters: Readonly<Record<string, number>>;
}

/** The durable side of the outbox, implemented by the journal. */
export interface OutboxStore {
  /** Oldest first, entries with id > `afterId` (and ≤ `uptoId`), up to the limits; at least one if there is one. */
  read(query: { sink: string; lane: Lane; afterId: number; uptoId?: number; maxPoints: number; maxBytes: number }): Promise<OutboxEntry[]>;
  /** Delivered: gone with the next commit. A crash before that sends them again with the same keys. */
  remove(sink: string, ids: readonly number[]): Promise<void>;
  /** Kept apart, with the receiver's words, and removed from the lane. */
  quarantine(sink: string, entries: readonly RejectedPoints[]): Promise<void>;
  depth(sink: string): Promise<Record<Lane, LaneDepth>>;
}

export interface LaneDepth {
  readonly entries: number;
  readonly points: number;
  readonly oldestMs: number | null;
  readonly highestId: number;
}
