import type { Score } from '../core/score.ts';
import type { LiveSink, Sink } from '../core/sink.ts';

/** A score may wait this long for others: nobody acts on a single one, and each publication and each outbox row has a price of its own. */
const waitMs = 20;
const mostWaiting = 128;

/** Scores on their way to live topics and outbox, some together. What belongs into a commit is called for by it: `flush`. */
export class ResultsOutlet {
  readonly #sinks: readonly Sink[];
  readonly #live: readonly LiveSink[];
  readonly #outbox: (sink: string, count: number, payload: Uint8Array) => void;
  #waiting: Score[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(sinks: readonly Sink[], live: readonly LiveSink[], outbox: (sink: string, count: number, payload: Uint8Array) => void) {
    this.#sinks = sinks.filter(({ wants }) => wants.has('results'));
    this.#live = live;
    this.#outbox = outbox;
  }

  add(score: Score): void {
    this.#waiting.push(score);
  }

  /** The end of a tick. */
  settle(): void {
    if (this.#waiting.length >= mostWaiting) this.flush();
    else if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.flush(), waitMs);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const scores = this.#waiting;
    if (scores.length === 0) return;
    this.#waiting = [];
    for (const sink of this.#live) for (const score of scores) sink.publishScore(score);
    for (const sink of this.#sinks) {
      const payload = sink.encodeScores(scores);
      if (payload !== undefined) this.#outbox(sink.id, scores.length, payload);
    }
  }
}
