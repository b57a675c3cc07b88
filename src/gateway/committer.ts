import type { AlarmTransition } from '../core/alarm.ts';
import { type Clock, sleep } from '../core/clock.ts';
import type { ControlRow } from '../core/control-row.ts';
import { hasCode } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { SampleBlock } from '../core/sample-block.ts';
import type { Score } from '../core/score.ts';
import type { Lane } from '../core/sink.ts';
import { type InvalidWindow, invalidReasons } from '../core/window.ts';
import type { CommitBatch, InvalidRow, ScoreRows, TransitionRow } from '../journal/batch.ts';
import { DamagedJournalError, type Journal } from '../journal/journal.ts';
import { SegmentWriter } from '../journal/segment.ts';
import type { Names } from './names.ts';
import type { OutgoingEntry } from './outgoing.ts';

export interface CommitterOptions {
  /** Longest wait of an alarm for its commit: it is published already, and enters the outbox with others that come at the same time. */
  readonly urgentMs: number;
  readonly onDiskFull: 'acknowledge' | 'hold';
  /** Bytes that may wait for the disk before sources are held back. */
  readonly maxWaitingBytes: number;
  /** False for `journal: off`: samples are not kept. */
  readonly keepSamples: boolean;
  /** Sinks that send samples: each batch gets an entry that points at its segment. */
  readonly sampleSinks: readonly string[];
}

export interface CommitterOwner {
  /** Everything up to these marks (by source index) is durable. */
  committed(marks: ReadonlyMap<number, number>): void;
  /** There is something new in these lanes: what was put into the outbox. */
  delivered(lanes: ReadonlySet<Lane>, entries: readonly OutgoingEntry[]): void;
  /** Room again after `full`. */
  resume(): void;
  /** Last call: what waits outside for company and belongs to what was taken in has to be handed over now. */
  beforeCommit(): void;
  snapshot(): Uint8Array;
}

/** A batch above this goes to the disk whoever waits. */
const largeBatchBytes = 1_000_000;
/** Where nobody waits for an acknowledgement. */
const unhurriedMs = 1_000;
const firstSnapshotMs = 5_000;
const snapshotBytes = 8_000_000;
/** Derived rows that may wait for a full disk. */
const maxWaitingRows = 50_000;

interface Waiting {
  readonly outbox: { readonly sink: string; readonly lane: Lane; readonly count: number; readonly payload: Uint8Array | null }[];
  readonly transitions: TransitionRow[];
  readonly invalid: InvalidRow[];
  scores: { readonly score: Score; readonly asset: number; readonly model: number }[];
}

const nothing = (): Waiting => ({ outbox: [], transitions: [], invalid: [], scores: [] });

/**
 * Group commit. What one tick folded and all that followed from it go into one batch; while a batch is being written the next one grows, so the
 * disk sets the pace and no message waits for more than the write before its own. At most one commit is under way.
 */
export class Committer {
  readonly #journal: Journal;
  readonly #names: Names;
  readonly #options: CommitterOptions;
  readonly #owner: CommitterOwner;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #segment = new SegmentWriter();
  #waiting = nothing();
  #waitingRows = 0;
  #marks = new Map<number, number>();
  #inFlight: Promise<void> | undefined;
  #inFlightBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerMs = 0;
  #urgent = false;
  #due = false;
  #inTick = false;
  #snapshotDueMs: number;
  #sinceSnapshotBytes = 0;
  #gap: { fromMs: number; toMs: number; samples: number } | undefined;
  /** A source was told to wait. */
  #heldBack = false;
  readonly #stopped = new AbortController();
  readonly counters = { commits: 0, failedCommits: 0, unkeptSamples: 0, droppedRows: 0, lastSeq: 0, commitMs: 0, snapshots: 0 };
  diskFull = false;

  constructor(journal: Journal, names: Names, options: CommitterOptions, owner: CommitterOwner, clock: Clock, log: Logger) {
    this.#journal = journal;
    this.#names = names;
    this.#options = options;
    this.#owner = owner;
    this.#clock = clock;
    this.#log = log;
    this.#snapshotDueMs = clock.monotonicMs() + firstSnapshotMs;
  }

  get full(): boolean {
    if (this.#waitingBytes <= this.#options.maxWaitingBytes) return false;
    this.#heldBack = true;
    return true;
  }

  get #waitingBytes(): number {
    return this.#segment.byteLength + this.#inFlightBytes;
  }

