import { addressSpace, isBitTable, type ModbusTable, modbusTables, protocolLimit } from '../sources/modbus/table.ts';
import { type Device, exceptionOf, isAnswer } from './device.ts';

export interface ScanOptions {
  /** Unit ids to ask, in order. */
  readonly units: readonly number[];
  /** Addresses to look at, first and last. */
  readonly from: number;
  readonly to: number;
  /** Then it ends, with what it has found. */
  readonly mostRequests: number;
  readonly onFound?: (found: FoundUnit) => void;
  readonly onProgress?: (doing: string, requests: number) => void;
}

export interface FoundRange {
  readonly table: ModbusTable;
  readonly from: number;
  readonly to: number;
}

export interface FoundUnit {
  readonly unit: number;
  readonly ranges: readonly FoundRange[];
  /** Longest read it allowed, registers; null where none was long enough to tell. */
  readonly maxRegisters: number | null;
}

export interface ScanResult {
  readonly found: readonly FoundUnit[];
  readonly requests: number;
  /** The bound was reached, or a person ended it. */
  readonly complete: boolean;
}

/** Looks for units, their tables and ranges. Only reads, one at a time. What it has found when its signal aborts is its result. Rejects with FETTLE_MODBUS_UNREACHABLE. */
export async function scanDevice(device: Device, options: ScanOptions, signal: AbortSignal): Promise<ScanResult> {
  const found: FoundUnit[] = [];
  const spent = (): boolean => signal.aborted || device.requests >= options.mostRequests;
  try {
    for (const unit of options.units) {
      if (spent()) break;
      options.onProgress?.(`unit ${unit}`, device.requests);
      if (!isAnswer(await device.read({ unit, table: 'holdingRegister', address: options.from, count: 1 }))) continue;
      const scanned = await scanUnit(device, unit, options, spent);
      found.push(scanned);
      options.onFound?.(scanned);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return { found, requests: device.requests, complete: !spent() };
}

async function scanUnit(device: Device, unit: number, { from, to, onProgress }: ScanOptions, spent: () => boolean): Promise<FoundUnit> {
  const ranges: FoundRange[] = [];
  let longest = 0;
  for (const table of modbusTables) {
    const limit = isBitTable(table) ? protocolLimit.bits : protocolLimit.registers;
    let length: number = limit;
    let address = from;
    while (address <= Math.min(to, addressSpace - 1) && !spent()) {
      onProgress?.(`unit ${unit}, ${table} ${address}`, device.requests);
      const count = Math.min(length, to - address + 1);
      const outcome = await device.read({ unit, table, address, count });
      if ('data' in outcome) {
        extend(ranges, table, address, count);
        if (!isBitTable(table)) longest = Math.max(longest, count);
        address += count;
        length = Math.min(limit, 2 * length);
        continue;
      }
      // Without the table there is nothing to look for in it; without an answer nothing at all.
      if (exceptionOf(outcome) === 1 || !isAnswer(outcome)) break;
      if (length > 1 && count > 1) {
        length = Math.max(1, Math.floor(count / 2));
        continue;
      }
      // A hole: it is crossed in growing strides, so that an empty table costs few requests.
      address += await stride(device, { unit, table, address, to }, spent);
      length = 16;
    }
  }
  return { unit, ranges, maxRegisters: await longestRead(device, unit, ranges, longest, spent) };
}

/** The longest read within what was found, between what went well and what the protocol allows. */
async function longestRead(
  device: Device,
  unit: number,
  ranges: readonly FoundRange[],
  known: number,
  spent: () => boolean,
): Promise<number | null> {
  const registers = ranges.filter(({ table }) => !isBitTable(table));
  const widest = registers.reduce(
    (best, range) => (range.to - range.from > best.to - best.from ? range : best),
    registers[0] as FoundRange,
  );
  if (registers.length === 0) return null;
  let [good, bad] = [known, Math.min(protocolLimit.registers, widest.to - widest.from + 1) + 1];
  while (bad - good > 1 && !spent()) {
    const count = bad === protocolLimit.registers + 1 ? protocolLimit.registers : Math.floor((good + bad) / 2);
    if ('data' in (await device.read({ unit, table: widest.table, address: widest.from, count }))) good = count;
    else bad = count;
  }
  return good > 1 ? good : null;
}

/** How far the hole at `address` reaches, by doubling: where something is found, the way back to its beginning is halved. */
async function stride(
  device: Device,
  { unit, table, address, to }: { unit: number; table: ModbusTable; address: number; to: number },
  spent: () => boolean,
): Promise<number> {
  let step = 1;
  let empty = 0;
  while (address + step <= to && !spent()) {
    const outcome = await device.read({ unit, table, address: address + step, count: 1 });
    if ('data' in outcome) {
      let [low, high] = [empty, step];
      while (high - low > 1 && !spent()) {
        const middle = Math.floor((low + high) / 2);
        if ('data' in (await device.read({ unit, table, address: address + middle, count: 1 }))) high = middle;
        else low = middle;
      }
      return high;
    }
    empty = step;
    // No longer than what people leave between two blocks of a list.
    step = step < 64 ? step * 2 : step + 64;
  }
  return to - address + 1;
}

function extend(ranges: FoundRange[], table: ModbusTable, address: number, count: number): void {
  const last = ranges.at(-1);
  if (last !== undefined && last.table === table && last.to + 1 === address)
    ranges[ranges.length - 1] = { ...last, to: address + count - 1 };
  else ranges.push({ table, from: address, to: address + count - 1 });
}
