import { z } from 'zod';
import { durationMs, pathName } from '../../core/fields.ts';
import { formatPlace, type Place, parseReference } from './reference.ts';
import { addressSpace, isBitTable, modbusTables } from './table.ts';
import { asRaw, hasOrder, isDate, isInteger, registersOf, type ValueType, valueTypes, wordOrders } from './value-type.ts';

const fields = z.strictObject({
  tag: pathName().describe('Name of the tag.'),
  table: z.enum(modbusTables).optional().describe('Table the value stands in; together with address.'),
  address: z
    .int()
    .min(0)
    .max(addressSpace - 1)
    .optional()
    .describe('Zero-based protocol address: holding register 0 is what data sheets call 40001.'),
  reference: z
    .union([z.int().positive(), z.string().regex(/^\d{5,6}$/, 'must have five or six digits')])
    .optional()
    .describe('Data-sheet notation instead of table and address: 40001 or 400001 is holding register 0, 30001 input register 0.'),
  type: z
    .enum(valueTypes)
    .optional()
    .describe(
      'Type of the value; may be left out for a bit. Numbers are kept as float64: int64 and uint64 beyond 2^53 lose their last digits.',
    ),
  bit: z.int().min(0).max(15).optional().describe('Bit of the register, 0 the least significant; for type bool in a register table.'),
  field: z
    .string()
    .regex(/^\d{1,2}-\d{1,2}$/, 'must be first and last bit, like 4-7')
    .optional()
    .describe('Bits of an unsigned value, 0 the least significant: 4-7 gives 0 to 15.'),
  labels: z
    .record(z.string().regex(/^\d+$/, 'must be a value'), z.string())
    .optional()
    .describe('What the values of an enumeration mean, shown with them: { 0: off, 1: running }.'),
  scaleFactor: z
    .strictObject({
      address: z
        .int()
        .min(0)
        .max(addressSpace - 1)
        .optional(),
      reference: z.union([z.int().positive(), z.string().regex(/^\d{5,6}$/)]).optional(),
    })
    .optional()
    .describe(
      'Register (int16) of the same table with the power of ten the value is multiplied with, as SunSpec has it; read together with it.',
    ),
  counter: z
    .enum(['perSecond'])
    .optional()
    .describe(
      'The value counts up and begins anew at its end: perSecond gives by how much it rose, a second, across the end too; none for the first read and when it fell otherwise.',
    ),
  length: z.int().min(1).max(250).optional().describe('Characters of a string, two a register.'),
  order: z
    .enum(wordOrders)
    .optional()
    .describe('Order of bytes of 32- and 64-bit values, ABCD when absent; of a string, ABCD or BADC (second character first).'),
  scale: z.number().optional().describe('Engineering value = raw × scale + offset. 1 when absent.'),
  offset: z.number().optional().describe('Added after scaling. 0 when absent.'),
  notAvailable: z
    .union([z.literal('sunspec'), z.number(), z.array(z.number()).min(1)])
    .optional()
    .describe('Raw values by which the device says it has none: a number, a list, or sunspec (0x8000 of an int16 and so on).'),
  engineeringUnit: z.string().optional().describe('Unit shown with the value: °C, A, bar.'),
  unit: z.int().min(0).max(255).optional().describe('Unit id, where it is not the one of the source.'),
  poll: durationMs().optional().describe('Poll period, where it is not the one of the source.'),
});

export type ModbusTagConfig = z.output<typeof fields>;

/** Where a checked tag stands. */
export function placeOf(tag: ModbusTagConfig): Place {
  const place = tag.reference === undefined ? { table: tag.table, address: tag.address } : parseReference(tag.reference);
  if (typeof place === 'string' || place.table === undefined || place.address === undefined)
    throw new Error(`the tag ${tag.tag} was not checked`);
  return { table: place.table, address: place.address };
}

/** Type of a checked tag: what is one bit needs no word for it. */
export const typeOf = (tag: ModbusTagConfig): ValueType => tag.type ?? 'bool';

/** Bits or registers a value takes in its table. */
const widthOf = (tag: ModbusTagConfig): number => registersOf(typeOf(tag), tag.length);

/** Registers that have to be read together: the value, and its scale factor where it has one. */
export function extentOf(tag: ModbusTagConfig): Place & { readonly count: number } {
  const { table, address } = placeOf(tag);
  const scale = scaleAddressOf(tag);
  const from = Math.min(address, scale ?? address);
  const end = Math.max(address + widthOf(tag), (scale ?? 0) + 1);
  return { table, address: from, count: scale === undefined ? widthOf(tag) : end - from };
}

/** How many those are; of a tag whose place is not right, how many its value takes. */
export const countOf = (tag: ModbusTagConfig): number =>
  tag.scaleFactor === undefined || checkPlace(tag, () => {}) === undefined ? widthOf(tag) : extentOf(tag).count;

/** Where the scale factor of a checked tag stands. */
export function scaleAddressOf({ scaleFactor }: Pick<ModbusTagConfig, 'scaleFactor'>): number | undefined {
  if (scaleFactor?.reference === undefined) return scaleFactor?.address;
  const place = parseReference(scaleFactor.reference);
  return typeof place === 'string' ? undefined : place.address;
}

/** First and last bit of `field`. */
export const fieldOf = ({ field }: Pick<ModbusTagConfig, 'field'>): readonly [number, number] | undefined =>
  field === undefined ? undefined : (field.split('-').map(Number) as [number, number]);

