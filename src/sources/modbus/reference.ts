import type { Table } from './table.ts';

/**
 * Data-sheet notation → table and zero-based address. The first digit is the table (0 coil, 1 discrete input, 3 input register, 4 holding register), the rest a
 * one-based number of 4 digits (40001 to 49999) or 5 (400001 to 465536). Undefined when it is neither.
 */
export function parseReference(reference: number): { table: Table; address: number } | undefined {
  const text = String(reference).padStart(5, '0');
  if (!/^[0134]\d{4,5}$/.test(text)) return undefined;
  const number = Number(text.slice(1));
  if (number < 1 || number > 65_536) return undefined;
  return { table: tableOfDigit[text[0] as '0' | '1' | '3' | '4'], address: number - 1 };
}

const tableOfDigit: Record<'0' | '1' | '3' | '4', Table> = { 0: 'coil', 1: 'discreteInput', 3: 'inputRegister', 4: 'holdingRegister' };
const digitOfTable = { coil: 0, discreteInput: 1, inputRegister: 3, holdingRegister: 4 } as const;

/** "holding register 100 (= 40101)": both notations, since off by one is the field's commonest mistake. */
export function describeAddress(table: Table, address: number): string {
  const number = address + 1;
  const reference = `${digitOfTable[table]}${String(number).padStart(number > 9999 ? 5 : 4, '0')}`;
  return `${tableWords[table]} ${address} (= ${reference})`;
}

export const tableWords: Record<Table, string> = {
  coil: 'coil',
  discreteInput: 'discrete input',
  inputRegister: 'input register',
  holdingRegister: 'holding register',
};
