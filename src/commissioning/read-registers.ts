import { formatPlace } from '../sources/modbus/reference.ts';
import { isBitTable, type ModbusTable, protocolLimit, tableText } from '../sources/modbus/table.ts';
import { type Device, exceptionOf, isAnswer, type Outcome, registerTables } from './device.ts';
import { type Reading, readingsAt, textAt } from './readings.ts';

export interface ReadWish {
  readonly unit: number;
  readonly table: ModbusTable;
  /** First and last address, zero-based. */
  readonly from: number;
  readonly to: number;
}

export interface RegisterRead {
  readonly address: number;
  readonly raw: number;
  readonly readings: readonly Reading[];
  readonly text: string | undefined;
}

export interface ReadResult {
  readonly wish: ReadWish;
  /** What was read, in order; holes are left out. */
  readonly registers: readonly RegisterRead[];
  readonly bits: readonly { readonly address: number; readonly value: boolean }[];
  /** Addresses the device does not have, or did not give. */
  readonly missing: readonly { readonly from: number; readonly to: number; readonly why: string }[];
  /** What to try instead. */
  readonly hints: readonly string[];
}

/** Reads a range as it is, splitting where the device refuses, and says what to try where nothing comes. Rejects with FETTLE_MODBUS_UNREACHABLE and with the signal's reason. */
export async function readRange(device: Device, wish: ReadWish): Promise<ReadResult> {
  const { from, to, table } = wish;
  const pieces: { address: number; data: Buffer; count: number }[] = [];
  const missing: { from: number; to: number; why: string }[] = [];
  const limit = isBitTable(table) ? protocolLimit.bits : protocolLimit.registers;
  let first: Outcome | undefined;
  const read = async (address: number, count: number): Promise<void> => {
    const outcome = await device.read({ unit: wish.unit, table, address, count });
    first ??= outcome;
    if ('data' in outcome) {
      pieces.push({ address, data: outcome.data, count });
      return;
    }
    const exception = exceptionOf(outcome);
    if (count > 1 && (exception === 2 || exception === 3 || exception === 4)) {
      const half = Math.ceil(count / 2);
      await read(address, half);
      await read(address + half, count - half);
      return;
    }
    missing.push({ from: address, to: address + count - 1, why: outcome.error.message });
  };
  for (let address = from; address <= to; address += limit) {
    await read(address, Math.min(limit, to - address + 1));
    // A device that does not answer at all is not asked a hundred times.
    if (first !== undefined && !isAnswer(first)) break;
  }
  const registers = isBitTable(table) ? [] : joined(pieces);
  return {
    wish,
    registers,
    bits: isBitTable(table)
      ? pieces.flatMap(({ address, data, count }) =>
          Array.from({ length: count }, (_, i) => ({ address: address + i, value: (((data[i >> 3] as number) >> (i & 7)) & 1) === 1 })),
        )
      : [],
    missing: together(missing),
    hints: pieces.length > 0 ? hintsOn(registers) : await hintsWithout(device, wish, first as Outcome),
  };
}

/** Registers whose pieces touch are read across the border: a value may lie on it. */
function joined(pieces: readonly { address: number; data: Buffer }[]): RegisterRead[] {
  const stretches: { address: number; data: Buffer }[] = [];
  for (const { address, data } of pieces) {
    const last = stretches.at(-1);
    if (last !== undefined && last.address + last.data.length / 2 === address) last.data = Buffer.concat([last.data, data]);
    else stretches.push({ address, data });
  }
  return stretches.flatMap(({ address, data }) =>
    Array.from({ length: data.length / 2 }, (_, position) => ({
      address: address + position,
      raw: data.readUInt16BE(position * 2),
      readings: readingsAt(data, position),
      text: textAt(data, position),
    })),
  );
}

function together(missing: readonly { from: number; to: number; why: string }[]): ReadResult['missing'] {
  const runs: { from: number; to: number; why: string }[] = [];
  for (const { from, to, why } of [...missing].sort((a, b) => a.from - b.from)) {
    const last = runs.at(-1);
    if (last !== undefined && last.to + 1 === from) last.to = to;
    else runs.push({ from, to, why });
  }
  return runs;
}

/** One order that makes sense of more values than any other is probably the device's. */
function hintsOn(registers: readonly RegisterRead[]): string[] {
  const counts = new Map<string, number>();
  for (const { readings } of registers)
    for (const { type, order, plausible } of readings)
      if (plausible && type === 'float32' && order !== undefined) counts.set(order, (counts.get(order) ?? 0) + 1);
  const [best, second] = [...counts].sort((a, b) => b[1] - a[1]);
  if (best === undefined || best[1] < 2 || best[1] <= 1.5 * (second?.[1] ?? 0)) return [];
  return [
    `${best[1]} values make sense as float32 in order ${best[0]}${second === undefined ? '' : `, ${second[1]} in ${second[0]}`}: order: ${best[0]}`,
  ];
}

/** Nothing came: another unit, the address beside it, the other table. A handful of reads. */
async function hintsWithout(device: Device, { unit, table, from }: ReadWish, first: Outcome): Promise<string[]> {
  const hints: string[] = [];
  const one = (changes: Partial<{ unit: number; table: ModbusTable; address: number }>) =>
    device.read({ unit, table, address: from, count: 1, ...changes });
  if (!isAnswer(first)) {
    for (const other of [1, 255, 0, 2, 247].filter((id) => id !== unit))
      if (isAnswer(await one({ unit: other }))) hints.push(`unit ${unit} does not answer, unit ${other} does: --unit ${other}`);
    return hints.length > 0 ? hints.slice(0, 1) : ['no unit of 0, 1, 2, 247, 255 answers: fettle modbus scan looks at all of them'];
  }
  if (exceptionOf(first) === 2 && from > 0 && 'data' in (await one({ address: from - 1 })))
    hints.push(
      `${formatPlace(table, from)} does not exist, ${formatPlace(table, from - 1)} does: the list probably counts from 1, so try one less`,
    );
  for (const other of registerTables.filter((name) => name !== table))
    if ('data' in (await one({ table: other })))
      hints.push(`it has ${tableText[other]} ${from}: --${other === 'inputRegister' ? 'input' : 'holding'} ${from}`);
  return hints;
}
