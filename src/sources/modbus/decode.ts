import type { Interner } from '../../core/interner.ts';
import { type DataType, registersOf, sunspecSentinels, type WordOrder } from './data-type.ts';

/**
 * Reads one value at `offset` (bytes) of a reply's data: engineering value, or NaN for "not available". Chosen once at start, so that the poll loop
 * only calls closures. 64-bit integers beyond 2^53 lose their lowest digits: samples are doubles.
 */
export type Decoder = (data: Buffer, offset: number) => number;

export interface Coding {
  readonly type: DataType;
  readonly order: WordOrder;
  readonly bit: number | undefined;
  /** Characters of a string. */
  readonly length: number | undefined;
  readonly scale: number;
  readonly offset: number;
  readonly notAvailable: 'sunspec' | number | readonly number[] | undefined;
}

export function decoderOf(coding: Coding, texts: Interner): Decoder {
  const { type, scale, offset: shift } = coding;
  if (type === 'string') return stringDecoder(coding, texts);
  if (type === 'bool') {
    const bit = coding.bit ?? 0;
    return (data, offset) => (data.readUInt16BE(offset) >> bit) & 1;
  }
  const raw = rawDecoder(type, coding.order);
  const missing = missingOf(coding);
  const plain = scale === 1 && shift === 0;
  if (missing.length === 0) {
    if (plain && type !== 'float32' && type !== 'float64') return raw;
    return (data, offset) => {
      const value = raw(data, offset);
      // Infinity is no measurement either.
      return Number.isFinite(value) ? value * scale + shift : Number.NaN;
    };
  }
  return (data, offset) => {
    const value = raw(data, offset);
    return missing.includes(value) || !Number.isFinite(value) ? Number.NaN : value * scale + shift;
  };
}

/** One bit of a bit table's reply: the lowest bit of the first byte is the first address. */
export const decodeBit = (data: Buffer, index: number): number => ((data[index >> 3] as number) >> (index & 7)) & 1;

function missingOf({ type, notAvailable }: Coding): readonly number[] {
  if (notAvailable === undefined) return [];
  if (typeof notAvailable === 'number') return [notAvailable];
  if (notAvailable !== 'sunspec') return notAvailable;
  const sentinel = sunspecSentinels[type];
  return sentinel === undefined ? [] : [sentinel];
}

const scratch = Buffer.alloc(8);

function rawDecoder(type: Exclude<DataType, 'string' | 'bool'>, order: WordOrder): Decoder {
  if (type === 'int16') return (data, offset) => data.readInt16BE(offset);
  if (type === 'uint16') return (data, offset) => data.readUInt16BE(offset);
  const bytes = registersOf(type) * 2;
  const read = readers[type];
  if (order === 'ABCD') return read;
  const positions = byteOrder(order, bytes);
  return (data, offset) => {
    for (let i = 0; i < bytes; i++) scratch[i] = data[offset + (positions[i] as number)] as number;
    return read(scratch, 0);
  };
}

const readers: Record<'int32' | 'uint32' | 'float32' | 'int64' | 'uint64' | 'float64', Decoder> = {
  int32: (data, offset) => data.readInt32BE(offset),
  uint32: (data, offset) => data.readUInt32BE(offset),
  float32: (data, offset) => data.readFloatBE(offset),
  int64: (data, offset) => Number(data.readBigInt64BE(offset)),
  uint64: (data, offset) => Number(data.readBigUInt64BE(offset)),
  float64: (data, offset) => data.readDoubleBE(offset),
};

/** Where in the reply each byte of the big-endian value lies. Words are swapped as a whole (64 bits: all four), bytes within each word. */
export function byteOrder(order: WordOrder, bytes: number): number[] {
  const words = bytes / 2;
  const swapWords = order === 'CDAB' || order === 'DCBA';
  const swapBytes = order === 'BADC' || order === 'DCBA';
  return Array.from({ length: bytes }, (_, i) => {
    const word = i >> 1;
    return (swapWords ? words - 1 - word : word) * 2 + (swapBytes ? 1 - (i & 1) : i & 1);
  });
}

function stringDecoder({ length = 0, order }: Coding, texts: Interner): Decoder {
  const swapped = order === 'BADC' || order === 'DCBA';
  return (data, offset) => {
    const bytes = Buffer.from(data.subarray(offset, offset + registersOf('string', length) * 2));
    if (swapped) bytes.swap16();
    const text = bytes.toString('latin1', 0, length).replace(/\0.*$/s, '').trimEnd();
    const index = texts.intern(text);
    return index < 0 ? Number.NaN : index;
  };
}
