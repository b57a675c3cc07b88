import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { language, locale } from '../language.ts';

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly colour: string;
}

export interface Line {
  readonly label: string;
  /** Null: the line ends here; undefined: it goes on across. */
  readonly values: readonly (number | null | undefined)[];
  readonly colour: string;
  readonly dash?: readonly number[];
  readonly width?: number;
}

interface ChartProps {
  /** ms since the epoch. */
  readonly timeMs: readonly number[];
  readonly lines: readonly Line[];
  /** Indices of lines between which it is filled. */
  readonly band?: readonly [high: number, low: number];
  readonly spans: readonly Span[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly height: number;
  readonly label: string;
  /** Lines of the same group move the crosshair together. */
  readonly group: string;
  readonly limit?: number;
  /** A stretch that a person drew: to be shown instead. */
  readonly onZoom: (fromMs: number, toMs: number) => void;
}

const colourOf = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Lines over time; drawing across it zooms in. */
export function Chart({ timeMs, lines, band, spans, fromMs, toMs, height, label, group, limit, onZoom }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const zoom = useRef(onZoom);
  zoom.current = onZoom;
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const axis = {
      stroke: colourOf('--soft'),
      grid: { stroke: colourOf('--line'), width: 1 },
      ticks: { stroke: colourOf('--line'), width: 1 },
      font: '12px system-ui',
    };
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height,
        ms: 1,
        cursor: { sync: { key: group }, drag: { x: true, y: false, setScale: false } },
        legend: { show: false },
        scales: {
          x: { time: true, range: () => [fromMs, toMs] },
          // A fault may be a hundred times the limit: what is below it is to be seen all the same.
          ...(limit !== undefined && {
            y: { distr: 3, range: (_, min, max) => [Math.min(0.1, min), Math.max(limit * 2, max * 1.1)] as [number, number] },
          }),
        },
        axes: [
          { ...axis, space: 90, size: 30, values: (_, splits) => timesOf(splits) },
          {
            ...axis,
            size: 56,
            space: 24,
            // Powers of ten, as far as the scale goes.
            ...(limit !== undefined && {
              splits: (_, __, min, max) => [0.01, 0.1, 1, 10, 100, 1000, 10_000].filter((value) => value >= min && value <= max),
            }),
            values: (_, splits) => splits.map((value) => new Intl.NumberFormat(locale(), { maximumSignificantDigits: 4 }).format(value)),
          },
        ],
        series: [
          {},
          ...lines.map(({ label: name, colour, dash, width = 1.5 }) => ({
            label: name,
            stroke: colourOf(colour),
            width,
            points: { show: timeMs.length < 3 },
            ...(dash !== undefined && { dash: [...dash] }),
          })),
        ],
        ...(band !== undefined && { bands: [{ series: [band[0] + 1, band[1] + 1] as [number, number], fill: `${colourOf('--band')}` }] }),
        hooks: {
          setSelect: [
            (u) => {
              const { left, width } = u.select;
              if (width > 4) zoom.current(u.posToVal(left, 'x'), u.posToVal(left + width, 'x'));
              u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
          drawClear: [
            (u) => {
              const { ctx, bbox } = u;
              for (const span of spans) {
                const left = Math.max(bbox.left, u.valToPos(Math.max(span.fromMs, fromMs), 'x', true));
                const right = Math.min(bbox.left + bbox.width, u.valToPos(Math.min(span.toMs, toMs), 'x', true));
                ctx.fillStyle = colourOf(span.colour);
                ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
              }
            },
          ],
          draw: [
            (u) => {
              if (limit === undefined) return;
              const { ctx, bbox } = u;
              const y = u.valToPos(limit, 'y', true);
              ctx.strokeStyle = colourOf('--bad');
              ctx.lineWidth = 1.5;
              ctx.setLineDash([6, 4]);
              ctx.beginPath();
              ctx.moveTo(bbox.left, y);
              ctx.lineTo(bbox.left + bbox.width, y);
              ctx.stroke();
              ctx.setLineDash([]);
            },
          ],
        },
      },
      [[...timeMs], ...lines.map(({ values }) => [...values])],
      element,
    );
    const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [timeMs, lines, spans, fromMs, toMs, height, language.value]);
  return <div class="chart" ref={place} role="img" aria-label={label} />;
}

/** As short as the distance between them allows. */
function timesOf(splits: readonly number[]): string[] {
  const distance = (splits[1] ?? 0) - (splits[0] ?? 0);
  const options: Intl.DateTimeFormatOptions =
    distance >= 86_400_000
      ? { day: 'numeric', month: 'short' }
      : distance >= 60_000
        ? { hour: '2-digit', minute: '2-digit' }
        : { hour: '2-digit', minute: '2-digit', second: '2-digit' };
  const format = new Intl.DateTimeFormat(locale(), options);
  return splits.map((ms) => format.format(new Date(ms)));
}
