import { compileDecoder } from '../sources/modbus/decode.ts';
import { type WordOrder, wordOrders } from '../sources/modbus/value-type.ts';

/** One way to read what stands at an address. */
export interface Reading {
  readonly type: (typeof singles)[number] | (typeof doubles)[number] | (typeof quads)[number];
  readonly order: WordOrder | undefined;
  readonly value: number;
  /** Likely meant so: see `plausible`. */
  readonly plausible: boolean;
}

const singles = ['uint16', 'int16'] as const;
const doubles = ['float32', 'int32', 'uint32'] as const;
const quads = ['float64', 'int64', 'uint64'] as const;

const decoderOf = (type: Reading['type'], order: WordOrder | undefined) =>
  compileDecoder({ table: 'holdingRegister', type, order }, () => -1);

/** Every type and order that begins at register `position` of the data and still lies in it. */
export function readingsAt(data: Buffer, position: number): Reading[] {
  const left = data.length / 2 - position;
  const read = (type: Reading['type'], order: WordOrder | undefined): Reading => {
    const value = decoderOf(type, order)(data, position);
    return { type, order, value, plausible: plausible(type, value) };
  };
  const all = [
    ...singles.map((type) => read(type, undefined)),
    ...(left >= 2 ? doubles.flatMap((type) => wordOrders.map((order) => read(type, order))) : []),
    ...(left >= 4 ? quads.flatMap((type) => wordOrders.map((order) => read(type, order))) : []),
  ];
  const floats = all.filter(({ type, plausible }) => type === 'float32' && plausible);
  if (floats.length === 0) return all;
  // Where a float makes sense it is hardly an integer by chance as well. The first half of a float64 always looks like one: its second half does not.
  const another = left >= 4 && floats.some(({ order }) => plausible('float32', decoderOf('float32', order)(data, position + 2)));
  return all.map((reading) =>
    reading.type === 'float32' || (reading.type === 'float64' && !another) ? reading : { ...reading, plausible: false },
  );
}

/** Characters, where all of them can be printed. */
export function textAt(data: Buffer, position: number): string | undefined {
  const text = data.toString('latin1', position * 2, position * 2 + 2);
  return /^[ -~]{2}$/.test(text) && /[A-Za-z0-9]/.test(text) ? text : undefined;
}

/**
 * Whether plants have such values. Floats: a magnitude between 0.001 and ten million; integers or the wrong order read as floats give tiny or huge numbers. 32-bit integers: a high half that is nearly empty, as
 * counters and powers have it. 64 bits the same. 16 bits are always possible, so only a small negative number is marked.
 */
function plausible(type: Reading['type'], value: number): boolean {
  const size = Math.abs(value);
  switch (type) {
    case 'float32':
      return Number.isFinite(value) && size >= 1e-3 && size <= 1e7;
    case 'float64':
      return Number.isFinite(value) && size >= 1e-3 && size <= 1e9;
    case 'int32':
      return (value >= 1 && value < 2 ** 16) || (value < 0 && size < 2 ** 15);
    case 'uint32':
      return value >= 2 ** 16 && value < 2 ** 28;
    case 'int64':
    case 'uint64':
      return size >= 1 && size < 2 ** 40;
    case 'int16':
      return value < 0 && size < 2000;
    case 'uint16':
      return false;
    default:
      return type satisfies never;
  }
}
