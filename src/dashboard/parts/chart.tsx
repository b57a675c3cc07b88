import { effect, type Signal, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { decades, timeTexts, valueTexts } from '../axis.ts';
import { isEmpty, type LineValues } from '../chart-values.ts';
import { language, reader, t } from '../language.ts';
import { theme } from '../theme.ts';

export interface Shade {
  readonly fromMs: number;
  readonly toMs: number;
  readonly colour: string;
}

export interface Line {
  readonly values: LineValues;
  /** Absent: it only bounds a band. */
  readonly colour?: string;
  readonly dash?: readonly number[];
  readonly width?: number;
}

/** Between two lines, by their indices. */
export interface Band {
  readonly high: number;
  readonly low: number;
  readonly colour: string;
}

/** Where the lines of a chart are drawn, CSS pixels from its left edge: what stands above and below keeps to it. */
export interface PlotBox {
  readonly left: number;
  readonly width: number;
}

interface ChartProps {
  /** Beginnings of the steps, ms since the epoch. */
  readonly timeMs: readonly number[];
  readonly lines: readonly Line[];
  readonly bands: readonly Band[];
  readonly shades: readonly Shade[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly height: number;
  readonly label: string;
  /** Of a scale of powers of ten: where the dashed line is. */
  readonly limit?: number;
  /** The moment looked at, in all charts that share it; null: none. */
  readonly cursor: Signal<number | null>;
  readonly box: Signal<PlotBox | undefined>;
  /** A stretch that a person drew: to be shown instead. */
  readonly onZoom: (fromMs: number, toMs: number) => void;
}

const axisWidth = 72;
/** Fixed, so that all charts of a page stand below each other. */
const padding: [number, number, number, number] = [8, 20, 0, 0];
/** Of a scale of powers of ten: nobody looks for less. */
const leastRatio = 0.01;
const tickDistance = 24;
/** Of the axes' font. */
const digitWidth = 7;
/** A phone: times stand closer. */
const narrow = 500;

const colourOf = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Counts changes of the device's own scheme. */
const scheme = signal(0);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  scheme.value++;
});

/** Lines over time; drawing across it zooms in. */
export function Chart(props: ChartProps) {
  const { lines, bands, height, label, limit, cursor } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const shown = useRef(props);
  shown.current = props;
  // Another drawing; new values of the same one are put in.
  const form = JSON.stringify([lines.map(({ values: _, ...rest }) => rest), bands, limit, height]);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const drawn = new uPlot(optionsOf(shown, element.clientWidth), dataOf(shown.current), element);
    plot.current = drawn;
    drawn.over.addEventListener('pointermove', ({ offsetX }) => {
      cursor.value = shown.current.timeMs[drawn.posToIdx(offsetX)] ?? null;
    });
    drawn.over.addEventListener('pointerleave', () => {
      cursor.value = null;
    });
    const forget = effect(() => point(drawn, cursor.value));
    const resized = new ResizeObserver(() => {
      drawn.setSize({ width: element.clientWidth, height });
      point(drawn, cursor.peek());
    });
    resized.observe(element);
    return () => {
      forget();
      resized.disconnect();
      drawn.destroy();
      plot.current = undefined;
    };
  }, [form, language.value, theme.value, scheme.value]);
  useEffect(() => {
    plot.current?.setData(dataOf(props));
    if (plot.current !== undefined) point(plot.current, cursor.peek());
  }, [props.timeMs, lines, props.shades, props.fromMs, props.toMs]);
  return (
    <div class="chart">
      <div ref={place} role="img" aria-label={label} />
      {hasNothing(props) && <p class="no-data">{t('chart.noData')}</p>}
    </div>
  );
}

const hasNothing = ({ lines }: ChartProps): boolean => lines.every(({ values }) => isEmpty(values));

const dataOf = ({ timeMs, lines }: ChartProps): uPlot.AlignedData => [[...timeMs], ...lines.map(({ values }) => [...values])];

function tell(box: Signal<PlotBox | undefined>, { left, width }: PlotBox): void {
  const before = box.peek();
  if (before?.left !== left || before.width !== width) box.value = { left, width };
}

