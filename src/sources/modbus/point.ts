import type { Interner } from '../../core/interner.ts';
import { addressOf, type ModbusSourceConfig, typeOf } from './config.ts';
import { registersOf } from './data-type.ts';
import { type Decoder, decodeBit, decoderOf } from './decode.ts';
import { type PlannedRead, planReads } from './plan.ts';
import { isBitTable, type Table } from './table.ts';

/** A tag as the poll loop sees it. */
export interface Point {
  readonly tag: number;
  readonly name: string;
  readonly unit: number;
  readonly table: Table;
  readonly address: number;
  /** Registers, or 1 for a bit. */
  readonly size: number;
  readonly pollMs: number;
  /** Value at this point within the data of a reply that begins at address `first`. */
  readonly decode: (data: Buffer, first: number) => number;
}

export function pointsOf(config: ModbusSourceConfig, tags: Interner, texts: Interner): Point[] {
  return config.tags.map((entry) => {
    const { table, address } = addressOf(entry) as { table: Table; address: number };
    const type = typeOf(entry, table);
    const bits = isBitTable(table);
    const decoder: Decoder = bits
      ? decodeBit
      : decoderOf({ type, order: entry.order ?? 'ABCD', bit: entry.bit, length: entry.length, scale: entry.scale, offset: entry.offset, notAvailable: entry.notAvailable }, texts);
    return {
      tag: tags.intern(entry.tag),
      name: entry.tag,
      unit: entry.unit ?? config.unit,
      table,
      address,
      size: bits ? 1 : registersOf(type, entry.length),
      pollMs: entry.poll ?? config.poll,
      decode: bits ? (data, first) => decoder(data, address - first) : (data, first) => decoder(data, (address - first) * 2),
    };
  });
}

/** A planned read with what it shares: unit, table and period. */
export interface PollRead extends PlannedRead<Point> {
  readonly unit: number;
  readonly table: Table;
  readonly pollMs: number;
}

/** All reads of a source: points are merged where unit, table and period agree. */
export function planPolls(points: readonly Point[], { maxRegisters, maxBits, bridgeRegisters }: ModbusSourceConfig): PollRead[] {
  const groups = new Map<string, Point[]>();
  for (const point of points) {
    const key = `${point.unit}/${point.table}/${point.pollMs}`;
    groups.set(key, [...(groups.get(key) ?? []), point]);
  }
  return [...groups.values()].flatMap((group) => {
    const [{ unit, table, pollMs }] = group as [Point];
    const bits = isBitTable(table);
    const reads = planReads(group, bits ? maxBits : maxRegisters, bits ? bridgeRegisters * 16 : bridgeRegisters);
    return reads.map((read) => ({ ...read, unit, table, pollMs }));
  });
}
