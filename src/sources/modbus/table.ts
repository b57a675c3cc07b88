/** The four tables of the Modbus data model (Application Protocol V1.1b3, 4.3), and how each is read. */
export const modbusTables = ['coil', 'discreteInput', 'inputRegister', 'holdingRegister'] as const;
export type ModbusTable = (typeof modbusTables)[number];

/** Read functions; no other function code ever leaves this process. */
export const readFunction: Readonly<Record<ModbusTable, 1 | 2 | 3 | 4>> = {
  coil: 1,
  discreteInput: 2,
  holdingRegister: 3,
  inputRegister: 4,
};

export const isBitTable = (table: ModbusTable): boolean => table === 'coil' || table === 'discreteInput';

/** Most that one read may ask for (V1.1b3, 6.1 to 6.4). */
export const protocolLimit = { registers: 125, bits: 2000 } as const;

/** Addresses of a table. */
export const addressSpace = 65_536;

/** Data bytes of the reply to a read of `count` registers or bits. */
export const replyBytes = (table: ModbusTable, count: number): number => (isBitTable(table) ? Math.ceil(count / 8) : count * 2);

/** For people: "holding register". */
export const tableText: Readonly<Record<ModbusTable, string>> = {
  coil: 'coil',
  discreteInput: 'discrete input',
  inputRegister: 'input register',
  holdingRegister: 'holding register',
};
