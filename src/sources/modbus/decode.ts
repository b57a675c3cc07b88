import { isBitTable, type ModbusTable } from './table.ts';
import { asRaw, isInteger, sunspecSentinel, type ValueType, type WordOrder } from './value-type.ts';

/**
 * Reads one value from the data bytes of a reply. `position` counts from the start of the reply, in registers, or in bits for
 * a bit table. NaN or an infinity: the device has no value. Nothing is allocated, but for a string that is not the last one.
 */
export type Decoder = (data: Buffer, position: number) => number;

export interface ValueFormat {
  readonly table: ModbusTable;
  readonly type: ValueType;
  readonly bit?: number | undefined;
  /** First and last bit of a field, 0 the least significant. */
  readonly field?: readonly [number, number] | undefined;
  readonly length?: number | undefined;
  readonly order?: WordOrder | undefined;
  readonly scale?: number | undefined;
  readonly offset?: number | undefined;
  readonly notAvailable?: 'sunspec' | number | readonly number[] | undefined;
}

/** The decoder of a tag, put together once at the start. `intern` gives the index of a text, −1 when there is no room for it. */
export function compileDecoder(format: ValueFormat, intern: (text: string) => number): Decoder {
  if (isBitTable(format.table)) return readBit;
  if (format.type === 'bool') return readRegisterBit(format.bit ?? 0);
  if (format.type === 'string') return readString(format, intern);
  if (format.type === 'dateBytes' || format.type === 'dateRegisters') return readDate(format.type);
  const raw = withAbsent(readNumber(format.type, format.order ?? 'ABCD'), format);
  return scaled(format.field === undefined ? raw : fieldOf(raw, format.field), format.scale ?? 1, format.offset ?? 0);
}

/** Bits stand least significant first (V1.1b3, 6.1). */
const readBit: Decoder = (data, position) => ((data[position >> 3] as number) >> (position & 7)) & 1;

const readRegisterBit =
  (bit: number): Decoder =>
  (data, position) =>
    (data.readUInt16BE(position * 2) >> bit) & 1;

function readNumber(type: Exclude<ValueType, 'bool' | 'string' | 'dateBytes' | 'dateRegisters'>, order: WordOrder): Decoder {
  const uint32 = readUint32[order];
  switch (type) {
    case 'int16':
      return (data, position) => data.readInt16BE(position * 2);
    case 'uint16':
      return (data, position) => data.readUInt16BE(position * 2);
    case 'int32':
      return (data, position) => uint32(data, position * 2) | 0;
    case 'uint32':
      return (data, position) => uint32(data, position * 2);
    case 'bcd16':
      return (data, position) => decimal(data.readUInt16BE(position * 2), 4);
    case 'bcd32':
      return (data, position) => decimal(uint32(data, position * 2), 8);
    case 'int48':
    case 'uint48': {
      const read = readUint48(order);
      return type === 'uint48' ? read : (data, position) => signed48(read(data, position));
    }
    case 'float32':
      return (data, position) => {
        scratch.setUint32(0, uint32(data, position * 2));
        return scratch.getFloat32(0);
      };
    default: {
      // Bytes 4 to 7 hold the upper half where whole words stand in reverse.
      const high = order === 'ABCD' || order === 'BADC' ? 0 : 4;
      if (type === 'float64') {
        return (data, position) => {
          scratch.setUint32(0, uint32(data, position * 2 + high));
          scratch.setUint32(4, uint32(data, position * 2 + 4 - high));
          return scratch.getFloat64(0);
        };
      }
      if (type === 'int64')
        return (data, position) => (uint32(data, position * 2 + high) | 0) * 4_294_967_296 + uint32(data, position * 2 + 4 - high);
      return (data, position) => uint32(data, position * 2 + high) * 4_294_967_296 + uint32(data, position * 2 + 4 - high);
    }
  }
}

const scratch = new DataView(new ArrayBuffer(8));

/** Three words: in reverse where 32 bits have theirs so, bytes swapped likewise. */
function readUint48(order: WordOrder): Decoder {
  const reversed = order === 'CDAB' || order === 'DCBA';
  const swapped = order === 'BADC' || order === 'DCBA';
  const word = (data: Buffer, byte: number): number => (swapped ? data.readUInt16LE(byte) : data.readUInt16BE(byte));
  return (data, position) => {
    const byte = position * 2;
    const [high, low] = reversed ? [byte + 4, byte] : [byte, byte + 4];
    return (word(data, high) * 65_536 + word(data, byte + 2)) * 65_536 + word(data, low);
  };
}

