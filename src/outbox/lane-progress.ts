import type { Lane } from '../core/sink.ts';

/** What can be sent next: new entries of a lane, or what an outage left behind. */
export interface Stretch {
  readonly lane: Lane;
  readonly part: 'live' | 'backlog';
}

/**
 * How far a lane has been delivered. After an outage its ids are cut in two: those up to the highest id of that moment
 * are backlog, those after it live, and each part is sent oldest first.
 */
export class LaneProgress {
  readonly lane: Lane;
  /** Delivered up to here. */
  live = 0;
  backlog: { after: number; readonly upto: number } | undefined;
  /** Something may have come in since, on the monotonic clock; undefined: nothing to read. */
  freshSinceMs: number | undefined;
  /** The last read was full, so there is more. */
  more = false;
  /** Full live reads in a row: the lane falls behind. */
  fullInARow = 0;

  constructor(lane: Lane) {
    this.lane = lane;
  }

  wake(nowMs: number): void {
    this.freshSinceMs ??= nowMs;
  }

  /** When new entries are to be read, given how long a batch may wait for company. */
  dueMs(waitMs: number): number {
    return this.freshSinceMs === undefined ? Number.POSITIVE_INFINITY : this.more ? this.freshSinceMs : this.freshSinceMs + waitMs;
  }

  cut(highestId: number): void {
    this.backlog = { after: this.backlog?.after ?? this.live, upto: Math.max(highestId, this.live) };
    this.live = this.backlog.upto;
    this.fullInARow = 0;
  }

  range(part: Stretch['part']): { afterId: number; uptoId?: number } {
    return part === 'backlog' && this.backlog ? { afterId: this.backlog.after, uptoId: this.backlog.upto } : { afterId: this.live };
  }

  advance(part: Stretch['part'], id: number): void {
    if (part === 'backlog' && this.backlog) this.backlog.after = id;
    else this.live = Math.max(this.live, id);
  }
}
