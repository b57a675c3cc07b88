import { addressSpace, type ModbusTable, tableText } from './table.ts';

/** A place in a device: table and zero-based protocol address. */
export interface Place {
  readonly table: ModbusTable;
  readonly address: number;
}

const tableOfDigit: Readonly<Record<string, ModbusTable>> = {
  '0': 'coil',
  '1': 'discreteInput',
  '3': 'inputRegister',
  '4': 'holdingRegister',
};
const digitOf: Readonly<Record<ModbusTable, string>> = { coil: '0', discreteInput: '1', inputRegister: '3', holdingRegister: '4' };
/** Five digits name the first 9999 of a table. */
const fiveDigitEnd = 9999;

/**
 * Data-sheet notation → place: `40001` and `400001` are holding register 0. The first digit is the table, the rest counts
 * from one. A number has no leading zeros to count, so it is read as five digits below 100,000 (`1` is coil 0) and as six
 * above; the six-digit form of coils needs a string, `"000001"`. A string result is what is wrong with it.
 */
export function parseReference(reference: number | string): Place | string {
  const digits = typeof reference === 'number' ? String(reference).padStart(5, '0') : reference;
  if (!/^\d{5,6}$/.test(digits)) return `${reference} is not a reference of five or six digits; ${examples}`;
  const table = tableOfDigit[digits[0] as string];
  if (table === undefined) return `${digits} begins with ${digits[0]}, which is no table; ${examples}`;
  const number = Number(digits.slice(1));
  if (number === 0) return `${digits} is not a reference: references count from 1, ${tableText[table]} 0 = ${formatReference(table, 0)}`;
  if (number > addressSpace) {
    const last = addressSpace - 1;
    return `${digits} is beyond the last address, ${tableText[table]} ${last} = ${formatReference(table, last)}`;
  }
  return { table, address: number - 1 };
}

/** `formatReference('holdingRegister', 0)` → `"40001"`; six digits where five do not reach. */
export const formatReference = (table: ModbusTable, address: number): string =>
  digitOf[table] + String(address + 1).padStart(address < fiveDigitEnd ? 4 : 5, '0');

const examples = (Object.keys(digitOf) as ModbusTable[]).map((table) => `${tableText[table]} 0 = ${formatReference(table, 0)}`).join(', ');

/** Both notations, for errors and status: "holding register 100 = 40101", "holding registers 100-124 = 40101-40125". */
export function formatPlace(table: ModbusTable, address: number, count = 1): string {
  if (count === 1) return `${tableText[table]} ${address} = ${formatReference(table, address)}`;
  const last = address + count - 1;
  return `${tableText[table]}s ${address}-${last} = ${formatReference(table, address)}-${formatReference(table, last)}`;
}
