/** Largest mean that still explains `count` or fewer with chance 1 - confidence: half the chi-square quantile of 2(count + 1) degrees (Garwood 1936). */
export const poissonUpper = (count: number, confidence: number): number => meanWhere((mean) => atMost(count, mean) < 1 - confidence, count);

/** Smallest mean that still explains `count` or more with chance 1 - confidence: half the chi-square quantile of 2·count degrees; 0 for none. */
export const poissonLower = (count: number, confidence: number): number =>
  count === 0 ? 0 : meanWhere((mean) => 1 - atMost(count - 1, mean) > 1 - confidence, count);

/** The mean from which on `beyond` holds, by bisection. */
function meanWhere(beyond: (mean: number) => boolean, count: number): number {
  let low = 0;
  let high = count + 10 * Math.sqrt(count + 1) + 10;
  for (let i = 0; i < 100 && high - low > 1e-12 * high; i++) {
    const middle = (low + high) / 2;
    if (beyond(middle)) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}

/** Chance of at most `count` at this mean. Summed from the largest term down, whose logarithm is exact: nothing overflows. */
function atMost(count: number, mean: number): number {
  if (mean === 0) return 1;
  const top = Math.min(count, Math.floor(mean));
  const largest = Math.exp(top * Math.log(mean) - mean - logFactorial(top));
  let sum = 0;
  for (let k = top, term = largest; k >= 0 && term > largest * 1e-18; term *= k-- / mean) sum += term;
  for (let k = top + 1, term = (largest * mean) / k; k <= count && term > largest * 1e-18; term *= mean / ++k) sum += term;
  return Math.min(1, sum);
}

/** Exact sum where it is short, else Stirling's series, whose error is below 1e-15 there. */
function logFactorial(n: number): number {
  if (n < 256) {
    let sum = 0;
    for (let k = 2; k <= n; k++) sum += Math.log(k);
    return sum;
  }
  return n * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI * n) + 1 / (12 * n) - 1 / (360 * n ** 3) + 1 / (1260 * n ** 5);
}
