import type { Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { AssetChart } from '../../charts/asset-chart.ts';
import { leaf } from '../format.ts';
import { t } from '../language.ts';
import type { PlotBox } from './chart.tsx';

const rowHeight = 14;
const longestPlaces = 8;

/** Which channel had how much of the score, over time: one row a channel, darker is more. `box`: where the charts above and below have their time axis. */
export function HeatStrip({ chart, box }: { readonly chart: AssetChart; readonly box: Signal<PlotBox | undefined> }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { score, channels } = chart;
  const { left, width } = box.value ?? { left: 0, width: 0 };
  useEffect(() => {
    if (canvas.current !== null && width > 0) draw(canvas.current, width, chart);
  }, [chart, width]);
  const most = channels
    .map(({ tag }, channel) => ({ tag, sum: score.shares.reduce((sum, shares) => sum + (shares?.[channel] ?? 0), 0) }))
    .sort((a, b) => b.sum - a.sum)[0];
  return (
    <div class="heat">
      <ul aria-hidden="true" style={{ width: `${left}px` }}>
        {channels.map(({ tag }) => (
          <li key={tag} title={tag}>
            {leaf(tag)}
          </li>
        ))}
      </ul>
      <canvas
        ref={canvas}
        style={{ width: `${width}px`, height: `${rowHeight * channels.length}px` }}
        role="img"
        aria-label={t('asset.heatLabel', { tag: most === undefined ? '–' : leaf(most.tag) })}
      />
    </div>
  );
}

function draw(element: HTMLCanvasElement, width: number, { score, channels, timeMs, fromMs, toMs, stepMs }: AssetChart): void {
  const context = element.getContext('2d');
  if (context === null) return;
  element.width = width * devicePixelRatio;
  element.height = rowHeight * channels.length * devicePixelRatio;
  context.scale(devicePixelRatio, devicePixelRatio);
  context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--heat').trim();
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
}
