import type { Lane } from '../core/sink.ts';
import type { OpenedBy } from './migration.ts';
import type { UpgradeCopy } from './upgrade-copy.ts';

export type NameKind = 'tag' | 'text' | 'source' | 'asset' | 'model';

/** Scores in columns; `detail` holds, row after row, 3 × channels float32: contributions, observed, expected. */
export interface ScoreRows {
  readonly count: number;
  readonly asset: Uint32Array;
  readonly model: Uint32Array;
  readonly endMs: Float64Array;
  readonly value: Float64Array;
  readonly threshold: Float64Array;
  readonly channels: Uint16Array;
  readonly detail: Float32Array;
}

export interface InvalidRow {
  readonly asset: number;
  readonly endMs: number;
  /** Index into core's `invalidReasons`. */
  readonly reason: number;
  readonly tag: number | null;
}

export interface TransitionRow {
  readonly id: string;
  readonly asset: number;
  readonly sequence: number;
  readonly atMs: number;
  /** The AlarmTransition as JSON. */
  readonly document: string;
}

/** One commit: what arrived and everything that followed from it. */
export interface CommitBatch {
  readonly wallMs: number;
  readonly segment: {
    readonly data: Uint8Array<ArrayBuffer>;
    readonly samples: number;
    readonly firstMs: number;
    readonly lastMs: number;
  } | null;
  readonly names: readonly { readonly kind: NameKind; readonly index: number; readonly name: string }[];
  readonly scores: ScoreRows | null;
  readonly invalid: readonly InvalidRow[];
  readonly transitions: readonly TransitionRow[];
  /** `payload` null: the entry points at this commit's segment. */
  readonly outbox: readonly { readonly sink: string; readonly lane: Lane; readonly count: number; readonly payload: Uint8Array | null }[];
  /** State of the fold after this segment. */
  readonly snapshot: Uint8Array | null;
}

export interface CommitResult {
  /** Sequence of the segment; the last one's when the batch had none. */
  readonly seq: number;
}

/** What the retention took away so far, since the data directory was made. */
export interface RetentionCounters {
  readonly droppedSegments: number;
  readonly droppedSamples: number;
  /** Outbox points lost because the limit the user set was reached before they could be sent. */
  readonly droppedOutboxPoints: number;
}

export interface OpenedJournal {
  readonly names: Record<NameKind, string[]>;
  readonly snapshot: { readonly seq: number; readonly data: Uint8Array } | null;
  readonly lastSeq: number;
  /** Where a damaged database was put, if one was found. */
  readonly setAside: string | null;
  readonly retention: RetentionCounters;
  /** Versions of Fettle that had it open, oldest first. */
  readonly openedBy: readonly OpenedBy[];
  /** The data as they were before the last upgrade, while that is kept. */
  readonly copy: UpgradeCopy | null;
}
