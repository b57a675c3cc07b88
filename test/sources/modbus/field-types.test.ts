import { describe, expect, it } from 'vitest';
import { Interner } from '../../../src/core/interner.ts';
import { modbusSourceSchema } from '../../../src/sources/modbus/config.ts';
import { Counter } from '../../../src/sources/modbus/counter.ts';
import { compileDecoder, type ValueFormat } from '../../../src/sources/modbus/decode.ts';
import { pointsOf } from '../../../src/sources/modbus/point.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const decode = (format: Partial<ValueFormat> & Pick<ValueFormat, 'type'>, data: string): number =>
  compileDecoder({ table: 'holdingRegister', ...format }, () => 0)(hex(data), 0);
const parse = (tag: object) =>
  modbusSourceSchema.safeParse({
    id: 'meter',
    type: 'modbus',
    url: 'tcp://127.0.0.1:502',
    tags: [{ tag: 'm/a', table: 'holdingRegister', address: 100, type: 'uint16', ...tag }],
  });
const point = (tag: object) => {
  const [only] = pointsOf(parse(tag).data as NonNullable<ReturnType<typeof parse>['data']>, new Interner(10), new Interner(10));
  return only as NonNullable<typeof only>;
};
const messageOf = (tag: object): string => parse(tag).error?.issues[0]?.message ?? 'fine';

describe('types of the field', () => {
  it('48 bits in the four orders', () => {
    // 0x0000_0BEB_C201 = 200,000,001
    expect(decode({ type: 'uint48' }, '0000 0BEB C201')).toBe(200_000_001);
    expect(decode({ type: 'uint48', order: 'CDAB' }, 'C201 0BEB 0000')).toBe(200_000_001);
    expect(decode({ type: 'uint48', order: 'BADC' }, '0000 EB0B 01C2')).toBe(200_000_001);
    expect(decode({ type: 'uint48', order: 'DCBA' }, '01C2 EB0B 0000')).toBe(200_000_001);
    expect(decode({ type: 'int48' }, 'FFFF FFFF FF38')).toBe(-200);
    expect(decode({ type: 'uint48', notAvailable: 'sunspec' }, 'FFFF FFFF FFFF')).toBeNaN();
  });

  it('packed decimals, and what is none', () => {
    expect(decode({ type: 'bcd16', scale: 0.1 }, '1234')).toBe(123.4);
    expect(decode({ type: 'bcd32' }, '0098 7654')).toBe(987_654);
    expect(decode({ type: 'bcd32', order: 'CDAB' }, '7654 0098')).toBe(987_654);
    expect(decode({ type: 'bcd16' }, '12A4')).toBeNaN();
  });

  it('dates, and what is none', () => {
    expect(decode({ type: 'dateBytes' }, '1A 03 1D 17 3B 05')).toBe(Date.UTC(2026, 2, 29, 23, 59, 5));
    expect(decode({ type: 'dateRegisters' }, '07EA 0003 001D 0017 003B 0005')).toBe(Date.UTC(2026, 2, 29, 23, 59, 5));
    expect(decode({ type: 'dateBytes' }, '1A 0D 1D 17 3B 05')).toBeNaN();
  });

  it('fields of bits', () => {
    expect(decode({ type: 'uint16', field: [4, 7] }, 'ABCD')).toBe(0xc);
    expect(decode({ type: 'uint32', field: [0, 31] }, 'FFFF FFFF')).toBe(0xffff_ffff);
    expect(decode({ type: 'uint32', field: [28, 31], order: 'CDAB' }, '0000 A000')).toBe(0xa);
    expect(messageOf({ field: '7-4' })).toBe('must be 0 to 15, the lower one first');
    expect(messageOf({ field: '8-16' })).toBe('must be 0 to 15, the lower one first');
    expect(messageOf({ type: 'int16', field: '0-3' })).toBe('a field is taken out of an unsigned value; int16 is none');
  });
});

describe('a scale factor', () => {
  it('is read together with its value, on either side of it', () => {
    const behind = point({ type: 'int16', scaleFactor: { address: 104 } });
    expect(behind).toMatchObject({ address: 100, count: 5 });
    expect(behind.decode(hex('00EA 0000 0000 0000 FFFF'), 0)).toBe(23.4);
    const before = point({ scaleFactor: { reference: 40099 }, notAvailable: 'sunspec' });
    expect(before).toMatchObject({ address: 98, count: 3 });
    expect(before.decode(hex('0002 0000 0007'), 0)).toBe(700);
    expect(before.decode(hex('0002 0000 FFFF'), 0)).toBeNaN();
    expect(before.decode(hex('8000 0000 0007'), 0)).toBeNaN();
    // Within a longer reply.
    expect(before.decode(hex('1111 2222 FFFE 0000 0007'), 2)).toBe(0.07);
  });

  it('that cannot be read together is refused', () => {
    expect(messageOf({ scaleFactor: { address: 300 } })).toMatch(/^takes 201 registers, more than maxRegisters/);
    expect(messageOf({ scaleFactor: {} })).toBe('give its address or its reference');
    expect(messageOf({ type: 'dateBytes', scaleFactor: { address: 101 } })).toBe('a dateBytes is not scaled');
  });
});

describe('a counter', () => {
  it('gives its rise a second, across its end, and nothing where it was set back', () => {
    const counter = new Counter(65_536, 0.1);
    expect(counter.next(100, 1000)).toBeNaN();
    expect(counter.next(150, 2000)).toBe(5);
    expect(counter.next(65_500, 12_000)).toBe(653.5);
    expect(counter.next(14, 13_000)).toBe(5);
    expect(counter.next(3, 14_000)).toBeNaN();
    expect(counter.next(Number.NaN, 15_000)).toBeNaN();
    expect(counter.next(10, 16_000)).toBeNaN();
    expect(counter.next(20, 16_000)).toBeNaN();
    expect(counter.next(20, 17_000)).toBe(0);
  });

  it('is unsigned', () => {
    expect(messageOf({ type: 'int32', counter: 'perSecond' })).toBe('a counter is unsigned; int32 is not');
    expect(point({ type: 'uint32', counter: 'perSecond', scale: 0.01 }).counter?.next(5, 1)).toBeNaN();
    expect(point({ type: 'uint32', counter: 'perSecond', scale: 0.01 }).decode(hex('0000 0064'), 0)).toBe(100);
  });
});