export const modbusTagSchema = fields.superRefine((tag, context) => {
  const complain = (key: keyof ModbusTagConfig, message: string) => context.addIssue({ code: 'custom', path: [key], message });

  if (tag.poll !== undefined && tag.poll < 1) complain('poll', 'must be at least 1ms');
  checkValue(tag, complain);
  const place = checkPlace(tag, complain);
  if (place === undefined) return;
  checkTable(tag, place, complain);
});

type Complain = (key: keyof ModbusTagConfig, message: string) => void;

function checkPlace(tag: ModbusTagConfig, complain: Complain): Place | undefined {
  if (tag.reference !== undefined) {
    const place = parseReference(tag.reference);
    if (typeof place === 'string') {
      complain('reference', place);
      return undefined;
    }
    for (const key of ['table', 'address'] as const)
      if (tag[key] !== undefined)
        complain(key, `reference ${tag.reference} already says ${formatPlace(place.table, place.address)}; give one of the two`);
    return place;
  }
  if (tag.table === undefined && tag.address === undefined)
    complain('tag', 'give table and address (zero-based), or reference: holding register 0 = 40001');
  else if (tag.table === undefined) complain('address', `give the table too: ${modbusTables.join(', ')}`);
  else if (tag.address === undefined) complain('table', `give the address too: ${formatPlace(tag.table, 0)}`);
  return tag.table !== undefined && tag.address !== undefined ? { table: tag.table, address: tag.address } : undefined;
}

function checkTable(tag: ModbusTagConfig, { table, address }: Place, complain: Complain): void {
  if (isBitTable(table)) {
    if (typeOf(tag) !== 'bool') complain('type', `${formatPlace(table, address)} is one bit; its type is bool`);
    if (tag.bit !== undefined) complain('bit', `${formatPlace(table, address)} is one bit; bit picks one out of a register`);
    return;
  }
  if (tag.type === undefined && tag.bit === undefined)
    complain('tag', `say how ${formatPlace(table, address)} is coded: type: ${valueTypes.join(', ')}`);
  if (tag.type === 'bool' && tag.bit === undefined) complain('type', `say which bit of ${formatPlace(table, address)}: bit: 0 to 15`);
  const count = widthOf(tag);
  if (address + count > addressSpace)
    complain(
      tag.reference === undefined ? 'address' : 'reference',
      `${count} registers from ${formatPlace(table, address)} go beyond the last, ${formatPlace(table, addressSpace - 1)}`,
    );
}

/** What type alone decides. */
function checkValue(tag: ModbusTagConfig, complain: Complain): void {
  const type = typeOf(tag);
  if (type === 'string' && tag.length === undefined) complain('type', 'a string needs its length in characters');
  if (type !== 'string' && tag.length !== undefined) complain('length', `${type} has a fixed length; only a string has this key`);
  if (type !== 'bool' && tag.bit !== undefined) complain('bit', `bit picks one bit out of a register: its type is bool, not ${type}`);
  if (type === 'string') {
    if (tag.order === 'CDAB' || tag.order === 'DCBA')
      complain('order', 'a string is ABCD (first character first) or BADC (second character first)');
  } else if (tag.order !== undefined && !hasOrder(type)) {
    complain('order', `${type} has no order of words; only 32-, 48- and 64-bit values and strings have`);
  }
  if (type === 'bool' || type === 'string' || isDate(type))
    for (const key of ['scale', 'offset', 'scaleFactor'] as const) if (tag[key] !== undefined) complain(key, `a ${type} is not scaled`);
  checkField(tag, complain);
  const scale = tag.scaleFactor;
  if (scale !== undefined) {
    if ((scale.address === undefined) === (scale.reference === undefined)) complain('scaleFactor', 'give its address or its reference');
    const place = scale.reference === undefined ? undefined : parseReference(scale.reference);
    if (typeof place === 'string') complain('scaleFactor', place);
  }
  if (tag.counter !== undefined && !type.startsWith('u') && !type.startsWith('bcd'))
    complain('counter', `a counter is unsigned; ${type} is not`);
  if (tag.scale === 0) complain('scale', 'a scale of 0 would make every value 0');
  checkNotAvailable(tag, complain);
}

function checkField(tag: ModbusTagConfig, complain: Complain): void {
  const field = fieldOf(tag);
  const type = typeOf(tag);
  if (field === undefined) return;
  const [from, to] = field;
  if (!type.startsWith('uint')) complain('field', `a field is taken out of an unsigned value; ${type} is none`);
  else if (from > to || to >= registersOf(type) * 16) complain('field', `must be 0 to ${registersOf(type) * 16 - 1}, the lower one first`);
}

function checkNotAvailable(tag: ModbusTagConfig, complain: Complain): void {
  const { notAvailable } = tag;
  const type = typeOf(tag);
  if (notAvailable === undefined) return;
  if (type === 'bool') complain('notAvailable', 'both values of a bool mean something');
  if (notAvailable === 'sunspec') return;
  if (type === 'string') complain('notAvailable', 'for a string write sunspec: an empty one is not available');
  if (!isInteger(type)) return;
  for (const value of [notAvailable].flat())
    if (asRaw(type, value) === undefined) complain('notAvailable', `${value} is not a raw value of ${type}`);
}
