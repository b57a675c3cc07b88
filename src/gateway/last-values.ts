import type { SampleBlock } from '../core/sample-block.ts';

/** The newest sample of each tag, by tag index. Costs a few stores a sample; grows with the tags, whose number is bounded. */
export class LastValues {
  #timeMs = new Float64Array(64).fill(Number.NEGATIVE_INFINITY);
  #value = new Float64Array(64);
  #quality = new Uint8Array(64);
  #source = new Uint16Array(64);
  #count = new Float64Array(64);

  add(source: number, { tag, timeMs, value, quality, length }: SampleBlock): void {
    for (let i = 0; i < length; i++) {
      const index = tag[i] as number;
      if (index >= this.#timeMs.length) this.#grow(index);
      this.#count[index] = (this.#count[index] as number) + 1;
      if ((timeMs[i] as number) < (this.#timeMs[index] as number)) continue;
      this.#timeMs[index] = timeMs[i] as number;
      this.#value[index] = value[i] as number;
      this.#quality[index] = quality[i] as number;
      this.#source[index] = source;
    }
  }

  /** Undefined where nothing has come since the start. */
  of(tag: number): { timeMs: number; value: number; quality: number; source: number; samples: number } | undefined {
    const timeMs = this.#timeMs[tag] ?? Number.NEGATIVE_INFINITY;
    if (timeMs === Number.NEGATIVE_INFINITY) return undefined;
    return {
      timeMs,
      value: this.#value[tag] as number,
      quality: this.#quality[tag] as number,
      source: this.#source[tag] as number,
      samples: this.#count[tag] as number,
    };
  }

  #grow(index: number): void {
    const size = Math.max(2 * this.#timeMs.length, index + 1);
    const grown = <A extends Float64Array | Uint8Array | Uint16Array>(array: A, into: A): A => {
      into.set(array);
      return into;
    };
    this.#timeMs = grown(this.#timeMs, new Float64Array(size).fill(Number.NEGATIVE_INFINITY));
    this.#value = grown(this.#value, new Float64Array(size));
    this.#quality = grown(this.#quality, new Uint8Array(size));
    this.#source = grown(this.#source, new Uint16Array(size));
    this.#count = grown(this.#count, new Float64Array(size));
  }
}
