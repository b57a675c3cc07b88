import { ratio as ratioText } from '../format.ts';
import { t } from '../language.ts';
import { type Point, stretchesOf, trendMs } from '../trend.ts';

const width = 240;
const height = 44;
/** Room for the marks above what does not fit. */
const headroom = 6;
/** Of the limit: what stands in the picture. */
const highest = 2;

/** Score over limit in the last minutes up to `toMs`; the dashed line is the limit, a triangle stands where the line goes on above the picture. */
export function Sparkline({ points, toMs }: { readonly points: readonly Point[]; readonly toMs: number }) {
  const y = (ratio: number): number => height - 2 - (Math.min(highest, Math.max(0, ratio)) / highest) * (height - headroom - 2);
  const x = (atMs: number): number => width - ((toMs - atMs) / trendMs) * width;
  const newest = points.at(-1);
  const label = newest === undefined ? t('score.none') : t('score.ofLimit', { ratio: ratioText(newest.ratio) });
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label} preserveAspectRatio="none">
      <line x1="0" x2={width} y1={y(1)} y2={y(1)} class="limit" />
      {stretchesOf(points).map((stretch) => (
        <polyline
          key={stretch[0]?.atMs}
          points={stretch.map(({ atMs, ratio }) => `${x(atMs).toFixed(1)},${y(ratio).toFixed(1)}`).join(' ')}
          class={newest !== undefined && newest.ratio > 1 ? 'above' : ''}
        />
      ))}
      {clippedOf(points).map(([fromMs, endMs]) => {
        const [left, right] = [x(fromMs), x(endMs)];
        const middle = (left + right) / 2;
        return (
          <path key={fromMs} class="clipped" d={`M${middle - 5} ${headroom - 1}L${middle} 0L${middle + 5} ${headroom - 1}z`}>
            <title>{t('score.beyond')}</title>
          </path>
        );
      })}
    </svg>
  );
}

/** Where it is higher than the picture. */
function clippedOf(points: readonly Point[]): [fromMs: number, toMs: number][] {
  const runs: [number, number][] = [];
  points.forEach(({ atMs, ratio }, i) => {
    if (ratio <= highest) return;
    const last = runs.at(-1);
    if (last !== undefined && (points[i - 1]?.ratio ?? 0) > highest) last[1] = atMs;
    else runs.push([atMs, atMs]);
  });
  return runs;
}
