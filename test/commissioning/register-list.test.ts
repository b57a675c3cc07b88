import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ListOptions, readRegisterList } from '../../src/commissioning/register-list.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

function listed(text: string, options: Partial<ListOptions> = {}) {
  const file = join(temporaryDirectory(), 'list.csv');
  writeFileSync(file, text);
  return readRegisterList(file, { prefix: 'm', table: 'holdingRegister', base: 0, ...options });
}

describe("a vendor's register list", () => {
  it('has its columns recognised, however they are called, separated and written', () => {
    const { tags, columns, problems } = listed(
      'Signal name;Reg. Addr;Area;Data Type;Unit;Factor;Word order\nOil temp (°C);0x0064;Input;S16;°C;0,1;\n"Power; total";102;4x;U32;kW;/10;cdab\nRuns;5;Coil;BOOL;;;\nSpeed;40111;;REAL;rpm;;',
    );
    expect(problems).toEqual([]);
    expect(columns).toMatchObject({ 'Reg. Addr': 'address', 'Data Type': 'type', Factor: 'scale', 'Word order': 'order' });
    expect(tags).toEqual([
      { tag: 'm/oil-temp-c', table: 'inputRegister', address: 100, type: 'int16', scale: 0.1, engineeringUnit: '°C' },
      { tag: 'm/power-total', table: 'holdingRegister', address: 102, type: 'uint32', order: 'CDAB', scale: 0.1, engineeringUnit: 'kW' },
      { tag: 'm/runs', table: 'coil', address: 5 },
      { tag: 'm/speed', reference: 40111, type: 'float32', engineeringUnit: 'rpm' },
    ]);
  });

  it('knows suffixes of types, counts from where the list does, tells twins apart, and leaves out what is for writing', () => {
    const list = listed('name,address,type,function\nA,1,uint32s,3\nA,3,int16nan,4\nSet,9,uint16,writesingle', { base: 1 });
    expect(list.tags).toEqual([
      { tag: 'm/a', table: 'holdingRegister', address: 0, type: 'uint32', order: 'CDAB' },
      { tag: 'm/a-2', table: 'inputRegister', address: 2, type: 'int16', notAvailable: 'sunspec' },
    ]);
    expect(list.writeOnly).toBe(1);
  });

  it('says what is wrong with each line, and takes the others', () => {
    const { tags, problems } = listed(
      '# meter\nname,address,type,scale\nA,x,uint16,\nB,2,blob,\nC,3,,\n,4,uint16,\nD,5,uint16,much\nE,70000,uint16,\nF,0,uint16,1',
      { base: 1 },
    );
    expect(tags).toEqual([]);
    expect(problems.map(({ line, message }) => `${line} ${message}`)).toEqual([
      '3 "x" is not an address',
      '4 "blob" is not a type Fettle knows',
      '5 says nothing of its type',
      '6 has no name',
      '7 "much" is not a factor',
      expect.stringMatching(/^8 /),
      '9 address 0 is before the first, which is 1',
    ]);
    expect(() => listed('a,b\n1,2')).toThrow('no column for the address among a, b');
    expect(() => readRegisterList('/nowhere.csv', { prefix: 'm', table: 'holdingRegister', base: 0 })).toThrow('nowhere.csv');
  });
});
