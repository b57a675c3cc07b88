import type { ControlRow } from '../core/control-row.ts';
import type { SampleBlock } from '../core/sample-block.ts';

/**
 * A segment is what one commit adds to the log: sample blocks and control rows in exact order of arrival.
 *
 * Layout, little endian: byte 0 the version; from byte 8 entries, each beginning at a multiple of 8:
 *   u8 kind (1 samples, 2 control) · u8 flags · u16 source · u32 count (samples, or bytes of JSON) · body.
 * A samples body is f64 base time, then the columns tag, time, value, quality, each padded to 8 bytes. Flags say which
 * columns are narrow: most plants fit u16 tags, whole milliseconds within 49 days, float32 values and good quality, 10 bytes a sample.
 */
const version = 1;
const kindSamples = 1;
const kindControl = 2;
const narrowTag = 1;
const narrowTime = 2;
const narrowValue = 4;
const allGood = 8;

const padded = (bytes: number): number => (bytes + 7) & ~7;

export class SegmentWriter {
  #buffer = new ArrayBuffer(16_384);
  #view = new DataView(this.#buffer);
  #bytes = new Uint8Array(this.#buffer);
  #length = 8;
  samples = 0;
  firstMs = Number.POSITIVE_INFINITY;
  lastMs = Number.NEGATIVE_INFINITY;

  constructor() {
    this.#bytes[0] = version;
  }

  get isEmpty(): boolean {
    return this.#length === 8;
  }

  get byteLength(): number {
    return this.#length;
  }