  block(source: number, block: SampleBlock): void {
    if (this.#options.keepSamples) this.#segment.appendBlock(source, block);
  }

  control(row: ControlRow): void {
    if (this.#options.keepSamples) this.#segment.appendControl(row);
  }

  /** Acknowledge up to here once everything so far is durable. */
  mark(source: number, mark: number): void {
    this.#marks.set(source, mark);
  }

  score(score: Score, asset: number): void {
    this.#waiting.scores.push({ score, asset, model: this.#names.model.intern(score.model) });
    this.#waitingRows++;
  }

  invalid(window: InvalidWindow): void {
    this.#waiting.invalid.push({
      asset: window.asset,
      endMs: window.endMs,
      reason: invalidReasons.indexOf(window.reason),
      tag: window.tag ?? null,
    });
    this.#waitingRows++;
  }

  transition(transition: AlarmTransition, asset: number): void {
    const { id, sequence, atMs } = transition;
    this.#waiting.transitions.push({ id, asset, sequence, atMs, document: JSON.stringify(transition) });
    this.#waitingRows++;
    this.#urgent = true;
  }

  outbox(sink: string, lane: Lane, count: number, payload: Uint8Array): void {
    this.#waiting.outbox.push({ sink, lane, count, payload });
    this.#waitingRows++;
  }

  /** A tick folds now: what it took in and what follows from it belong into one commit, so none begins before `tickDone`. */
  beginTick(): void {
    this.#inTick = true;
  }

  /** The tick is over: commits at once where a sender waits and the disk is free, soon where there is an alarm, later otherwise. */
  tickDone(): void {
    this.#inTick = false;
    this.#consider();
  }

  #consider(): void {
    if (this.#inTick || this.#inFlight !== undefined || !this.#hasWork) return;
    if (this.#due || this.#marks.size > 0 || this.#segment.byteLength > largeBatchBytes) {
      this.#start();
      return;
    }
    const waitMs = this.#urgent ? Math.min(this.#options.urgentMs, unhurriedMs) : unhurriedMs;
    if (this.#timer !== undefined && waitMs >= this.#timerMs) return;
    clearTimeout(this.#timer);
    this.#timerMs = waitMs;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#due = true;
      this.#consider();
    }, waitMs);
  }