/** A time that would be cut off at the right edge is left out. */
const timesThatFit = (u: uPlot, ticks: number[]): string[] =>
  timeTexts(ticks, reader()).map((text, i) => {
    const end = u.valToPos(ticks[i] as number, 'x') + (text.length * digitWidth) / 2;
    return end > u.over.clientWidth + padding[1] ? '' : text;
  });

/** Puts the crosshair at a moment. */
function point(plot: uPlot, ms: number | null): void {
  plot.setCursor({ left: ms === null ? -10 : plot.valToPos(ms, 'x'), top: 0 }, false);
}

function optionsOf(shown: { readonly current: ChartProps }, width: number): uPlot.Options {
  const { height, limit, lines, bands } = shown.current;
  const axis = {
    stroke: colourOf('--soft'),
    grid: { stroke: colourOf('--line'), width: 1 },
    ticks: { stroke: colourOf('--line'), width: 1 },
    font: '12px system-ui',
  };
  const isLogarithmic = limit !== undefined;
  return {
    width,
    height,
    ms: 1,
    padding,
    cursor: { y: false, drag: { x: true, y: false, setScale: false } },
    legend: { show: false },
    scales: {
      x: { time: true, range: () => [shown.current.fromMs, shown.current.toMs] },
      y: isLogarithmic
        ? {
            // A fault may be a hundred times the limit: what is below it is to be seen all the same.
            distr: 3,
            range: (_, min, max) => [Math.max(leastRatio, Math.min(0.1, min ?? 0.1)), Math.max(limit * 2, (max ?? 0) * 1.1)],
          }
        : // A scale without values would have no axis, and the time axis another beginning.
          { range: (_, min, max) => (min == null ? [0, 1] : uPlot.rangeNum(min, max, 0.1, true)) },
    },
    axes: [
      { ...axis, space: (u) => (u.width < narrow ? 62 : 90), size: 30, values: timesThatFit },
      {
        ...axis,
        size: axisWidth,
        space: tickDistance,
        ...(isLogarithmic && {
          splits: (u, _, min, max) => decades(min, max, Math.floor(u.over.clientHeight / tickDistance)),
          // The chart's own would leave out some of them.
          filter: (_, ticks) => ticks,
        }),
        values: (_, ticks, __, ___, increment) =>
          isLogarithmic || !hasNothing(shown.current)
            ? valueTexts(ticks, reader().locale, isLogarithmic ? undefined : increment)
            : ticks.map(() => ''),
      },
    ],
    series: [
      {},
      ...lines.map(({ colour, dash, width: stroke = 1.5, values }) => ({
        ...(colour !== undefined && { stroke: colourOf(colour) }),
        width: colour === undefined ? 0 : stroke,
        points: { show: colour !== undefined && values.length < 3 },
        ...(dash !== undefined && { dash: [...dash] }),
      })),
    ],
    bands: bands.map(({ high, low, colour }) => ({ series: [high + 1, low + 1] as [number, number], fill: colourOf(colour) })),
    hooks: {
      // Only then the plot is where it belongs.
      setSize: [({ over }) => tell(shown.current.box, { left: over.offsetLeft, width: over.clientWidth })],
      setSelect: [
        (u) => {
          const { left, width: across } = u.select;
          if (across > 4) shown.current.onZoom(u.posToVal(left, 'x'), u.posToVal(left + across, 'x'));
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      drawClear: [(u) => shade(u, shown.current)],
      draw: [(u) => drawLimit(u, limit)],
    },
  };
}

function shade(u: uPlot, { shades, fromMs, toMs }: ChartProps): void {
  const { ctx, bbox } = u;
  for (const span of shades) {
    const left = Math.max(bbox.left, u.valToPos(Math.max(span.fromMs, fromMs), 'x', true));
    const right = Math.min(bbox.left + bbox.width, u.valToPos(Math.min(span.toMs, toMs), 'x', true));
    ctx.fillStyle = colourOf(span.colour);
    ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
  }
}

function drawLimit(u: uPlot, limit: number | undefined): void {
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
}