  /** Copies rows of `block` for which `keep` (one byte a row) is not 0; all of them when it is absent. */
  appendBlock(source: number, block: SampleBlock): void {
    const n = block.length;
    if (n === 0) return;
    const { tag, timeMs, value, quality } = block;
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    let flags = narrowTag | narrowTime | narrowValue | allGood;
    for (let i = 0; i < n; i++) {
      const t = timeMs[i] as number;
      const v = value[i] as number;
      if (t < low) low = t;
      if (t > high) high = t;
      if (t !== Math.floor(t)) flags &= ~narrowTime;
      if (Math.fround(v) !== v && !Number.isNaN(v)) flags &= ~narrowValue;
      if ((tag[i] as number) > 0xffff) flags &= ~narrowTag;
      if (quality[i] !== 0) flags &= ~allGood;
    }
    if (high - low > 0xffff_ffff || low !== Math.floor(low)) flags &= ~narrowTime;

    const tagBytes = padded(n * (flags & narrowTag ? 2 : 4));
    const timeBytes = padded(n * (flags & narrowTime ? 4 : 8));
    const valueBytes = padded(n * (flags & narrowValue ? 4 : 8));
    const qualityBytes = flags & allGood ? 0 : padded(n);
    this.#reserve(16 + tagBytes + timeBytes + valueBytes + qualityBytes);
    this.#header(kindSamples, flags, source, n);
    let at = this.#length;
    this.#view.setFloat64(at, low, true);
    at += 8;
    if (flags & narrowTag) new Uint16Array(this.#buffer, at, n).set(tag.subarray(0, n));
    else new Uint32Array(this.#buffer, at, n).set(tag.subarray(0, n));
    at += tagBytes;
    if (flags & narrowTime) {
      const column = new Uint32Array(this.#buffer, at, n);
      for (let i = 0; i < n; i++) column[i] = (timeMs[i] as number) - low;
    } else new Float64Array(this.#buffer, at, n).set(timeMs.subarray(0, n));
    at += timeBytes;
    if (flags & narrowValue) new Float32Array(this.#buffer, at, n).set(value.subarray(0, n));
    else new Float64Array(this.#buffer, at, n).set(value.subarray(0, n));
    at += valueBytes;
    if (qualityBytes > 0) this.#bytes.set(quality.subarray(0, n), at);
    this.#length = at + qualityBytes;
    this.samples += n;
    if (low < this.firstMs) this.firstMs = low;
    if (high > this.lastMs) this.lastMs = high;
  }

  appendControl(row: ControlRow): void {
    const json = Buffer.from(JSON.stringify(row));
    this.#reserve(8 + padded(json.length));
    this.#header(kindControl, 0, 0, json.length);
    this.#bytes.set(json, this.#length);
    this.#length += padded(json.length);
  }

  /** The finished segment in a buffer of its own (it may be transferred to another thread); the writer starts anew. */
  take(): Uint8Array<ArrayBuffer> {
    const segment = new Uint8Array(this.#buffer.slice(0, this.#length));
    this.#bytes.fill(0, 0, this.#length);
    this.#bytes[0] = version;
    this.#length = 8;
    this.samples = 0;
    this.firstMs = Number.POSITIVE_INFINITY;
    this.lastMs = Number.NEGATIVE_INFINITY;
    return segment;
  }

  #header(kind: number, flags: number, source: number, count: number): void {
    const at = this.#length;
    this.#bytes[at] = kind;
    this.#bytes[at + 1] = flags;
    this.#view.setUint16(at + 2, source, true);
    this.#view.setUint32(at + 4, count, true);
    this.#length = at + 8;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.byteLength) return;
    const grown = new ArrayBuffer(Math.max(needed, this.#buffer.byteLength * 2));
    new Uint8Array(grown).set(this.#bytes.subarray(0, this.#length));
    this.#buffer = grown;
    this.#view = new DataView(grown);
    this.#bytes = new Uint8Array(grown);
  }
}

export type SegmentEntry =
  | { readonly kind: 'samples'; readonly source: number; readonly block: SampleBlock }
  | { readonly kind: 'control'; readonly row: ControlRow };

/** Reads a segment back, entry by entry. Throws RangeError or SyntaxError on bytes that no writer made. */
export function* readSegment(segment: Uint8Array): Generator<SegmentEntry> {
  const buffer = segment.byteOffset % 8 === 0 ? segment : new Uint8Array(segment);
  if (buffer[0] !== version) throw new RangeError(`journal segment of version ${buffer[0]}`);
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  let at = 8;
  while (at < buffer.byteLength) {
    const kind = view.getUint8(at);
    const flags = view.getUint8(at + 1);
    const source = view.getUint16(at + 2, true);
    const count = view.getUint32(at + 4, true);
    at += 8;
    if (kind === kindControl) {
      const json = Buffer.from(buffer.buffer, buffer.byteOffset + at, count).toString();
      yield { kind: 'control', row: JSON.parse(json) as ControlRow };
      at += padded(count);
    } else if (kind === kindSamples) {
      const base = view.getFloat64(at, true);
      at += 8;
      const column = <T>(make: (buffer: ArrayBufferLike, offset: number, length: number) => T, bytes: number): T => {
        const made = make(buffer.buffer, buffer.byteOffset + at, count);
        at += padded(count * bytes);
        return made;
      };
      const tag =
        flags & narrowTag
          ? Uint32Array.from(column((b, o, l) => new Uint16Array(b, o, l), 2))
          : column((b, o, l) => new Uint32Array(b, o, l), 4);
      const timeMs =
        flags & narrowTime
          ? Float64Array.from(
              column((b, o, l) => new Uint32Array(b, o, l), 4),
              (delta) => base + delta,
            )
          : column((b, o, l) => new Float64Array(b, o, l), 8);
      const value =
        flags & narrowValue
          ? Float64Array.from(column((b, o, l) => new Float32Array(b, o, l), 4))
          : column((b, o, l) => new Float64Array(b, o, l), 8);
      const quality = flags & allGood ? new Uint8Array(count) : column((b, o, l) => new Uint8Array(b, o, l), 1);
      yield { kind: 'samples', source, block: { tag, timeMs, value, quality, length: count } };
    } else {
      throw new RangeError(`journal segment entry of kind ${kind} at byte ${at - 8}`);
    }
  }
}
