/** How rows lie in time, and what was done about it. */
export interface TimeOrder {
  /** Row numbers in order of time, rows of one time in their order in the file. */
  readonly order: Uint32Array;
  /** Where each row of the result begins in `order`; rows of one time are one. Ends with the number of rows. */
  readonly starts: Uint32Array;
  /** Rows earlier than one before them. */
  readonly unordered: number;
  /** Rows that share their time with one before them. */
  readonly duplicates: number;
}

export function timeOrderOf(timeMs: Float64Array): TimeOrder {
  let unordered = 0;
  let latest = Number.NEGATIVE_INFINITY;
  for (const time of timeMs) {
    if (time < latest) unordered++;
    else latest = time;
  }
  const order = Uint32Array.from(timeMs.keys());
  if (unordered > 0) order.sort((a, b) => (timeMs[a] as number) - (timeMs[b] as number) || a - b);
  const starts: number[] = [];
  order.forEach((row, i) => {
    if (i === 0 || timeMs[row] !== timeMs[order[i - 1] as number]) starts.push(i);
  });
  const duplicates = order.length - starts.length;
  return { order, starts: Uint32Array.from([...starts, order.length]), unordered, duplicates };
}

/** One value a time: the mean of those that are numbers. */
export const meansOf = (values: Float64Array | readonly number[], { order, starts }: TimeOrder): Float64Array =>
  Float64Array.from({ length: starts.length - 1 }, (_, row) => {
    let sum = 0;
    let count = 0;
    for (let i = starts[row] as number; i < (starts[row + 1] as number); i++) {
      const value = values[order[i] as number] as number;
      if (Number.isNaN(value)) continue;
      sum += value;
      count++;
    }
    return sum / count;
  });

/** One flag a time: set where any is. */
export const anyOf = (flags: Uint8Array, { order, starts }: TimeOrder): Uint8Array =>
  Uint8Array.from({ length: starts.length - 1 }, (_, row) =>
    order.subarray(starts[row], starts[row + 1]).some((i) => flags[i] === 1) ? 1 : 0,
  );

/** The median distance of distinct time stamps, of all recordings together; undefined where no recording has two. */
export function medianStepMs(times: readonly Float64Array[]): number | undefined {
  const steps = times.flatMap((timeMs) => {
    const distinct = Float64Array.from(new Set(timeMs)).sort();
    return Array.from(distinct.subarray(1), (time, i) => time - (distinct[i] as number));
  });
  return steps.sort((a, b) => a - b)[steps.length >> 1];
}
