import { formatDuration } from '../../core/duration.ts';
import { type Metrics, metricsOf } from './metrics.ts';
import { logTicks, rowTicks, timeTicks } from './plot-axis.ts';
import { plotScript, plotStyle } from './plot-page.ts';
import { columnMeans, curvePath, pictureWidth, short, type TimeScale, timeScale } from './plot-path.ts';
import type { LabelledRecording } from './recording.ts';
import type { Precision } from './report.ts';
import { medianStepMs } from './time-order.ts';
import { quantile, runsOf, type VerdictSeries } from './verdict-series.ts';

export type PlottedRecording = Pick<LabelledRecording, 'file' | 'columns' | 'timeMs' | 'timed' | 'values' | 'label'>;

const signalHeight = 50;
const scoreHeight = 170;
const barHeight = 18;
/** At most this many columns have a value under the pointer. */
const mostPointerColumns = 800;
/** A curve is broken where rows are further apart than this many steps. */
const gapSteps = 5;
/** A narrower bar would not be seen. */
const narrowestBar = 1.6;

/**
 * One page that needs nothing else: score over limit (log scale), truth and alarms as bars, and every channel, over one axis of time. Truth is shaded
 * through all panels; rows before the first verdict are marked as learnt from. `series` has the verdicts by precision.
 */
