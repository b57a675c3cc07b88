const bucketMs = 10_000;
/** Stretches of time counted at once: a device may send what it kept, from an hour ago on, between what it measures now. */
const slots = 16;

/** Bounds the messages of one topic by the time they are from, ten seconds at a time. */
export class RateBound {
  readonly #most: number;
  readonly #bucket = new Float64Array(slots).fill(Number.NaN);
  readonly #count = new Uint32Array(slots);
  /** Messages that were too many. */
  refused = 0;
  /** When the last of them came. */
  lastMs = Number.NEGATIVE_INFINITY;

  /** `perSecond`: messages. */
  constructor(perSecond: number) {
    this.#most = (perSecond * bucketMs) / 1000;
  }

  /** Whether a message from `timeMs` that came at `arrivalMs` may pass. */
  takes(timeMs: number, arrivalMs: number): boolean {
    const bucket = Math.floor(timeMs / bucketMs);
    const slot = ((bucket % slots) + slots) % slots;
    if (this.#bucket[slot] !== bucket) {
      this.#bucket[slot] = bucket;
      this.#count[slot] = 0;
    }
    const count = (this.#count[slot] as number) + 1;
    if (count <= this.#most) {
      this.#count[slot] = count;
      return true;
    }
    this.refused++;
    this.lastMs = arrivalMs;
    return false;
  }
}
