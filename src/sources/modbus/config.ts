import { z } from 'zod';
import { durationMs, pathName, url } from '../../core/fields.ts';
import { type DataType, dataTypes, registersOf, wordOrders } from './data-type.ts';
import { describeAddress, parseReference } from './reference.ts';
import { isBitTable, largestRead, type Table, tables } from './table.ts';

const tagSchema = z
  .strictObject({
    tag: pathName().describe('Name of the tag.'),
    table: z.enum(tables).optional().describe('Table, with a zero-based address.'),
    address: z.int().min(0).max(65_535).optional().describe('Zero-based protocol address of the first register or bit.'),
    reference: z.int().optional().describe('Data-sheet notation instead: 40001 is holding register 0, 30001 input register 0; 6 digits too.'),
    type: z.enum(dataTypes).optional().describe('How the value is coded; bool on bit tables, uint16 on registers when absent.'),
    order: z.enum(wordOrders).optional().describe('Order of the bytes of values of 32 and 64 bits; ABCD is big-endian.'),
    bit: z.int().min(0).max(15).optional().describe('type bool on a register: which bit, 0 the lowest.'),
    length: z.int().min(1).max(250).optional().describe('type string: characters, two a register.'),
    scale: z.number().default(1).describe('Engineering value = raw × scale + offset.'),
    offset: z.number().default(0).describe('See scale.'),
    notAvailable: z
      .union([z.literal('sunspec'), z.number(), z.array(z.number())])
      .optional()
      .describe('Raw values by which the device says that it has none; sunspec: the sentinel of the type.'),
    engineeringUnit: z.string().optional().describe('Unit of the scaled value.'),
    unit: z.int().min(0).max(255).optional().describe('Modbus unit id, where it is not that of the source.'),
    poll: durationMs().optional().describe('Poll period, where it is not that of the source.'),
  })
  .superRefine((tag, context) => {
    const issue = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    if (tag.reference !== undefined && (tag.table ?? tag.address) !== undefined) issue('reference', 'stands instead of table and address, not beside them');
    if (tag.reference === undefined && (tag.table === undefined || tag.address === undefined)) issue(tag.table === undefined ? 'table' : 'address', 'is missing: table and address, or reference');
    const found = addressOf(tag);
    if (found === undefined) {
      if (tag.reference !== undefined) issue('reference', `${tag.reference} is no reference: 40001 to 49999 for holding registers 0 to 9998, likewise 00001, 10001, 30001, and 6 digits`);
      return;
    }
    const bits = isBitTable(found.table);
    const type = tag.type ?? (bits || tag.bit !== undefined ? 'bool' : 'uint16');
    if (bits && type !== 'bool') issue('type', `a ${found.table} is one bit: bool, not ${type}`);
    if (!bits && type === 'bool' && tag.bit === undefined) issue('bit', 'says which bit of the register a bool is');
    if (tag.bit !== undefined && (bits || type !== 'bool')) issue('bit', 'goes with type bool on a register');
    if ((type === 'string') !== (tag.length !== undefined)) issue('length', type === 'string' ? 'says how many characters the string has' : 'goes with type string');
    if (tag.order !== undefined && type !== 'string' && registersOf(type, tag.length) < 2) issue('order', `${type} is one register: there is nothing to order`);
    const size = bits ? 1 : registersOf(type, tag.length);
    if (found.address + size > 65_536) issue(tag.reference === undefined ? 'address' : 'reference', `${describeAddress(found.table, found.address)} leaves no room for ${size} registers: 65535 is the last`);
  });

export const modbusSourceSchema = z
  .strictObject({
    id: z.string().min(1).describe('Name of the source in status, logs and errors.'),
    type: z.literal('modbus'),
    url: url('tcp').describe('Device: tcp://10.0.0.21:502.'),
    unit: z.int().min(0).max(255).default(1).describe('Modbus unit id.'),
    poll: durationMs().prefault('1s').describe('Poll period; cycles lie at its multiples.'),
    timeout: durationMs().prefault('1s').describe('How long to wait for an answer.'),
    maxRegisters: z.int().min(1).max(largestRead.registers).default(largestRead.registers).describe('Registers the device allows in one read.'),
    maxBits: z.int().min(1).max(largestRead.bits).default(largestRead.bits).describe('Bits the device allows in one read.'),
    bridgeRegisters: z.int().min(0).max(largestRead.registers).default(8).describe('Unused registers worth reading to save a request; 0: read tag by tag.'),
    inFlight: z.int().min(1).max(16).default(1).describe('Requests under way at once on the connection; many devices allow one.'),
    tags: z.array(tagSchema).min(1).describe('Points to read.'),
  })
  .superRefine(({ tags, maxRegisters }, context) => {
    const seen = new Set<string>();
    tags.forEach((tag, i) => {
      if (seen.has(tag.tag)) context.addIssue({ code: 'custom', path: ['tags', i, 'tag'], message: `"${tag.tag}" is listed twice` });
      seen.add(tag.tag);
      const size = tag.type === undefined ? 1 : registersOf(tag.type, tag.length);
      if (size > maxRegisters) context.addIssue({ code: 'custom', path: ['tags', i, 'type'], message: `needs ${size} registers in one read, maxRegisters is ${maxRegisters}` });
    });
  });

export type ModbusSourceConfig = z.output<typeof modbusSourceSchema>;
export type ModbusTagConfig = ModbusSourceConfig['tags'][number];

/** Table and zero-based address of a tag, from either notation. */
export function addressOf(tag: Pick<ModbusTagConfig, 'table' | 'address' | 'reference'>): { table: Table; address: number } | undefined {
  if (tag.reference !== undefined) return parseReference(tag.reference);
  return tag.table !== undefined && tag.address !== undefined ? { table: tag.table, address: tag.address } : undefined;
}

export function typeOf(tag: ModbusTagConfig, table: Table): DataType {
  return tag.type ?? (isBitTable(table) || tag.bit !== undefined ? 'bool' : 'uint16');
}
