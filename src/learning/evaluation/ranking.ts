import type { VerdictSeries } from './verdict-series.ts';

/** Scores and labels of several series in one: scores are shares of a limit and so of one scale. Rows without a verdict get -Infinity. */
export interface Ranking {
  readonly score: Float64Array;
  readonly label: Uint8Array;
  /** Row numbers, highest score first. */
  readonly order: Uint32Array;
}

export function rankingOf(parts: readonly VerdictSeries[]): Ranking {
  const rows = parts.reduce((sum, { score }) => sum + score.length, 0);
  const score = new Float64Array(rows);
  const label = new Uint8Array(rows);
  let first = 0;
  for (const part of parts) {
    score.set(
      part.score.map((value) => (Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value)),
      first,
    );
    label.set(part.label, first);
    first += part.score.length;
  }
  const order = Uint32Array.from(score.keys()).sort((a, b) => compare(score[b] as number, score[a] as number) || a - b);
  return { score, label, order };
}

/** Difference would be NaN of two infinities. */
const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Area under the ROC curve: the chance that an anomalous row scores higher than a normal one, ties counted half (Mann and Whitney 1947). NaN where
 * either kind is missing.
 */
export function aucOf(ranking: Ranking): number {
  let above = 0;
  const { hits: ones, misses: zeros } = groups(ranking, (hits, misses, hitsBefore) => {
    above += misses * (hitsBefore + hits / 2);
  });
  return above / (ones * zeros);
}

/**
 * Average precision: the sum over the distinct scores, highest first, of the precision there times the recall won there. Nothing is interpolated
 * (Davis and Goadrich 2006). NaN where either kind is missing.
 */
export function averagePrecisionOf(ranking: Ranking): number {
  let area = 0;
  const { hits: ones, misses: zeros } = groups(ranking, (hits, misses, hitsBefore, missesBefore) => {
    const found = hitsBefore + hits;
    if (hits > 0) area += hits * (found / (found + missesBefore + misses));
  });
  return zeros === 0 ? Number.NaN : area / ones;
}

type Visit = (hits: number, misses: number, hitsBefore: number, missesBefore: number) => void;

/** Walks through the rows of each distinct score, highest first. */
function groups({ score, label, order }: Ranking, visit: Visit): { hits: number; misses: number } {
  let hits = 0;
  let misses = 0;
  for (let i = 0; i < order.length; ) {
    const value = score[order[i] as number];
    let ones = 0;
    let j = i;
    for (; j < order.length && score[order[j] as number] === value; j++) ones += label[order[j] as number] as number;
    visit(ones, j - i - ones, hits, misses);
    hits += ones;
    misses += j - i - ones;
    i = j;
  }
  return { hits, misses };
}
