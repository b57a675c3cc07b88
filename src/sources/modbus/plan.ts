/** Something to read: `size` registers or bits from `address` on, never split. */
export interface PlanItem {
  readonly address: number;
  readonly size: number;
}

/** One request and the items its reply holds. */
export interface PlannedRead<Item extends PlanItem> {
  readonly address: number;
  readonly count: number;
  readonly items: readonly Item[];
}

/**
 * The fewest requests that read every item whole, each at most `largest` long, bridging at most `bridge` unused addresses between two items. `bridge` 0
 * means tag by tag: items at the same address only share a request. Taking the lowest unread item and going on as far as one
 * request reaches is optimal: any plan must read that item in some request, and none reaches further than this one.
 */
export function planReads<Item extends PlanItem>(items: readonly Item[], largest: number, bridge: number): PlannedRead<Item>[] {
  const sorted = [...items].sort((a, b) => a.address - b.address || b.size - a.size);
  const reads: PlannedRead<Item>[] = [];
  let open: { address: number; end: number; items: Item[] } | undefined;
  const close = (): void => {
    if (open !== undefined) reads.push({ address: open.address, count: open.end - open.address, items: open.items });
  };
  for (const item of sorted) {
    const end = item.address + item.size;
    const joins =
      open !== undefined &&
      (bridge === 0
        ? end <= open.end
        : item.address - open.end <= bridge && Math.max(end, open.end) - open.address <= largest);
    if (open !== undefined && joins) {
      open.end = Math.max(open.end, end);
      open.items.push(item);
    } else {
      close();
      open = { address: item.address, end, items: [item] };
    }
  }
  close();
  return reads;
}

/** A read that the device refuses, in two: by its items, each half no longer than it must be. Undefined for a single item. */
export function halve<Item extends PlanItem>(read: PlannedRead<Item>): [PlannedRead<Item>, PlannedRead<Item>] | undefined {
  if (read.items.length < 2) return undefined;
  const middle = Math.ceil(read.items.length / 2);
  const part = (items: readonly Item[]): PlannedRead<Item> => {
    const address = Math.min(...items.map((item) => item.address));
    const end = Math.max(...items.map((item) => item.address + item.size));
    return { address, count: end - address, items };
  };
  return [part(read.items.slice(0, middle)), part(read.items.slice(middle))];
}
