import type { Clock } from './clock.ts';
import type { ErrorCode } from './errors.ts';
import type { Interner } from './interner.ts';
import type { Logger } from './logger.ts';

/**
 * Where a source puts its samples; one inlet a source, made by the gateway.
 *
 * A source calls `append` for each sample of a message or reply, then (where the sender waits for an answer) `mark`,
 * and `endOfBurst` once when what the socket had is used up. The gateway folds, commits and then calls
 * `Source.committed` with the highest mark that is durable.
 */
export interface SampleInlet {
  append(tag: number, timeMs: number, value: number, quality: number): void;
  /** Everything appended so far belongs to this acknowledgement; marks count 1, 2, 3 … for the life of the process. */
  mark(): number;
  /** The samples that follow, up to `endOfBurst`, may have been journalled before (MQTT DUP): they are looked up and only the new ones kept. */
  redelivered(): void;
  endOfBurst(): void;
  /** True while the gateway cannot take more: stop reading the socket until `Source.resume`. */
  readonly full: boolean;
  /** `connected`: the source hears its devices. A connected source that is silent stops holding back windows, a disconnected one does not. */
  setConnected(connected: boolean): void;
}

/** What a source found out about its devices, kept with the gateway's data. */
export interface SourceMemory {
  /** What was saved last; undefined when there is nothing, or nothing that can be read. */
  load(): unknown;
  /** JSON, small, rarely. Never throws. */
  save(value: unknown): void;
}

export interface SourceContext {
  readonly id: string;
  /** Name of the plant. */
  readonly site: string;
  /** Tag names to indices. */
  readonly tags: Interner;
  /** Values of string tags are indices into this table. */
  readonly texts: Interner;
  readonly inlet: SampleInlet;
  readonly clock: Clock;
  readonly log: Logger;
  /** engineeringUnit of a tag, as configured. */
  unitOf?(tag: string): string | undefined;
  /** Absent: forgotten with the process. */
  readonly memory?: SourceMemory;
}

/** How the polls of a unit go. */
export interface PollStatus {
  /** The shortest it is asked at. */
  readonly periodMs: number;
  /** Reads that brought values, since the start. */
  readonly answered: number;
  /** Reads that were due and brought none, since the start. */
  readonly failed: number;
  /** Not begun, because the one before, or the gateway, was not done. */
  readonly leftOut: number;
  /** Of the last hundred or so that were due, 0 to 1. */
  readonly answeredShare: number;
  /** How much later than due polls began: half of them by at most p50, 99 of 100 by at most p99; 0 while none was measured. */
  readonly jitterMs: { readonly p50: number; readonly p99: number };
}

/** How one device, unit or connection of a source fares, for status pages and `fettle status`. */
export interface SourceUnitStatus {
  /** "unit 3", "broker". */
  readonly name: string;
  readonly state: 'connecting' | 'good' | 'degraded' | 'failed' | 'stopped';
  readonly lastError?: string;
  /** Of `lastError`, as in docs/errors.md. */
  readonly code?: ErrorCode;
  /** What a person can do about it. */
  readonly hint?: string;
  /** Wall time of the last good answer. */
  readonly lastGoodMs?: number;
  /** What was found out about it, for people: "answers at most 32 registers in one read". */
  readonly learned?: readonly string[];
  /** Absent where nothing is polled. */
  readonly polls?: PollStatus;
}

export interface SourceStatus {
  readonly state: 'connecting' | 'good' | 'degraded' | 'failed' | 'stopped';
  readonly units: readonly SourceUnitStatus[];
  readonly counters: Readonly<Record<string, number>>;
  /** Of all polls of the source, as in `PollStatus`; absent where nothing is polled. */
  readonly jitterMs?: { readonly p50: number; readonly p99: number };
  /** The last thing that could not be read, shortened, for the dashboard. */
  readonly lastRejected?: { readonly topic?: string; readonly payload: string; readonly reason: string; readonly atMs: number };
}

/**
 * Plant → samples. The constructor assigns, `start` acts, `stop` undoes and may be called twice.
 *
 * `start` resolves once the source runs, not once it is connected: it reconnects by itself for ever. It throws only for
 * what no retry can mend. After `stop` resolves no further `append` happens.
 */
export interface Source {
  readonly id: string;
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  /** Everything up to this mark is durable: acknowledge it. */
  committed(mark: number): void;
  /** The inlet takes samples again. */
  resume(): void;
  status(): SourceStatus;
}
