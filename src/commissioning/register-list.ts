import { readFileSync } from 'node:fs';
import { errorText, FettleError } from '../core/errors.ts';
import { CsvDialect } from '../learning/csv-dialect.ts';
import { modbusTagSchema } from '../sources/modbus/tag-config.ts';
import { type ValueType, valueTypes, type WordOrder, wordOrders } from '../sources/modbus/value-type.ts';

/** A tag as it would stand in fettle.yaml. */
export type ListedTag = Readonly<Record<string, string | number>> & { readonly tag: string };

export interface RegisterList {
  readonly tags: readonly ListedTag[];
  /** What each column was taken for. */
  readonly columns: Readonly<Record<string, string>>;
  readonly problems: readonly { readonly line: number; readonly message: string }[];
  /** Rows for writing, which nothing here does. */
  readonly writeOnly: number;
}

export interface ListOptions {
  /** Before the names: `hall/meter1`. */
  readonly prefix: string;
  /** Table of rows that name none. */
  readonly table: 'holdingRegister' | 'inputRegister';
  /** What the list calls the first address: many count from 1. */
  readonly base: 0 | 1;
}

type Field = 'tag' | 'address' | 'table' | 'type' | 'order' | 'unit' | 'scale' | 'description';

/** Names people give their columns, without blanks and signs. The first that fits wins. */
const headers: Readonly<Record<Field, RegExp>> = {
  tag: /^((tag|signal|parameter|point|variable|register)?name|tag|signal|parameter|point|variable|quantity|bezeichnung)$/,
  address: /^(address|addr|register|registeraddress|regaddr|offset|reference|modbusaddress|adresse|addressdec|dec)$/,
  table: /^(table|registertype|regtype|area|function|functioncode|fc|objecttype|access)$/,
  type: /^(type|datatype|dataformat|format|decode|encoding|datentyp)$/,
  order: /^(order|wordorder|byteorder|endian|endianness)$/,
  unit: /^(unit|units|engineeringunit|uom|einheit)$/,
  scale: /^(scale|factor|scalefactor|gain|multiplier|scaling|faktor)$/,
  description: /^(description|comment|remark|text|beschreibung)$/,
};

/** A vendor's register list (CSV) → tags, and what is wrong with its lines. Throws FETTLE_CSV_INVALID where it cannot be a register list at all. */
export function readRegisterList(file: string, options: ListOptions): RegisterList {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new FettleError('FETTLE_CSV_INVALID', `${file}: ${errorText(error)}`);
  }
  return parseRegisterList(text, file, options);
}

/** The same of a text, as somebody has pasted it; `file` is how it is called in problems. */
export function parseRegisterList(content: string, file: string, options: ListOptions): RegisterList {
  const lines = content.replace(/^\uFEFF/, '').split(/\r?\n/);
  const first = lines.findIndex((line) => line.trim() !== '' && !line.startsWith('#'));
  const dialect = CsvDialect.of(lines[first] ?? '');
  const names = dialect.cells(lines[first] ?? '');
  const columns = columnsOf(names);
  if (columns.address === undefined || (columns.tag ?? columns.description) === undefined)
    throw new FettleError(
      'FETTLE_CSV_INVALID',
      `${file}:${first + 1}: no column for ${columns.address === undefined ? 'the address' : 'the name'} among ${names.join(', ')}`,
      {
        hint: 'name the columns tag, address, table, type, unit, scale, order; only the first two are needed',
      },
    );
  const tags: ListedTag[] = [];
  const problems: { line: number; message: string }[] = [];
  const taken = new Map<string, number>();
  let writeOnly = 0;
  for (let i = first + 1; i < lines.length; i++) {
    const text = lines[i] as string;
    if (text.trim() === '' || text.startsWith('#')) continue;
    const cells = dialect.cells(text);
    const cell = (field: Field): string => cells[columns[field] ?? -1] ?? '';
    if (/^write/.test(cell('table')) && !/hold/.test(cell('table'))) {
      writeOnly++;
      continue;
    }
    const tag = tagOf(cell, options);
    if (typeof tag === 'string') {
      problems.push({ line: i + 1, message: tag });
      continue;
    }
    const checked = modbusTagSchema.safeParse(tag);
    if (checked.error !== undefined) {
      problems.push({ line: i + 1, message: checked.error.issues[0]?.message ?? 'cannot be read' });
      continue;
    }
    const times = (taken.get(tag.tag) ?? 0) + 1;
    taken.set(tag.tag, times);
    tags.push(times === 1 ? tag : { ...tag, tag: `${tag.tag}-${times}` });
  }
  const found = Object.entries(columns).map(([field, column]) => [names[column], field] as const);
  return { tags, columns: Object.fromEntries(found), problems, writeOnly };
}

function columnsOf(names: readonly string[]): Partial<Record<Field, number>> {
  const plain = names.map((name) => name.toLowerCase().replaceAll(/[^\p{L}]/gu, ''));
  const columns: Partial<Record<Field, number>> = {};
  for (const [field, pattern] of Object.entries(headers) as [Field, RegExp][]) {
    const column = plain.findIndex((name) => pattern.test(name));
    if (column >= 0) columns[field] = column;
  }
  return columns;
}

