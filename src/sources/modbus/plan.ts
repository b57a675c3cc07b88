import { isBitTable, type ModbusTable } from './table.ts';

/** Where one value stands and how often it is read. `count` is registers, or bits in a bit table. */
export interface Span {
  readonly unit: number;
  readonly table: ModbusTable;
  readonly pollMs: number;
  readonly address: number;
  readonly count: number;
}

/** One read request and the values it brings, in order of address. */
export interface Block<T extends Span = Span> extends Span {
  readonly points: readonly T[];
}

export interface PlanLimits {
  readonly maxRegisters: number;
  readonly maxBits: number;
  /** Longest run of registers no value owns that a request may read over; 0: only values that overlap share a request. */
  readonly bridgeRegisters: number;
  /** Whether no request may go on from below this address to it. */
  readonly isCut?: (point: Span) => boolean;
}

/**
 * The fewest requests that read every value whole: values of one unit, table and period, merged within the limits.
 *
 * One sweep in order of address, each request as long as it may be, is optimal: the request that brings the lowest value left
 * gains nothing by beginning before it, and a longer one never leaves more to the next. A value that no longer fits ends the
 * request; whatever stands after its beginning and would still have fitted lies within it and costs the next request nothing.
 */
export function planReads<T extends Span>(points: readonly T[], limits: PlanLimits): Block<T>[] {
  const groups = new Map<string, T[]>();
  for (const point of points) {
    const key = `${point.pollMs}/${point.unit}/${point.table}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [point]);
    else group.push(point);
  }
  return [...groups.values()].flatMap((group) => planGroup(group, limits));
}

function planGroup<T extends Span>(group: T[], { maxRegisters, maxBits, bridgeRegisters, isCut }: PlanLimits): Block<T>[] {
  const bits = isBitTable((group[0] as T).table);
  const limit = bits ? maxBits : maxRegisters;
  // Touching values have a gap of 0; reading tag by tag merges only where the gap is negative.
  const bridge = bridgeRegisters === 0 ? -1 : bridgeRegisters * (bits ? 16 : 1);
  const blocks: Block<T>[] = [];
  let open: T[] = [];
  let start = 0;
  let end = 0;
  for (const point of [...group].sort((a, b) => a.address - b.address || a.count - b.count)) {
    const pointEnd = point.address + point.count;
    if (open.length > 0 && (point.address - end > bridge || pointEnd - start > limit || isCut?.(point) === true)) {
      blocks.push(blockOf(open));
      open = [];
    }
    if (open.length === 0) start = point.address;
    open.push(point);
    end = Math.max(end, pointEnd);
  }
  blocks.push(blockOf(open));
  return blocks;
}

/** The request that reads just these points, which are in order of address. */
function blockOf<T extends Span>(points: readonly T[]): Block<T> {
  const { unit, table, pollMs, address } = points[0] as T;
  let end = 0;
  for (const point of points) end = Math.max(end, point.address + point.count);
  return { unit, table, pollMs, address, count: end - address, points };
}

/** Two requests with half the values each; undefined when all values are the same registers, so that no half asks for less. */
export function splitBlock<T extends Span>(block: Block<T>): readonly [Block<T>, Block<T>] | undefined {
  const { points } = block;
  if (points.every(({ address, count }) => address === block.address && count === block.count)) return undefined;
  const middle = Math.ceil(points.length / 2);
  return [blockOf(points.slice(0, middle)), blockOf(points.slice(middle))];
}
