/** A figure beside its limit, both of the same run. `value` and `limit` are null where a peer is missing. */
export interface BenchRow {
  readonly name: string;
  readonly value: number | null;
  readonly unit: string;
  readonly limit: number | null;
  /** value / limit, or limit / value where less is better: at least (at most) `target` is wanted. */
  readonly ratio: number | null;
  readonly target: number;
  readonly reached: boolean;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * p) - 1))] ?? Number.NaN;
}

export const atMost = (name: string, value: number, unit: string, limit: number, target: number, ratio = value / limit): BenchRow => ({
  name,
  value,
  unit,
  limit,
  ratio,
  target,
  reached: ratio <= target,
});

export const atLeast = (name: string, value: number, unit: string, limit: number, target: number): BenchRow => ({
  name,
  value,
  unit,
  limit,
  ratio: value / limit,
  target,
  reached: value / limit >= target,
});

export const missing = (name: string, unit: string, target: number): BenchRow => ({
  name,
  value: null,
  unit,
  limit: null,
  ratio: null,
  target,
  reached: false,
});