/** A string is what is wrong. */
function tagOf(cell: (field: Field) => string, { prefix, table, base }: ListOptions): ListedTag | string {
  const name = (cell('tag') || cell('description')).trim();
  if (name === '') return 'has no name';
  const level = name
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}/._-]+/gu, '-')
    .replaceAll(/^[-/]+|[-/]+$/g, '');
  const address = numberOf(cell('address'));
  if (address === undefined) return `"${cell('address')}" is not an address`;
  const zeroBased = address - base;
  if (zeroBased < 0) return `address ${address} is before the first, which is ${base}`;
  const coded = typeIn(cell('type'));
  if (coded === undefined) return cell('type') === '' ? 'says nothing of its type' : `"${cell('type')}" is not a type Fettle knows`;
  const given = tableIn(cell('table'));
  // 40001 and the like are references where nobody says which table is meant; a table with such an address may really have it.
  const isReference = given === undefined && /^[134]\d{4,5}$/.test(cell('address').trim());
  const scale = scaleIn(cell('scale'));
  if (scale === null) return `"${cell('scale')}" is not a factor`;
  const order = wordOrders.find((one) => one === cell('order').toUpperCase()) ?? coded.order;
  const isBit = given === 'coil' || given === 'discreteInput';
  return {
    tag: prefix === '' ? level : `${prefix}/${level}`,
    ...(isReference ? { reference: address } : { table: given ?? table, address: zeroBased }),
    ...(!isBit && { type: coded.type }),
    ...(order !== undefined && coded.type.endsWith('16') === false && { order }),
    ...(coded.notAvailable && { notAvailable: 'sunspec' }),
    ...(scale !== undefined && scale !== 1 && { scale }),
    ...(cell('unit') !== '' && { engineeringUnit: cell('unit') }),
  };
}

function numberOf(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^0x[0-9a-f]+$/i.test(trimmed)) return Number.parseInt(trimmed, 16);
  if (/^[0-9a-f]+h$/i.test(trimmed)) return Number.parseInt(trimmed, 16);
  return /^\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}

function tableIn(text: string): 'coil' | 'discreteInput' | 'inputRegister' | 'holdingRegister' | undefined {
  const plain = text.toLowerCase();
  if (/hold|^0?3$|^4x/.test(plain)) return 'holdingRegister';
  if (/discrete|^0?2$|^1x/.test(plain)) return 'discreteInput';
  if (/coil|^0?1$|^0x$/.test(plain)) return 'coil';
  if (/input|^0?4$|^3x/.test(plain)) return 'inputRegister';
  return undefined;
}

interface Coded {
  readonly type: ValueType;
  readonly order: WordOrder | undefined;
  readonly notAvailable: boolean;
}

/** Names of types as lists have them: `U32`, `INT32S` (words swapped), `uint16nan` (a value says "not available"), `REAL`, `DINT`. */
function typeIn(text: string): Coded | undefined {
  const plain = text.toLowerCase().replaceAll(/[\s_-]/g, '');
  const known = valueTypes.find((type) => type.toLowerCase() === plain);
  if (known !== undefined) return { type: known, order: undefined, notAvailable: false };
  const suffixed = /^(.*?)(s?)(nan)?(s?)$/.exec(plain);
  const swapped = suffixed?.[2] === 's' || suffixed?.[4] === 's';
  const notAvailable = suffixed?.[3] === 'nan';
  const type = aliases[suffixed?.[1] ?? ''];
  return type && { type, order: swapped ? 'CDAB' : undefined, notAvailable };
}

const aliases: Readonly<Record<string, ValueType>> = {
  ...Object.fromEntries(valueTypes.map((type) => [type.toLowerCase(), type])),
  u16: 'uint16',
  s16: 'int16',
  i16: 'int16',
  word: 'uint16',
  int: 'int16',
  uint: 'uint16',
  short: 'int16',
  u32: 'uint32',
  s32: 'int32',
  i32: 'int32',
  dword: 'uint32',
  dint: 'int32',
  udint: 'uint32',
  long: 'int32',
  ulong: 'uint32',
  u64: 'uint64',
  s64: 'int64',
  i64: 'int64',
  float: 'float32',
  real: 'float32',
  single: 'float32',
  f32: 'float32',
  double: 'float64',
  lreal: 'float64',
  f64: 'float64',
  boolean: 'bool',
};

/** `0.1`, `x0.1`, `/10`, `0,1`; undefined where there is none, null where it is none. */
function scaleIn(text: string): number | undefined | null {
  const plain = text
    .trim()
    .replace(',', '.')
    .replace(/^[x*×]\s*/i, '');
  if (plain === '' || plain === '-') return undefined;
  const divided = /^(?:1\s*)?\/\s*(\d+(?:\.\d+)?)$/.exec(plain);
  const value = divided ? 1 / Number(divided[1]) : Number(plain);
  return Number.isFinite(value) && value !== 0 ? value : null;
}