  get #hasWork(): boolean {
    return !this.#segment.isEmpty || this.#waitingRows > 0 || this.#marks.size > 0;
  }

  /** Everything so far is on the disk (or given up, counted) when it resolves. Not to be called within a tick. */
  async flush(): Promise<void> {
    while (this.#inFlight !== undefined || this.#hasWork) {
      if (this.#inFlight === undefined) this.#start();
      await this.#inFlight;
      if (this.diskFull) return;
    }
  }

  /** Writes what there is with a last snapshot. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#stopped.abort();
    await this.#inFlight;
    this.#snapshotDueMs = 0;
    if (this.diskFull) return;
    this.#inFlight = this.#commit();
    await this.#inFlight;
    this.#inFlight = undefined;
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = false;
    if (this.#segment.isEmpty && this.#waitingRows === 0) {
      const marks = this.#marks;
      this.#marks = new Map();
      this.#owner.committed(marks);
      return;
    }
    this.#inFlight = this.#commit().finally(() => {
      this.#inFlight = undefined;
      this.#consider();
    });
  }

  async #commit(): Promise<void> {
    this.#owner.beforeCommit();
    const began = this.#clock.monotonicMs();
    const marks = this.#marks;
    const waiting = this.#waiting;
    const rows = this.#waitingRows;
    this.#marks = new Map();
    this.#waiting = nothing();
    this.#waitingRows = 0;
    this.#urgent = false;
    if (this.#gap !== undefined && this.diskFull === false) {
      this.#segment.appendControl({ kind: 'gap', atMs: this.#clock.wallMs(), ...this.#gap });
      this.#gap = undefined;
    }
    const { samples, firstMs, lastMs } = this.#segment;
    const segment = this.#segment.isEmpty ? null : { samples, firstMs, lastMs, data: this.#segment.take() };
    if (samples > 0)
      for (const sink of this.#options.sampleSinks) waiting.outbox.push({ sink, lane: 'samples', count: samples, payload: null });
    const lanes = new Set(waiting.outbox.map(({ lane }) => lane));
    this.#inFlightBytes = segment?.data.byteLength ?? 0;
    this.#sinceSnapshotBytes += this.#inFlightBytes;
    const batch: CommitBatch = {
      wallMs: this.#clock.wallMs(),
      segment,
      names: this.#names.takeNew(),
      scores: scoreRows(waiting.scores),
      invalid: waiting.invalid,
      transitions: waiting.transitions,
      outbox: waiting.outbox,
      snapshot: this.#takeSnapshot(began),
    };
    try {
      const { seq } = await this.#write(batch);
      this.counters.commits++;
      this.counters.lastSeq = seq;
      this.counters.commitMs = this.#clock.monotonicMs() - began;
      this.#inFlightBytes = 0;
      if (marks.size > 0) this.#owner.committed(marks);
      if (lanes.size > 0) this.#owner.delivered(lanes, waiting.outbox);
    } catch (error) {
      this.#inFlightBytes = 0;
      this.counters.failedCommits++;
      this.#giveUp(segment, waiting, rows, marks, error);
      await sleep(1000, this.#stopped.signal).catch(() => {});
    }
    if (this.#heldBack && this.#waitingBytes <= this.#options.maxWaitingBytes) {
      this.#heldBack = false;
      this.#owner.resume();
    }
  }

  /** Writes the batch; a full disk with `hold` is tried again until it works, a damaged database is replaced once. */
  async #write(batch: CommitBatch): Promise<{ seq: number }> {
    let current = batch;
    let replaced = false;
    for (;;) {
      try {
        const result = await this.#journal.commit(current);
        if (this.diskFull) this.#log.info({}, 'the journal keeps samples again');
        this.diskFull = false;
        return result;
      } catch (error) {
        if (error instanceof DamagedJournalError && !replaced) {
          replaced = true;
          const { setAside } = await this.#journal.reopen();
          this.#log.error(
            { code: error.code, setAside },
            `the database was damaged (${error.message}); it was set aside and a fresh one opened`,
          );
          this.#names.forget();
          current = { ...batch, names: this.#names.takeNew(), snapshot: this.#owner.snapshot() };
          continue;
        }
        if (!this.diskFull) this.#log.error({ code: 'FETTLE_JOURNAL_FAILED', policy: this.#options.onDiskFull }, (error as Error).message);
        this.diskFull = true;
        if (this.#options.onDiskFull === 'acknowledge' || this.#stopped.signal.aborted) throw error;
        await sleep(1000, this.#stopped.signal).catch(() => {});
      }
    }
  }

  /** The samples are lost to the history, counted, and acknowledged; scores, alarms and outbox rows wait, up to a bound. */
  #giveUp(segment: CommitBatch['segment'], waiting: Waiting, rows: number, marks: ReadonlyMap<number, number>, error: unknown): void {
    this.#names.forget();
    this.#snapshotDueMs = 0;
    if (segment !== null && segment.samples > 0) {
      this.counters.unkeptSamples += segment.samples;
      const known = this.#gap ?? { fromMs: segment.firstMs, toMs: segment.lastMs, samples: 0 };
      this.#gap = {
        fromMs: Math.min(known.fromMs, segment.firstMs),
        toMs: Math.max(known.toMs, segment.lastMs),
        samples: known.samples + segment.samples,
      };
    }
    const outbox = waiting.outbox.filter(({ payload }) => payload !== null);
    if (this.#waitingRows + rows <= maxWaitingRows) {
      this.#waiting.outbox.unshift(...outbox);
      this.#waiting.transitions.unshift(...waiting.transitions);
      this.#waiting.invalid.unshift(...waiting.invalid);
      this.#waiting.scores = [...waiting.scores, ...this.#waiting.scores];
      this.#waitingRows += rows;
    } else {
      this.counters.droppedRows += rows - waiting.transitions.length;
      this.#waiting.transitions.unshift(...waiting.transitions);
      this.#waitingRows += waiting.transitions.length;
    }
    if (!hasCode(error, 'FETTLE_JOURNAL_FULL')) this.#log.error({}, `a commit failed: ${(error as Error).message}`);
    if (marks.size > 0 && this.#options.onDiskFull === 'acknowledge') this.#owner.committed(marks);
  }

  /** The state after this batch, now and then: recovery folds what came after it. Never more than about 0.5 % of the time. */
  #takeSnapshot(nowMs: number): Uint8Array | null {
    if (nowMs < this.#snapshotDueMs && this.#sinceSnapshotBytes < snapshotBytes) return null;
    const began = performance.now();
    const snapshot = this.#owner.snapshot();
    this.#snapshotDueMs = nowMs + Math.max(firstSnapshotMs, (performance.now() - began) * 200);
    this.#sinceSnapshotBytes = 0;
    this.counters.snapshots++;
    return snapshot;
  }
}

function scoreRows(scores: Waiting['scores']): ScoreRows | null {
  const count = scores.length;
  if (count === 0) return null;
  const rows = {
    count,
    asset: new Uint32Array(count),
    model: new Uint32Array(count),
    endMs: new Float64Array(count),
    value: new Float64Array(count),
    threshold: new Float64Array(count),
    channels: new Uint16Array(count),
    detail: new Float32Array(scores.reduce((sum, { score }) => sum + score.channels.length * 3, 0)),
  };
  let at = 0;
  scores.forEach(({ score, asset, model }, i) => {
    rows.asset[i] = asset;
    rows.model[i] = model;
    rows.endMs[i] = score.windowEndMs;
    rows.value[i] = score.value;
    rows.threshold[i] = score.limit;
    rows.channels[i] = score.channels.length;
    for (const column of [score.contributions, score.observed, score.expected]) {
      rows.detail.set(column, at);
      at += column.length;
    }
  });
  return rows;
}
