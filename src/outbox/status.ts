import type { Lane, LaneDepth, SinkStatus } from '../core/sink.ts';

/** How delivery to one sink fares, for status pages, metrics and `fettle status`. */
export interface DeliveryStatus {
  /** `connecting`: nothing delivered yet; `degraded`: tries again by itself; `failed`: a person has to do something. */
  readonly state: SinkStatus['state'];
  readonly link: { readonly up: boolean /** Wall time. */; readonly sinceMs: number };
  /** What waits in the outbox, at most about a second old. */
  readonly lanes: Readonly<Record<Lane, LaneDepth>>;
  readonly oldestAgeMs: number | null;
  /** Points of the batch on its way. */
  readonly inFlight: number;
  /** True while entries from before the last recovery are still to be sent. */
  readonly backlog: boolean;
  readonly counters: Readonly<{ delivered: number; rejected: number; retried: number; batches: number }>;
  /** Points a second over the last ten seconds. */
  readonly drainPointsPerSecond: number;
  readonly lastError?: string;
  readonly hint?: string;
}

const empty: LaneDepth = { entries: 0, points: 0, oldestMs: null, highestId: 0 };
export const emptyDepth: Readonly<Record<Lane, LaneDepth>> = { alarms: empty, results: empty, samples: empty };

export function oldestAgeMs(lanes: Readonly<Record<Lane, LaneDepth>>, nowMs: number): number | null {
  const oldest = Object.values(lanes).reduce((least, { oldestMs }) => Math.min(least, oldestMs ?? least), Number.POSITIVE_INFINITY);
  return Number.isFinite(oldest) ? Math.max(0, nowMs - oldest) : null;
}
