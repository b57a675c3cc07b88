import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileDecoder, type ValueFormat } from '../../../src/sources/modbus/decode.ts';
import { registersOf, type ValueType, type WordOrder, wordOrders } from '../../../src/sources/modbus/value-type.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const decode = (format: Partial<ValueFormat> & { type: ValueType }, data: Buffer, position = 0, intern = (_: string) => 0) =>
  compileDecoder({ table: 'holdingRegister', ...format }, intern)(data, position);

/** Big-endian bytes in the order a device with this word order sends them: written from the definition, not from the decoder. */
function arrange(bigEndian: Buffer, order: WordOrder): Buffer {
  const words = bigEndian.toString('hex').match(/.{4}/g) as string[];
  const swapBytes = (word: string) => word.slice(2) + word.slice(0, 2);
  const arranged = {
    ABCD: () => words,
    CDAB: () => words.toReversed(),
    BADC: () => words.map(swapBytes),
    DCBA: () => words.toReversed().map(swapBytes),
  }[order]();
  return hex(arranged.join(''));
}

const write: Partial<Record<ValueType, (value: number) => Buffer>> = {
  int16: (value) => {
    const bytes = Buffer.alloc(2);
    bytes.writeInt16BE(value);
    return bytes;
  },
  uint16: (value) => {
    const bytes = Buffer.alloc(2);
    bytes.writeUInt16BE(value);
    return bytes;
  },
  int32: (value) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    return bytes;
  },
  uint32: (value) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  },
  int64: (value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(BigInt(value));
    return bytes;
  },
  uint64: (value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(value));
    return bytes;
  },
  float32: (value) => {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatBE(value);
    return bytes;
  },
  float64: (value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    return bytes;
  },
};

describe('known vectors', () => {
  // IEEE 754 and two's complement by hand: 123.456 is 0x42F6E979, π is 0x400921FB54442D18.
  it.each<[ValueType, WordOrder, string, number]>([
    ['int16', 'ABCD', 'ff85', -123],
    ['uint16', 'ABCD', 'ff85', 65_413],
    ['int32', 'ABCD', 'fffe1dc0', -123_456],
    ['int32', 'CDAB', '1dc0fffe', -123_456],
    ['int32', 'BADC', 'feffc01d', -123_456],
    ['int32', 'DCBA', 'c01dfeff', -123_456],
    ['uint32', 'ABCD', 'fedcba98', 4_275_878_552],
    ['uint32', 'CDAB', 'ba98fedc', 4_275_878_552],
    ['uint32', 'BADC', 'dcfe98ba', 4_275_878_552],
    ['uint32', 'DCBA', '98badcfe', 4_275_878_552],
    ['float32', 'ABCD', '42f6e979', Math.fround(123.456)],
    ['float32', 'CDAB', 'e97942f6', Math.fround(123.456)],
    ['float32', 'BADC', 'f64279e9', Math.fround(123.456)],
    ['float32', 'DCBA', '79e9f642', Math.fround(123.456)],
    ['float64', 'ABCD', '400921fb54442d18', Math.PI],
    ['float64', 'CDAB', '2d18544421fb4009', Math.PI],
    ['float64', 'BADC', '0940fb214454182d', Math.PI],
    ['float64', 'DCBA', '182d4454fb210940', Math.PI],
    ['int64', 'ABCD', 'fffffffffffffffe', -2],
    ['int64', 'CDAB', 'fffeffffffffffff', -2],
    ['int64', 'BADC', 'fffffffffffffeff', -2],
    ['int64', 'DCBA', 'feffffffffffffff', -2],
    ['uint64', 'ABCD', '0000000100000002', 4_294_967_298],
    ['uint64', 'CDAB', '0002000000010000', 4_294_967_298],
    ['uint64', 'BADC', '0000010000000200', 4_294_967_298],
    ['uint64', 'DCBA', '0200000001000000', 4_294_967_298],
  ])('%s %s %s is %d', (type, order, bytes, value) => {
    expect(decode({ type, order }, hex(bytes))).toBe(value);
    // Not only at the start of a reply.
    expect(decode({ type, order }, hex(`dead beef ${bytes} dead`), 2)).toBe(value);
  });

  it('loses the last digits of integers beyond 2^53, and nothing else', () => {
    expect(decode({ type: 'uint64' }, hex('0020000000000001'))).toBe(2 ** 53);
    expect(decode({ type: 'uint64' }, hex('001fffffffffffff'))).toBe(2 ** 53 - 1);
    expect(decode({ type: 'int64' }, hex('8000000000000000'))).toBe(-(2 ** 63));
  });
});

describe.each(Object.keys(write) as (ValueType & keyof typeof write)[])('%s', (type) => {
  const bytes = registersOf(type) * 2;
  const bits = bytes * 8;
  const values = type.startsWith('float')
    ? type === 'float32'
      ? fc.float({ noNaN: true, noDefaultInfinity: true })
      : fc.double({ noNaN: true, noDefaultInfinity: true })
    : fc
        .bigInt(type.startsWith('u') ? 0n : -(1n << BigInt(Math.min(bits, 54) - 1)), (1n << BigInt(Math.min(bits, 54) - 1)) - 1n)
        .map(Number);

  it.each(bytes > 2 ? wordOrders : (['ABCD'] as const))('%s comes back as it was written, anywhere in a reply', (order) => {
    const decoder = compileDecoder({ table: 'inputRegister', type, order }, () => 0);
    fc.assert(
      fc.property(values, fc.nat(100), (value, position) => {
        const reply = Buffer.concat([
          Buffer.alloc(position * 2, 0xa5),
          arrange((write[type] as (v: number) => Buffer)(value), order),
          Buffer.from([1, 2]),
        ]);
        expect(decoder(reply, position)).toBe(value);
      }),
    );
  });
});

