export const dataTypes = ['bool', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'float32', 'float64', 'string'] as const;
export type DataType = (typeof dataTypes)[number];

export const wordOrders = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const;
export type WordOrder = (typeof wordOrders)[number];

/** Registers a value takes; `length` in characters for a string. */
export function registersOf(type: DataType, length = 0): number {
  switch (type) {
    case 'bool':
    case 'int16':
    case 'uint16':
      return 1;
    case 'int32':
    case 'uint32':
    case 'float32':
      return 2;
    case 'int64':
    case 'uint64':
    case 'float64':
      return 4;
    case 'string':
      return Math.ceil(length / 2);
    default:
      return type satisfies never;
  }
}

/** What a device sends where it has no value (SunSpec information model specification, "unimplemented" values), as raw numbers. */
export const sunspecSentinels: Partial<Record<DataType, number>> = {
  int16: -0x8000,
  uint16: 0xffff,
  int32: -0x8000_0000,
  uint32: 0xffff_ffff,
  int64: -(2 ** 63),
  uint64: 2 ** 64,
};