export function plotHtml(recording: PlottedRecording, series: ReadonlyMap<Precision, VerdictSeries>): string {
  const picture = new Picture(recording, series);
  const name = recording.file.replace(/^.*[/\\]/, '');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${text(name)} · Fettle</title>
<style>${plotStyle}</style>
</head>
<body>
<h1>${text(recording.file)}</h1>
<p class="about">${text(picture.about())}</p>
<div class="scroll">${metricsTable(series)}</div>
${picture.legend()}
${picture.plot()}
<script type="application/json" id="plot-data">${picture.data()}</script>
<script>${plotScript}</script>
</body>
</html>
`;
}

const metricColumns: readonly (readonly [string, (metrics: Metrics) => string])[] = [
  ['F1', ({ f1 }) => share(f1)],
  ['always alarm', ({ alwaysAlarmF1 }) => share(alwaysAlarmF1)],
  ['FAR', ({ far }) => percent(far)],
  ['MAR', ({ mar }) => percent(mar)],
  ['AUC', ({ auc }) => share(auc)],
  ['VUS-PR', ({ vusPr }) => share(vusPr)],
  ['events found', ({ events, missed }) => (events === 0 ? '–' : `${events - missed} of ${events}`)],
  ['median delay', ({ delayMedianS }) => orDash(delayMedianS, (s) => (s === 0 ? '0 s' : formatDuration(s * 1000)))],
  ['false alarms', ({ episodes, normalHours }) => (normalHours === 0 ? '–' : `${episodes} in ${formatDuration(normalHours * 3_600_000)}`)],
];

function metricsTable(series: ReadonlyMap<Precision, VerdictSeries>): string {
  const rows = [...series].map(([precision, verdicts]) => {
    const metrics = metricsOf([verdicts]);
    return `<tr><td style="color:var(--${precision})">${precision}</td>${metricColumns.map(([, cell]) => `<td>${cell(metrics)}</td>`).join('')}</tr>`;
  });
  return `<table class="metrics"><tr><th></th>${metricColumns.map(([name]) => `<th>${name}</th>`).join('')}</tr>${rows.join('')}</table>`;
}

class Picture {
  readonly #recording: PlottedRecording;
  readonly #series: ReadonlyMap<Precision, VerdictSeries>;
  readonly #stepMs: number;
  readonly #from: number;
  readonly #to: number;
  readonly #x: TimeScale;
  readonly #pointerColumns: number;
  /** By panel and line: what the page shows under the pointer. */
  readonly #panels: (readonly (number | null)[])[][] = [];

  constructor(recording: PlottedRecording, series: ReadonlyMap<Precision, VerdictSeries>) {
    this.#recording = recording;
    this.#series = series;
    this.#stepMs = medianStepMs([recording.timeMs]) ?? 1000;
    this.#from = recording.timeMs[0] ?? 0;
    this.#to = (recording.timeMs.at(-1) ?? 0) + this.#stepMs;
    this.#x = timeScale(this.#from, this.#to);
    this.#pointerColumns = Math.min(mostPointerColumns, Math.max(1, Math.round((this.#to - this.#from) / this.#stepMs)));
  }

  about(): string {
    const { timeMs, columns, timed } = this.#recording;
    const span = timed ? `${clock(this.#from)} to ${clock(this.#to)} UTC, ${formatDuration(this.#to - this.#from)}` : 'rows without a time';
    return `${timeMs.length.toLocaleString('en')} rows · ${columns.length} channels · ${timed ? `every ${formatDuration(this.#stepMs)} · ` : ''}${span}`;
  }

  legend(): string {
    const key = (colour: string, words: string, style = '', opacity = 1): string =>
      `<span class="${style}" style="--key:var(--${colour});--key-opacity:${opacity}">${words}</span>`;
    return `<div class="legend">${[
      ...(this.#recording.label === undefined ? [] : [key('truth', 'labelled anomalous', '', 0.5)]),
      ...[...this.#series.keys()].map((precision) => key(precision, `${precision}: score and alarms`)),
      key('false', 'false alarm: begun on a normal row'),
      key('false', 'limit', 'dash'),
      ...(this.#learntUntil() > this.#from ? [key('learnt', 'learnt from, no verdicts', '', 0.4)] : []),
    ].join('')}</div>`;
  }

  plot(): string {
    const { columns, values, timeMs } = this.#recording;
    const gap = gapSteps * this.#stepMs;
    const scores = this.#scores();
    const signals = columns.map((column, i) => {
      const signal = values[i] as Float64Array;
      const [low, high] = rangeOf(signal);
      const y = linear(low, high, signalHeight);
      const path = `<path class="curve" d="${curvePath(timeMs, signal, this.#x, y, gap)}"/>`;
      return this.#row(
        `<div class="name" title="${text(column)}">${text(column)}</div>`,
        this.#svg(signalHeight, path),
        [number(high), number(low)],
        [columnMeans(timeMs, signal, this.#x, this.#pointerColumns)],
      );
    });
    return `<div class="plot">${scores}<div class="part">${this.#bars()}</div><div class="part">${signals.join('')}</div>${this.#axis()}<div class="hair"><span class="when"></span></div></div>`;
  }

  data(): string {
    const row = this.#recording.timed ? 0 : this.#stepMs;
    return JSON.stringify({ from: this.#from, to: this.#to, row, panels: this.#panels }).replaceAll('<', '\\u003c');
  }

  #scores(): string {
    const all = [...this.#series.values()].flatMap(({ score }) =>
      Array.from(score).filter((value) => value > 0 && value < Number.POSITIVE_INFINITY),
    );
    const low = Math.min(0.3, Math.max(1e-3, quantile(all, 0.005) || 0.3));
    const high = Math.max(3, ...[quantile(all, 1)].filter(Number.isFinite)) * 1.15;
    const scale = linear(Math.log10(low), Math.log10(high), scoreHeight);
    const y = (score: number): number => scale(Math.log10(Math.min(high, Math.max(low, score))));
    const ticks = logTicks(low, high);
    const lines = ticks.map((tick) => `<line class="grid" x2="${pictureWidth}" y1="${short(y(tick))}" y2="${short(y(tick))}"/>`);
    const limit = `<line class="limit" x2="${pictureWidth}" y1="${short(y(1))}" y2="${short(y(1))}"/>`;
    const curves = [...this.#series].map(
      ([precision, { timeMs, score, stepMs }], i) =>
        `<path class="score${i < this.#series.size - 1 ? ' under' : ''}" style="stroke:var(--${precision})" d="${curvePath(timeMs, score, this.#x, y, gapSteps * stepMs)}"/>`,
    );
    const labels = ticks.map((tick) => `<b style="top:${short((100 * y(tick)) / scoreHeight)}%">${number(tick)}</b>`);
    return this.#row(
      `<div class="scale"><strong>score / limit</strong>${labels.join('')}</div>`,
      this.#svg(scoreHeight, [...lines, ...curves, limit].join('')),
      [],
      [...this.#series.values()].map(({ timeMs, score }) => columnMeans(timeMs, score, this.#x, this.#pointerColumns)),
    );
  }

  #bars(): string {
    const { label, timeMs } = this.#recording;
    const truth = label === undefined ? [] : runsOf(label).map(({ first, last }) => this.#bar(timeMs, first, last, 'class="truth solid"'));
    const rows = [...this.#series].map(([precision, verdicts]) => {
      const bars = runsOf(verdicts.alarm).map(({ first, last }) =>
        this.#bar(verdicts.timeMs, first, last, verdicts.label[first] === 1 ? `style="fill:var(--${precision})"` : 'class="false"'),
      );
      return this.#row(`<div class="name">alarm ${precision}</div>`, this.#svg(barHeight, bars.join('')));
    });
    return [
      ...(label === undefined ? [] : [this.#row('<div class="name">truth</div>', this.#svg(barHeight, truth.join('')))]),
      ...rows,
    ].join('');
  }

  #bar(timeMs: Float64Array, first: number, last: number, look: string): string {
    const left = this.#x(timeMs[first] as number);
    const width = Math.max(narrowestBar, this.#x((timeMs[last] as number) + this.#stepMs) - left);
    return `<rect x="${short(left)}" width="${short(width)}" y="3" height="${barHeight - 6}" ${look}/>`;
  }

  /** A panel with truth and learning shaded behind its content. */
  #svg(height: number, content: string): string {
    const { label, timeMs } = this.#recording;
    const band = (from: number, to: number, look: string): string =>
      `<rect x="${short(from)}" width="${short(Math.max(0.5, to - from))}" height="${height}" class="${look}"/>`;
    const truth = label === undefined ? [] : runsOf(label);
    const bands = truth.map(({ first, last }) =>
      band(this.#x(timeMs[first] as number), this.#x((timeMs[last] as number) + this.#stepMs), 'truth'),
    );
    const learnt = this.#x(this.#learntUntil());
    const behind = learnt > 0 ? [band(0, learnt, 'learnt'), ...bands] : bands;
    return `<svg viewBox="0 0 ${pictureWidth} ${height}" height="${height}" preserveAspectRatio="none">${behind.join('')}${content}</svg>`;
  }

  #row(name: string, svg: string, range: readonly string[] = [], pointer: readonly Float64Array[] = []): string {
    const panel = pointer.length === 0 ? '' : ` data-panel="${this.#panels.push(pointer.map(toJson)) - 1}"`;
    return `<div class="row">${name}${svg}<div class="range"${panel}>${range.map((end) => `<span>${end}</span>`).join('')}</div></div>`;
  }

  #axis(): string {
    const ticks = this.#recording.timed ? timeTicks(this.#from, this.#to) : rowTicks(this.#from, this.#to, this.#stepMs);
    const marks = ticks.map(({ at, text: words, day }) => {
      const left = short((100 * this.#x(at)) / pictureWidth);
      return `<i style="left:${left}%">${words}${day === undefined ? '' : `\n${day}`}</i>`;
    });
    return `<div class="row axis"><div class="name"></div><div class="times">${marks.join('')}</div><div></div></div>`;
  }

  /** Begin of the first verdict's row. */
  #learntUntil(): number {
    const begins = [...this.#series.values()].flatMap(({ timeMs }) => Array.from(timeMs.subarray(0, 1)));
    return begins.length === 0 ? this.#from : Math.min(...begins);
  }
}

/** A twentieth of the height stays free above and below. */
const linear =
  (low: number, high: number, height: number) =>
  (value: number): number =>
    height * (0.95 - (0.9 * (value - low)) / (high - low || 1));

function rangeOf(values: Float64Array): [low: number, high: number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}

const toJson = (values: Float64Array): (number | null)[] =>
  Array.from(values, (value) => (Number.isFinite(value) ? Number(value.toPrecision(4)) : null));
const number = (value: number): string => String(Number(value.toPrecision(4)));
const orDash = (value: number, write: (value: number) => string): string => (Number.isNaN(value) ? '–' : write(value));
const share = (value: number): string => orDash(value, (known) => known.toFixed(3));
const percent = (value: number): string => orDash(value, (known) => `${(known * 100).toFixed(1)} %`);
const clock = (timeMs: number): string => new Date(timeMs).toISOString().replace('T', ' ').slice(0, 19);
const text = (words: string): string =>
  words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
