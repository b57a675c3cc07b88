export const tables = ['coil', 'discreteInput', 'inputRegister', 'holdingRegister'] as const;
export type Table = (typeof tables)[number];

/** Function codes that read; no other ever leaves the process. */
export const readFunctionCodes: Record<Table, number> = { coil: 1, discreteInput: 2, holdingRegister: 3, inputRegister: 4 };

export const isBitTable = (table: Table): boolean => table === 'coil' || table === 'discreteInput';
/** Most registers and bits in one read (Modbus application protocol 1.1b3, 6.1 to 6.4). */
export const largestRead = { registers: 125, bits: 2000 } as const;
