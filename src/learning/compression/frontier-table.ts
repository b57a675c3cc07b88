import { formatBytes } from '../../core/duration.ts';
import type { Candidate } from './frontier.ts';

const headings = ['', 'model', 'precision', 'size', 'zeros', 'µs alone', 'µs of 256', 'rank', 'verdict', 'AUC', 'loss'];

/** Cells of the frontier, smallest first: `→` is what was taken, `*` what nothing as small beats. */
export function frontierCells(candidates: readonly Candidate[], chosen: Candidate | undefined): string[][] {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  return [
    headings,
    ...candidates.map((one) => [
      one === chosen ? '→' : one.onFrontier ? '*' : '',
      one.structure.name,
      one.precision,
      formatBytes(one.bytes),
      one.structure.zeros < 0.005 ? '' : percent(one.structure.zeros),
      one.cost.alone.toFixed(1),
      one.cost.batch.toFixed(2),
      one.rankAgreement.toFixed(3),
      percent(one.sameVerdict),
      one.areaUnderCurve.toFixed(4),
      one.loss.toFixed(4),
    ]),
  ];
}

export const frontierLegend =
  'zeros: weights that are 0. µs: a window, one thread, alone and in batches of 256. rank: correlation of the scores with those of the float ensemble. verdict: windows on the same side of the limit. AUC: healthy windows against the same with steps of 1 to 3 deviations in one channel; loss: how much less than the float ensemble.';

/** In Markdown. */
export function frontierTable(candidates: readonly Candidate[], chosen: Candidate): string {
  const [head = [], ...rows] = frontierCells(candidates, chosen).map((cells) => `| ${cells.join(' | ')} |`);
  return [head, `|${'---|'.repeat(headings.length)}`, ...rows, '', frontierLegend, ''].join('\n');
}

/** For a terminal. */
export function frontierText(candidates: readonly Candidate[], chosen: Candidate): string {
  const cells = frontierCells(candidates, chosen);
  const widths = headings.map((_, c) => Math.max(...cells.map((row) => (row[c] ?? '').length)));
  return cells
    .map((row) =>
      row
        .map((cell, c) => (c < 3 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