describe('bits', () => {
  it('of a bit table stand least significant first', () => {
    const bits = Array.from({ length: 16 }, (_, position) => decode({ table: 'coil', type: 'bool' }, hex('cd6b'), position));
    // The example of Application Protocol V1.1b3, 6.1: CD 6B.
    expect(bits.join('')).toBe('1011001111010110');
  });

  it.each([
    [0, 1],
    [1, 0],
    [8, 0],
    [15, 1],
  ])('bit %i of register 0x8001 is %i', (bit, value) => {
    expect(decode({ type: 'bool', bit }, hex('0000 8001'), 1)).toBe(value);
  });
});

describe('scale and offset', () => {
  it.each([
    [0.1, 0, 234, 23.4],
    [0.01, 0, 7, 0.07],
    [-0.1, 0, 234, -23.4],
    [10, -5, 3, 25],
    [0.3, 1, 10, 4],
    [1, 0.5, 1, 1.5],
  ])('× %d + %d makes %d to %d', (scale, offset, raw, value) => {
    expect(decode({ type: 'int16', scale, offset }, (write.int16 as (v: number) => Buffer)(raw))).toBe(value);
  });
});

describe('not available', () => {
  it.each<[ValueType, string]>([
    ['int16', '8000'],
    ['uint16', 'ffff'],
    ['int32', '80000000'],
    ['uint32', 'ffffffff'],
    ['int64', '8000000000000000'],
    ['uint64', 'ffffffffffffffff'],
    ['float32', '7fc00000'],
    ['float64', '7ff8000000000000'],
  ])('SunSpec of %s is %s, before scaling', (type, bytes) => {
    expect(decode({ type, notAvailable: 'sunspec', scale: 0.5, offset: 3 }, hex(bytes))).toBeNaN();
    expect(decode({ type, notAvailable: 'sunspec' }, hex(bytes.replace(/.$/, '3').replace(/^./, '1')))).not.toBeNaN();
  });

  it('takes raw values as people write them, one or more', () => {
    expect(decode({ type: 'int16', notAvailable: 0x8000 }, hex('8000'))).toBeNaN();
    expect(decode({ type: 'int16', notAvailable: -32_768 }, hex('8000'))).toBeNaN();
    expect(decode({ type: 'uint16', notAvailable: [0, 9999] }, hex('270f'))).toBeNaN();
    expect(decode({ type: 'uint16', notAvailable: [0, 9999] }, hex('0000'))).toBeNaN();
    expect(decode({ type: 'uint16', notAvailable: [0, 9999] }, hex('0001'))).toBe(1);
    expect(decode({ type: 'float32', notAvailable: -9999.9 }, (write.float32 as (v: number) => Buffer)(-9999.9))).toBeNaN();
  });
});

describe('strings', () => {
  const read = (format: Partial<ValueFormat>, data: Buffer, position = 0) => {
    const texts: string[] = [];
    const value = decode({ type: 'string', ...format }, data, position, (text) => texts.push(text) - 1);
    return { value, text: texts[0] };
  };

  it.each([
    ['ABCD', 'PRESS-07', 8],
    ['BADC', 'RPSE-S70', 8],
  ] as const)('%s', (order, bytes, length) => {
    expect(read({ order, length }, Buffer.from(`xx${bytes}yy`), 1)).toEqual({ value: 0, text: 'PRESS-07' });
  });

  it('end at NUL, without the padding, at their length', () => {
    expect(read({ length: 6 }, Buffer.from('AB\0\0\0\0')).text).toBe('AB');
    expect(read({ length: 6 }, Buffer.from('AB    ')).text).toBe('AB');
    expect(read({ length: 3 }, Buffer.from('ABCD')).text).toBe('ABC');
    expect(read({ length: 2 }, Buffer.from([0x6f, 0xb0])).text).toBe('o°');
  });

  it('are looked up only when they change, and are no value when there is no room', () => {
    const texts: string[] = [];
    const decoder = compileDecoder({ table: 'holdingRegister', type: 'string', length: 2 }, (text) =>
      texts.push(text) > 2 ? -1 : texts.length - 1,
    );
    expect(['ab', 'ab', 'cd', 'cd', 'ab'].map((text) => decoder(Buffer.from(text), 0))).toEqual([0, 0, 1, 1, Number.NaN]);
    expect(texts).toEqual(['ab', 'cd', 'ab']);
  });

  it('empty ones are not available in SunSpec', () => {
    expect(read({ length: 4, notAvailable: 'sunspec' }, Buffer.alloc(4)).value).toBeNaN();
    expect(read({ length: 4 }, Buffer.alloc(4))).toEqual({ value: 0, text: '' });
  });
});
