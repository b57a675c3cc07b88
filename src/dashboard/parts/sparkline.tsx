import { t } from '../language.ts';
import type { Point } from '../state.ts';

const width = 240;
const height = 44;
/** Of the limit: what stands in the picture. */
const highest = 2;

/** Score over limit lately; the dashed line is the limit. */
export function Sparkline({ points }: { readonly points: readonly Point[] }) {
  const y = (ratio: number): number => height - (Math.min(highest, Math.max(0, ratio)) / highest) * (height - 4) - 2;
  const x = (i: number): number => width - (points.length - 1 - i) * (width / 239);
  const line = points.map(({ ratio }, i) => `${x(i).toFixed(1)},${y(ratio).toFixed(1)}`).join(' ');
  const newest = points.at(-1);
  const label = newest === undefined ? t('score.none') : t('score.ofLimit', { ratio: newest.ratio.toFixed(2) });
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label} preserveAspectRatio="none">
      <line x1="0" x2={width} y1={y(1)} y2={y(1)} class="limit" />
      {points.length > 1 && <polyline points={line} class={newest !== undefined && newest.ratio > 1 ? 'above' : ''} />}
    </svg>
  );
}
