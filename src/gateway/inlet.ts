import { SampleBlockBuilder } from '../core/sample-block.ts';
import type { SampleInlet } from '../core/source.ts';

/** What the gateway does when a source has something. */
export interface InletOwner {
  /** There is input: fold it when the event loop has drained the sockets. */
  pending(): void;
  isFull(): boolean;
  now(): { readonly wallMs: number; readonly monotonicMs: number };
}

/** A source's samples between two ticks, and what is known of its silence. Two builders take turns: one fills while the other is folded. */
export class GatewayInlet implements SampleInlet {
  /** Journal index of the source. */
  readonly source: number;
  readonly #owner: InletOwner;
  #filling = new SampleBlockBuilder();
  #folding = new SampleBlockBuilder();
  #redelivered = false;
  #marks = 0;
  #connected = false;
  lastInputMs = Number.NEGATIVE_INFINITY;
  /** The newest event time, not ahead of the clock it arrived by, and when that was; NaN before the first. */
  #newestMs = Number.NaN;
  #heardMs = 0;
  idle = false;

  constructor(source: number, owner: InletOwner) {
    this.source = source;
    this.#owner = owner;
  }

  get full(): boolean {
    return this.#owner.isFull();
  }

  get connected(): boolean {
    return this.#connected;
  }

  append(tag: number, timeMs: number, value: number, quality: number): void {
    this.#filling.append(tag, timeMs, value, quality);
  }

  /** How far its time is behind the wall clock: it goes on from the newest sample as time passes, whatever the wall clock is set to meanwhile. */
  lagMs(wallMs: number, monotonicMs: number): number {
    return Number.isNaN(this.#newestMs) ? 0 : Math.round(wallMs - this.#newestMs - (monotonicMs - this.#heardMs));
  }

  mark(): number {
    return ++this.#marks;
  }

  redelivered(): void {
    this.#redelivered = true;
  }

  endOfBurst(): void {
    if (this.#filling.length === 0 && this.#marks === this.#taken) return;
    this.#owner.pending();
  }

  setConnected(connected: boolean): void {
    this.#connected = connected;
    if (connected) this.lastInputMs = this.#owner.now().monotonicMs;
    else this.idle = false;
  }

  #taken = 0;

  get hasInput(): boolean {
    return this.#filling.length > 0 || this.#marks !== this.#taken;
  }

  /** Everything so far, with the highest mark it answers for, if there is a new one. Valid until the next call. */
  take(): { block: SampleBlockBuilder; mark: number | undefined; redelivered: boolean } {
    const block = this.#filling;
    this.#filling = this.#folding;
    this.#filling.clear();
    this.#folding = block;
    const redelivered = this.#redelivered;
    this.#redelivered = false;
    const mark = this.#marks === this.#taken ? undefined : this.#marks;
    this.#taken = this.#marks;
    if (block.length > 0) {
      const { wallMs, monotonicMs } = this.#owner.now();
      this.lastInputMs = monotonicMs;
      this.#newestMs = Math.min(wallMs, block.timeMs[block.length - 1] as number);
      this.#heardMs = monotonicMs;
      this.idle = false;
    }
    return { block, mark, redelivered };
  }
}
