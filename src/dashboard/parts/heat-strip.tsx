import { useEffect, useRef } from 'preact/hooks';
import type { AssetChart } from '../../charts/asset-chart.ts';
import { leaf } from '../format.ts';
import { t } from '../language.ts';

const rowHeight = 14;
const longestPlaces = 8;

/** Which channel had how much of the score, over time: one row a channel, darker is more. */
export function HeatStrip({ chart }: { readonly chart: AssetChart }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { score, channels, timeMs, fromMs, toMs, stepMs } = chart;
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context) return;
    const draw = (): void => {
      const width = Math.max(1, element.clientWidth);
      element.width = width;
      element.height = rowHeight * channels.length;
      const colour = getComputedStyle(document.documentElement).getPropertyValue('--heat').trim();
      context.clearRect(0, 0, element.width, element.height);
      context.fillStyle = colour;
      const known = score.ratio.flatMap((ratio, i) => (ratio === null ? [] : [i]));
      known.forEach((i, k) => {
        const left = (((timeMs[i] as number) - fromMs) / (toMs - fromMs)) * width;
        // Scores may come less often than there are places.
        const places = Math.min(longestPlaces, (known[k + 1] ?? i + 1) - i);
        const strength = Math.min(1, (score.ratio[i] ?? 0) ** 2);
        score.shares[i]?.forEach((share, channel) => {
          context.globalAlpha = Math.min(1, share * 1.4) * strength;
          context.fillRect(left, channel * rowHeight, Math.max(1, ((places * stepMs) / (toMs - fromMs)) * width + 0.5), rowHeight - 1);
        });
      });
    };
    draw();
    const resized = new ResizeObserver(draw);
    resized.observe(element);
    return () => resized.disconnect();
  }, [chart]);
  const most = channels
    .map(({ tag }, channel) => ({ tag, sum: score.shares.reduce((sum, shares) => sum + (shares?.[channel] ?? 0), 0) }))
    .sort((a, b) => b.sum - a.sum)[0];
  return (
    <div class="heat">
      <ul aria-hidden="true">
        {channels.map(({ tag }) => (
          <li key={tag}>{leaf(tag)}</li>
        ))}
      </ul>
      <canvas ref={canvas} role="img" aria-label={t('asset.heatLabel', { tag: most === undefined ? '–' : leaf(most.tag) })} />
    </div>
  );
}
