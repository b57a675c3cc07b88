import type { ReadResult, RegisterRead } from '../commissioning/read-registers.ts';
import type { Reading } from '../commissioning/readings.ts';
import type { ScanResult } from '../commissioning/scan-device.ts';
import type { Paint } from './status-view.ts';

const tableWords = {
  coil: 'coils',
  discreteInput: 'discrete inputs',
  inputRegister: 'input registers',
  holdingRegister: 'holding registers',
} as const;
const digits = { coil: '0', discreteInput: '1', inputRegister: '3', holdingRegister: '4' } as const;
const orders = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const;

/** A line a register: raw, 16 bits, and 32 bits in the four orders; what is likely is marked with *. Ends with a line break. */
export function renderRead({ wish, registers, bits, missing, hints }: ReadResult, paint: Paint): string {
  const title = `unit ${wish.unit}, ${tableWords[wish.table]} ${wish.from === wish.to ? wish.from : `${wish.from}-${wish.to}`}`;
  const reference = (address: number): string => digits[wish.table] + String(address + 1).padStart(address < 9999 ? 4 : 5, '0');
  const lines = [paint('bold', title)];
  if (registers.length > 0) {
    const rows = registers.map((register) => [
      String(register.address),
      reference(register.address),
      `0x${register.raw.toString(16).toUpperCase().padStart(4, '0')}`,
      register.text ?? '',
      cell(register, 'uint16', undefined),
      cell(register, 'int16', undefined),
      ...orders.map((order) => cell(register, 'float32', order)),
      ...(['ABCD', 'CDAB'] as const).map((order) => cell(register, 'int32', order)),
    ]);
    const head = [
      'address',
      'ref.',
      'hex',
      'text',
      'uint16',
      'int16',
      ...orders.map((order) => `float32 ${order}`),
      'int32 ABCD',
      'int32 CDAB',
    ];
    lines.push(...aligned([head, ...rows]).map((line, i) => (i === 0 ? paint('dim', line) : line)));
    lines.push(...sixtyFour(registers));
    lines.push(
      paint(
        'dim',
        '* likely: magnitudes that plants have. int32 also stands for uint32 below 2147483648; --json has every type and order.',
      ),
    );
  }
  if (bits.length > 0) lines.push(...aligned(bits.map(({ address, value }) => [String(address), reference(address), value ? '1' : '0'])));
  for (const { from, to, why } of missing) lines.push(paint('red', `${from === to ? from : `${from}-${to}`} not read: ${why}`));
  for (const hint of hints) lines.push(paint('yellow', `→ ${hint}`));
  return `${lines.join('\n')}\n`;
}

/** 64-bit values are rare: only the likely ones, and not where a half of them is likely alone. */
function sixtyFour(registers: readonly RegisterRead[]): string[] {
  return registers.flatMap(({ address, readings }) =>
    readings
      .filter(({ type, order, plausible, value }) => plausible && type === 'float64' && order !== undefined && Math.abs(value) < 1e7)
      .map(({ order, value }) => `  ${address}-${address + 3} also float64 ${order}: ${shown(value)} *`),
  );
}

function cell({ readings }: RegisterRead, type: Reading['type'], order: Reading['order']): string {
  const reading = readings.find((one) => one.type === type && one.order === order);
  if (reading === undefined) return '';
  return `${shown(reading.value)}${reading.plausible ? ' *' : '  '}`;
}

function shown(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e8) ? value.toExponential(2) : String(Number(value.toPrecision(6)));
}

/** Units with their ranges, and a read to go on with. Ends with a line break. */
export function renderScan({ found, requests, complete }: ScanResult, url: string): string {
  const lines = found.flatMap(({ unit, ranges, maxRegisters }) => [
    `unit ${unit}${maxRegisters === null ? '' : `, ${maxRegisters} registers in one read`}`,
    ...(ranges.length === 0 ? ['  answers, and has nothing in this range'] : []),
    ...ranges.map(({ table, from, to }) => `  ${tableWords[table].padEnd(18)} ${from === to ? from : `${from}-${to}`}`),
  ]);
  const [first] = found;
  const range = first?.ranges.find(({ table }) => table === 'holdingRegister' || table === 'inputRegister');
  const next =
    range === undefined || first === undefined
      ? []
      : [
          `→ fettle modbus read ${url} --unit ${first.unit} --${range.table === 'holdingRegister' ? 'holding' : 'input'} ${range.from}-${Math.min(range.to, range.from + 39)}`,
        ];
  const end = `${found.length === 0 ? 'no unit answered; ' : ''}${requests} requests${complete ? '' : ', not finished: give --units, --range or --requests'}`;
  return `${[...lines, end, ...next].join('\n')}\n`;
}

/** Numbers to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length))) ?? [];
  return rows.map((row) =>
    row
      .map((text, column) => text.padStart(widths[column] as number))
      .join('  ')
      .trimEnd(),
  );
}
