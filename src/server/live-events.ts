import type { AlarmTransition } from '../core/alarm.ts';
import type { AlarmCommand } from '../core/control-row.ts';
import { errorText } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Score } from '../core/score.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { GatewayListener } from '../gateway/gateway-events.ts';
import type { LearningStatus } from '../gateway/learner.ts';

/** How an asset does: its newest score, and the highest since the last time. */
export interface LiveScore {
  readonly asset: string;
  readonly atMs: number;
  readonly value: number;
  readonly limit: number;
  /** Highest value over limit since the last event. */
  readonly peak: number;
}

/** One score with all its parts. */
export interface LiveScoreDetail extends LiveScore {
  readonly model: string;
  readonly channels: readonly string[];
  /** Each channel's part of the score. */
  readonly contributions: readonly number[];
  readonly observed: readonly number[];
  readonly expected: readonly number[];
}

/** One alarm transition with its place in the journal, which never goes back: a client that was away asks for what came after it. */
export interface LiveTransition {
  readonly id: number;
  readonly transition: AlarmTransition;
}

export interface LiveListener {
  scores?(scores: readonly LiveScore[]): void;
  /** Each score, as it is made. */
  score?(score: LiveScoreDetail): void;
  alarm?(transition: LiveTransition): void;
  learning?(asset: string, status: LearningStatus): void;
}

const scoresEveryMs = 250;
const alarmsEveryMs = 50;
/** A commit may wait for a disk that is full; afterwards the next transition looks again. */
const patienceMs = 5_000;
const atOnce = 1_000;

/** From the gateway's fold to whoever looks on. Costs next to nothing while nobody does. Alarms are told when they are in the journal, in its order. */
export class LiveEvents implements GatewayListener {
  readonly #log: Logger;
  readonly #listeners = new Set<LiveListener>();
  readonly #newest = new Map<string, LiveScore>();
  /** Newest score over limit, by asset. */
  readonly ratios = new Map<string, number>();
  /** End of the newest window scored, event time, by asset. */
  readonly scoredMs = new Map<string, number>();
  #gateway: (() => Gateway) | undefined;
  /** Who keeps what was asked for over other ways than the HTTP API. */
  onCommand: ((command: AlarmCommand, over: 'mqtt') => void) | undefined;
  #scoresTimer: NodeJS.Timeout | undefined;
  #alarmsTimer: NodeJS.Timeout | undefined;
  #lookUntilMs = 0;
  #looking = false;
  #told: number | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Which gateway it is; it may be another one after a reload. */
  attach(gateway: () => Gateway): void {
    this.#gateway = gateway;
  }

  /** Returns how to stop listening. What was in the journal before is for the listener to read: it misses nothing when it does so afterwards. */
  listen(listener: LiveListener): () => void {
    if (this.#listeners.size === 0) {
      this.#told = undefined;
      this.newestId().then(
        (id) => {
          this.#told ??= id;
        },
        (error: unknown) => this.#log.warn({}, `the newest alarm could not be read: ${errorText(error)}`),
      );
    }
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  close(): void {
    clearInterval(this.#scoresTimer);
    clearInterval(this.#alarmsTimer);
    this.#listeners.clear();
  }

  score(score: Score): void {
    this.ratios.set(score.asset, score.value / score.limit);
    this.scoredMs.set(score.asset, score.windowEndMs);
    if (this.#listeners.size === 0) return;
    const { asset, windowEndMs: atMs, value, limit } = score;
    const peak = Math.max(value / limit, this.#newest.get(asset)?.peak ?? 0);
    this.#newest.set(asset, { asset, atMs, value, limit, peak });
    let detail: LiveScoreDetail | undefined;
    for (const listener of this.#listeners) {
      if (listener.score === undefined) continue;
      detail ??= detailOf(score);
      listener.score(detail);
    }
    this.#scoresTimer ??= setTimeout(() => {
      this.#scoresTimer = undefined;
      const scores = [...this.#newest.values()];
      this.#newest.clear();
      for (const listener of this.#listeners) listener.scores?.(scores);
    }, scoresEveryMs);
  }

  transition(): void {
    if (this.#listeners.size === 0) return;
    this.#lookUntilMs = performance.now() + patienceMs;
    this.#alarmsTimer ??= setInterval(() => void this.#tellAlarms(), alarmsEveryMs);
  }

  command(command: AlarmCommand, over: 'mqtt'): void {
    this.onCommand?.(command, over);
  }

  learning(asset: string, status: LearningStatus): void {
    for (const listener of this.#listeners) listener.learning?.(asset, status);
  }

  /** Place of the newest transition in the journal; 0 where there is none. */
  async newestId(): Promise<number> {
    const [row] = (await this.#gateway?.().query<{ id: number | null }>('SELECT max(rowid) AS id FROM transitions')) ?? [];
    return row?.id ?? 0;
  }

  /** What came after a place in the journal, oldest first. */
  async *alarmsAfter(id: number): AsyncGenerator<LiveTransition> {
    let after = id;
    for (;;) {
      const rows = await this.#read(after);
      yield* rows;
      if (rows.length < atOnce) return;
      after = (rows.at(-1) as LiveTransition).id;
    }
  }

  async #read(after: number): Promise<LiveTransition[]> {
    const rows =
      (await this.#gateway?.().query<{ id: number; document: string }>(
        `SELECT rowid AS id, document FROM transitions WHERE rowid > ? ORDER BY rowid LIMIT ${atOnce}`,
        after,
      )) ?? [];
    return rows.map(({ id, document }) => ({ id, transition: JSON.parse(document) as AlarmTransition }));
  }

  async #tellAlarms(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const rows = this.#told === undefined ? [] : await this.#read(this.#told);
      for (const row of rows) {
        this.#told = row.id;
        for (const listener of this.#listeners) listener.alarm?.(row);
      }
    } catch (error) {
      this.#log.warn({}, `alarms could not be read for those who look on: ${errorText(error)}`);
    } finally {
      this.#looking = false;
      if (performance.now() > this.#lookUntilMs) {
        clearInterval(this.#alarmsTimer);
        this.#alarmsTimer = undefined;
      }
    }
  }
}

const detailOf = ({ asset, windowEndMs, value, limit, model, channels, contributions, observed, expected }: Score): LiveScoreDetail => ({
  asset,
  atMs: windowEndMs,
  value,
  limit,
  peak: value / limit,
  model,
  channels,
  contributions: [...contributions],
  observed: [...observed],
  expected: [...expected],
});