const signed48 = (value: number): number => (value >= 2 ** 47 ? value - 2 ** 48 : value);

/** Packed decimal digits, four bits each; NaN where one is none. */
function decimal(raw: number, digits: number): number {
  let value = 0;
  for (let shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    const digit = Math.floor(raw / 2 ** shift) % 16;
    if (digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Bits `from` to `to` of a whole number that is not negative. */
const fieldOf =
  (read: Decoder, [from, to]: readonly [number, number]): Decoder =>
  (data, position) =>
    Math.floor(read(data, position) / 2 ** from) % 2 ** (to - from + 1);

/** Year, month, day, hour, minute, second of the device's clock, taken for UTC: a byte each (years since 2000) or a register each. NaN where that is no date. */
function readDate(type: 'dateBytes' | 'dateRegisters'): Decoder {
  const part =
    type === 'dateBytes' ? (data: Buffer, at: number) => data[at] as number : (data: Buffer, at: number) => data.readUInt16BE(at);
  const size = type === 'dateBytes' ? 1 : 2;
  return (data, position) => {
    const at = (index: number): number => part(data, position * 2 + index * size);
    const [year, month, day, hour, minute, second] = [at(0), at(1), at(2), at(3), at(4), at(5)];
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59) return Number.NaN;
    return Date.UTC(year < 100 ? 2000 + year : year, month - 1, day, hour, minute, second);
  };
}

const readUint32: Readonly<Record<WordOrder, (data: Buffer, byte: number) => number>> = {
  ABCD: (data, byte) => data.readUInt32BE(byte),
  CDAB: (data, byte) => data.readUInt16BE(byte + 2) * 65_536 + data.readUInt16BE(byte),
  BADC: (data, byte) => data.readUInt16LE(byte) * 65_536 + data.readUInt16LE(byte + 2),
  DCBA: (data, byte) => data.readUInt32LE(byte),
};

/** NaN for the raw values that mean "not available". */
function withAbsent(read: Decoder, { type, notAvailable }: ValueFormat): Decoder {
  if (notAvailable === undefined) return read;
  if (notAvailable === 'sunspec') {
    // The sentinel of SunSpec's floats is NaN, which is no value anyway.
    return isInteger(type) ? without(read, sunspecSentinel(type)) : read;
  }
  return [notAvailable].flat().reduce((reader, value) => without(reader, asRaw(type, value) ?? value), read);
}

const without =
  (read: Decoder, absent: number): Decoder =>
  (data, position) => {
    const raw = read(data, position);
    return raw === absent ? Number.NaN : raw;
  };

function scaled(read: Decoder, scale: number, offset: number): Decoder {
  if (scale === 1 && offset === 0) return read;
  // 234 × 0.1 is 23.400000000000002, 234 / 10 is 23.4.
  const divisor = Math.round(1 / scale);
  if (Math.abs(scale) < 1 && Math.abs(divisor * scale - 1) < 1e-12) return (data, position) => read(data, position) / divisor + offset;
  return (data, position) => read(data, position) * scale + offset;
}

/** Latin-1 up to the first NUL, without the spaces it was padded with. The last text is remembered by its bytes. */
function readString({ length = 0, order, notAvailable }: ValueFormat, intern: (text: string) => number): Decoder {
  const bytes = Math.ceil(length / 2) * 2;
  const swapped = order === 'BADC';
  const last = Buffer.alloc(bytes);
  let lastIndex: number | undefined;
  return (data, position) => {
    const start = position * 2;
    if (lastIndex !== undefined && data.compare(last, 0, bytes, start, start + bytes) === 0) return lastIndex;
    data.copy(last, 0, start, start + bytes);
    const characters = swapped ? Buffer.from(last).swap16() : last;
    const text = characters.toString('latin1', 0, length).replace(/\0.*$/s, '').trimEnd();
    const index = text === '' && notAvailable === 'sunspec' ? -1 : intern(text);
    lastIndex = index < 0 ? Number.NaN : index;
    return lastIndex;
  };
}
