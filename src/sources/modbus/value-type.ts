export const valueTypes = [
  'bool',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int48',
  'uint48',
  'int64',
  'uint64',
  'float32',
  'float64',
  'bcd16',
  'bcd32',
  'dateBytes',
  'dateRegisters',
  'string',
] as const;
export type ValueType = (typeof valueTypes)[number];

/**
 * Order of the bytes of a value in ascending registers, A the most significant of 32 bits. 48- and 64-bit values follow the same
 * pattern: ABCD big-endian, CDAB words reversed, BADC bytes of each word swapped, DCBA little-endian.
 */
export const wordOrders = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const;
export type WordOrder = (typeof wordOrders)[number];

export type IntegerType = 'int16' | 'uint16' | 'int32' | 'uint32' | 'int48' | 'uint48' | 'int64' | 'uint64';

/** Registers of a value; a string holds two characters a register. */
export function registersOf(type: ValueType, length = 0): number {
  if (type === 'string') return Math.ceil(length / 2);
  if (type === 'dateRegisters') return 6;
  if (type === 'dateBytes' || type.endsWith('48')) return 3;
  return type.endsWith('64') ? 4 : type.endsWith('32') ? 2 : 1;
}

export const isInteger = (type: ValueType): type is IntegerType => type.includes('int');
/** A date and time of the device's own clock, kept as ms since the epoch. */
export const isDate = (type: ValueType): boolean => type.startsWith('date');
/** Its bytes can stand in more than one order. */
export const hasOrder = (type: ValueType): boolean => /(32|48|64)$/.test(type);
export const isFloat = (type: ValueType): type is 'float32' | 'float64' => type.startsWith('float');

/** Smallest and largest raw value of an integer type. */
export function integerRange(type: IntegerType): readonly [number, number] {
  const bits = registersOf(type) * 16;
  return type.startsWith('u') ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}

/** "Not implemented" of SunSpec's information model (Technology Overview, 1.1: data types); floats say NaN. */
export function sunspecSentinel(type: IntegerType): number {
  const [low, high] = integerRange(type);
  return type.startsWith('u') ? high : low;
}

/** A raw value as a person writes it: 0x8000 of an int16 is its −32768. Undefined when the type cannot hold it. */
export function asRaw(type: ValueType, value: number): number | undefined {
  if (type === 'float32') return Math.fround(value);
  if (!isInteger(type)) return value;
  const [low, high] = integerRange(type);
  if (!Number.isInteger(value)) return undefined;
  const raw = value > high && value < 2 ** (registersOf(type) * 16) ? value - 2 ** (registersOf(type) * 16) : value;
  return raw >= low && raw <= high ? raw : undefined;
}
