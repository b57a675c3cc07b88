/** Area under the ROC curve of `scores` for the labels, ties counted half (Mann and Whitney 1947). */
export function auc(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  const sorted = Array.from(scores, (score, i) => ({ score, label: labels[i] as number })).sort((a, b) => a.score - b.score);
  let ranks = 0;
  let positives = 0;
  for (let i = 0; i < sorted.length; ) {
    let j = i;
    while (j < sorted.length && sorted[j]?.score === sorted[i]?.score) j++;
    for (let k = i; k < j; k++) {
      if (sorted[k]?.label !== 1) continue;
      ranks += (i + j + 1) / 2;
      positives++;
    }
    i = j;
  }
  return (ranks - (positives * (positives + 1)) / 2) / (positives * (sorted.length - positives));
}

/** F1, false-alarm rate and missed-alarm rate of "ratio > 1". */
export function verdicts(ratios: ArrayLike<number>, labels: ArrayLike<number>): { f1: number; far: number; mar: number } {
  const count = { hit: 0, missed: 0, falseAlarm: 0, quiet: 0 };
  for (let i = 0; i < ratios.length; i++) {
    const raised = (ratios[i] as number) > 1;
    if (labels[i] === 1) count[raised ? 'hit' : 'missed']++;
    else count[raised ? 'falseAlarm' : 'quiet']++;
  }
  const { hit, missed, falseAlarm, quiet } = count;
  return { f1: (2 * hit) / (2 * hit + falseAlarm + missed), far: falseAlarm / (falseAlarm + quiet), mar: missed / (missed + hit) };
}
