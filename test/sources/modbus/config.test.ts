import { describe, expect, it } from 'vitest';
import { modbusSource } from '../../../src/sources/modbus/index.ts';

const source = (rest: object, ...tags: object[]) => ({ id: 'press-plc', type: 'modbus', url: 'tcp://10.0.0.21:502', tags, ...rest });
const tag = (rest: object) => ({ tag: 'line1/press/current', table: 'holdingRegister', address: 100, type: 'float32', ...rest });

/** "path: message" of every issue. */
function problems(config: object): string[] {
  const result = modbusSource.schema.safeParse(config);
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('the configuration', () => {
  it('takes the example of the documentation', () => {
    const config = modbusSource.schema.parse(
      source(
        { unit: 1, poll: '250ms', timeout: '1s', maxRegisters: 125, bridgeRegisters: 8 },
        tag({ order: 'CDAB', engineeringUnit: 'A' }),
        { tag: 'line1/press/oil-temp', reference: 40111, type: 'int16', scale: 0.1, offset: 0, engineeringUnit: '°C', poll: '1s' },
        { tag: 'line1/press/guard', table: 'coil', address: 3 },
      ),
    );
    expect(modbusSource.tagsOf(config)).toEqual(['line1/press/current', 'line1/press/oil-temp', 'line1/press/guard']);
    expect(modbusSource.pollMsOf(config, 'line1/press/current')).toBe(250);
    expect(modbusSource.pollMsOf(config, 'line1/press/oil-temp')).toBe(1000);
    expect(modbusSource.produces(config, 'line1/press/guard')).toBe(true);
    expect(modbusSource.produces(config, 'line1/press/other')).toBe(false);
    expect(config).toMatchObject({ inFlight: 1, maxBits: 2000 });
  });

  const { address: _, table: __, ...placeless } = tag({});
  it.each<[string, object, RegExp]>([
    [
      'a reference beside an address',
      tag({ reference: 40101 }),
      /^tags\.0\.table: reference 40101 already says holding register 100 = 40101/,
    ],
    ['no place at all', placeless, /^tags\.0\.tag: give table and address/],
    ['a table without address', { ...placeless, table: 'coil' }, /^tags\.0\.table: give the address too: coil 0 = 00001/],
    ['an address without table', { ...placeless, address: 1 }, /^tags\.0\.address: give the table too/],
    ['a reference off by one', { ...placeless, reference: 40000 }, /^tags\.0\.reference: .*holding register 0 = 40001/],
    ['a bit outside a register', tag({ type: 'int16', bit: 3 }), /^tags\.0\.bit: /],
    ['a bool register without bit', tag({ type: 'bool' }), /^tags\.0\.type: .*bit: 0 to 15/],
    ['a bit of a coil', { ...placeless, table: 'coil', address: 1, type: 'bool', bit: 1 }, /^tags\.0\.bit: coil 1 = 00002 is one bit/],
    ['a number in a coil', { ...placeless, table: 'coil', address: 1, type: 'int16' }, /^tags\.0\.type: coil 1 = 00002 is one bit/],
    ['no type', { tag: 'a', table: 'holdingRegister', address: 1 }, /^tags\.0\.tag: say how holding register 1 = 40002 is coded/],
    ['a string without length', tag({ type: 'string' }), /^tags\.0\.type: a string needs its length/],
    ['a length without string', tag({ length: 3 }), /^tags\.0\.length: /],
    ['an order of one register', tag({ type: 'int16', order: 'CDAB' }), /^tags\.0\.order: int16 has no order/],
    ['an order of a bool', tag({ type: 'bool', bit: 1, order: 'CDAB' }), /^tags\.0\.order: bool has no order/],
    ['words of a string reversed', tag({ type: 'string', length: 4, order: 'DCBA' }), /^tags\.0\.order: a string is/],
    ['a scaled bool', tag({ type: 'bool', bit: 1, scale: 2 }), /^tags\.0\.scale: a bool is not scaled/],
    ['a scale of nothing', tag({ scale: 0 }), /^tags\.0\.scale: /],
    ['a value beyond the last register', tag({ address: 65_535 }), /^tags\.0\.address: 2 registers from holding register 65535 = 465536/],
    ['the same by reference', { ...placeless, reference: '465536' }, /^tags\.0\.reference: 2 registers from/],
    [
      'a raw value the type cannot hold',
      tag({ type: 'int16', notAvailable: 70_000 }),
      /^tags\.0\.notAvailable: 70000 is not a raw value of int16/,
    ],
    ['a poll of nothing', tag({ poll: '0ms' }), /^tags\.0\.poll: /],
    ['an address that is none', tag({ address: 65_536 }), /^tags\.0\.address: /],
    ['a key nobody knows', tag({ slave: 1 }), /slave/],
  ])('refuses %s', (_, wrong, message) => {
    expect(problems(source({}, wrong))).toEqual(expect.arrayContaining([expect.stringMatching(message)]));
  });

  it('refuses a tag given twice, and values longer than one read', () => {
    expect(problems(source({}, tag({}), tag({ address: 200 })))).toEqual(['tags.1.tag: "line1/press/current" is already tags[0]']);
    expect(problems(source({ maxRegisters: 3 }, tag({ type: 'float64' })))).toEqual([
      expect.stringMatching(/^tags\.0\.type: takes 4 registers, more than maxRegisters \(3\)/),
    ]);
    expect(problems(source({ maxRegisters: 3 }, tag({ type: 'string', length: 7 })))[0]).toMatch(/^tags\.0\.length: takes 4/);
  });

  it('refuses limits the protocol does not have', () => {
    expect(problems(source({ maxRegisters: 126, maxBits: 2001, inFlight: 17, unit: 256 }, tag({})))).toHaveLength(4);
    expect(problems({ ...source({}, tag({})), url: 'http://10.0.0.21' })[0]).toContain('tcp://host:port');
  });

  it('describes every key', () => {
    for (const [name, field] of Object.entries(modbusSource.schema.shape))
      if (name !== 'type') expect(field.description ?? '', name).not.toBe('');
    for (const [name, field] of Object.entries(modbusSource.schema.shape.tags.element.shape))
      expect(field.description ?? '', name).not.toBe('');
  });
});
