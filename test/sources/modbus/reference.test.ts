import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPlace, formatReference, parseReference } from '../../../src/sources/modbus/reference.ts';
import { modbusTables } from '../../../src/sources/modbus/table.ts';

describe('references', () => {
  it.each([
    [40001, 'holdingRegister', 0],
    [40111, 'holdingRegister', 110],
    [49999, 'holdingRegister', 9998],
    [400001, 'holdingRegister', 0],
    [465536, 'holdingRegister', 65_535],
    [30001, 'inputRegister', 0],
    [10001, 'discreteInput', 0],
    [1, 'coil', 0],
    ['00001', 'coil', 0],
    ['000001', 'coil', 0],
    ['010001', 'coil', 10_000],
    ['110001', 'discreteInput', 10_000],
  ] as const)('%s is %s %i', (reference, table, address) => {
    expect(parseReference(reference)).toEqual({ table, address });
  });

  it.each([
    [40000, 'holding register 0 = 40001'],
    [20001, 'begins with 2'],
    [50001, 'holding register 0 = 40001'],
    [465537, 'holding register 65535 = 465536'],
    [4001000, 'five or six digits'],
    ['401', 'five or six digits'],
  ])('%s is refused: %s', (reference, words) => {
    expect(parseReference(reference)).toContain(words);
  });

  it('come back from every address of every table', () => {
    fc.assert(
      fc.property(fc.constantFrom(...modbusTables), fc.nat(65_535), (table, address) => {
        expect(parseReference(formatReference(table, address))).toEqual({ table, address });
      }),
    );
  });

  it('stand beside the address in texts', () => {
    expect(formatPlace('holdingRegister', 0)).toBe('holding register 0 = 40001');
    expect(formatPlace('inputRegister', 9998, 2)).toBe('input registers 9998-9999 = 39999-310000');
    expect(formatPlace('coil', 19)).toBe('coil 19 = 00020');
  });
});
