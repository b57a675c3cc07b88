/** What a detector said of one recording, a row a verdict, in order of time; rows it learnt from are not in it. All arrays have one length. */
export interface VerdictSeries {
  /** ms since the epoch, ascending. */
  readonly timeMs: Float64Array;
  /** Score over limit: above 1 is abnormal. NaN where the row has no verdict; such a row ranks below every score. */
  readonly score: Float64Array;
  /** 1 where an alarm stands; 0 where there is none, and where the row has no verdict. */
  readonly alarm: Uint8Array;
  /** 1 where the machine was not healthy. */
  readonly label: Uint8Array;
  readonly stepMs: number;
}

/** Rows `first` to `last`, both included. */
export interface Run {
  readonly first: number;
  readonly last: number;
}

/** The longest stretches of ones, in order. */
export function runsOf(flags: Uint8Array): Run[] {
  const runs: Run[] = [];
  for (let i = 0; i < flags.length; i++) {
    if (flags[i] !== 1) continue;
    const first = i;
    while (flags[i + 1] === 1) i++;
    runs.push({ first, last: i });
  }
  return runs;
}

/** Quantile of values that need not be in order, between neighbours by their distance (type 7 of Hyndman and Fan 1996); NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  // The same value twice, not a difference: Infinity stays Infinity.
  return low === high ? low : low + (high - low) * (at - Math.floor(at));
}
