/** Ranks from 0 on; equal values share the mean of theirs. */
export function ranksOf(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((a, b) => (values[a] as number) - (values[b] as number));
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to] as number] === values[order[from] as number]) to++;
    for (let i = from; i < to; i++) ranks[order[i] as number] = (from + to - 1) / 2;
    from = to;
  }
  return ranks;
}

/** Spearman's correlation: of the ranks. */
export function rankCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [ranksA, ranksB] = [ranksOf(a), ranksOf(b)];
  const mean = (ranksA.length - 1) / 2;
  const product = (x: Float64Array, y: Float64Array): number =>
    x.reduce((sum, rank, i) => sum + (rank - mean) * ((y[i] as number) - mean), 0);
  return product(ranksA, ranksB) / Math.sqrt(product(ranksA, ranksA) * product(ranksB, ranksB));
}

/** Probability that one of the anomalous scores is above one of the healthy ones (Mann and Whitney 1947). */
export function areaUnderCurve(healthy: ArrayLike<number>, anomalous: ArrayLike<number>): number {
  const ranks = ranksOf([...Array.from(healthy), ...Array.from(anomalous)]);
  const sum = ranks.subarray(healthy.length).reduce((total, rank) => total + rank, 0);
  return (sum - (anomalous.length * (anomalous.length - 1)) / 2) / (healthy.length * anomalous.length);
}
