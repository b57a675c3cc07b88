/** Samples in columns: `tag` (interned index), `timeMs` (event time, ms since the epoch), `value`, `quality`. Rows 0..length-1 are valid. */
export interface SampleBlock {
  readonly tag: Uint32Array;
  readonly timeMs: Float64Array;
  readonly value: Float64Array;
  readonly quality: Uint8Array;
  readonly length: number;
}

const initialCapacity = 256;

/** A block that grows by doubling and is used again after `clear`: nothing is allocated per sample. */
export class SampleBlockBuilder implements SampleBlock {
  tag = new Uint32Array(initialCapacity);
  timeMs = new Float64Array(initialCapacity);
  value = new Float64Array(initialCapacity);
  quality = new Uint8Array(initialCapacity);
  length = 0;

  append(tag: number, timeMs: number, value: number, quality: number): void {
    if (this.length === this.tag.length) this.#grow();
    const row = this.length++;
    this.tag[row] = tag;
    this.timeMs[row] = timeMs;
    this.value[row] = value;
    this.quality[row] = quality;
  }

  clear(): void {
    this.length = 0;
  }

  #grow(): void {
    const capacity = this.tag.length * 2;
    const grown = <T extends Uint32Array | Float64Array | Uint8Array>(column: T, next: T): T => {
      next.set(column);
      return next;
    };
    this.tag = grown(this.tag, new Uint32Array(capacity));
    this.timeMs = grown(this.timeMs, new Float64Array(capacity));
    this.value = grown(this.value, new Float64Array(capacity));
    this.quality = grown(this.quality, new Uint8Array(capacity));
  }
}
