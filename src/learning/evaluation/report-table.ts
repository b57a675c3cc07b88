import { formatDuration } from '../../core/duration.ts';
import type { Metrics } from './metrics.ts';
import type { EvaluationReport, FaultMetrics, Precision } from './report.ts';

/** What `fettle evaluate` prints: pooled, by fault where faults are known, and by recording; at most 100 characters wide. */
export function reportTable({ pooled, files }: EvaluationReport): string {
  const precisions = Object.keys(pooled) as Precision[];
  const all = precisions.map((precision) => [precision, pooled[precision]] as const);
  const [, sample] = all[0] ?? [];
  if (sample === undefined) return 'nothing was evaluated\n';
  const faults = all.flatMap(([precision, metrics]) => (metrics?.faults ?? []).map((fault) => [fault, precision] as const));
  const names = shortNames(files.map(({ file }) => file));
  const each = files.flatMap((file, i) =>
    precisions.flatMap((precision, k) => {
      const metrics = file[precision];
      return metrics === undefined ? [] : [[k === 0 ? (names[i] as string) : '', precision, ...fileCells(metrics)]];
    }),
  );
  const sections = [
    `${files.length === 1 ? '1 recording' : `${files.length} recordings`}: ${overview(sample)}`,
    textTable(
      ['all', ...pooledHead],
      all.flatMap(([precision, metrics]) => (metrics === undefined ? [] : [[precision, ...pooledCells(metrics)]])),
    ),
    ...(faults.length === 0 ? [] : [textTable(['fault', '', ...faultHead], faultRows(faults))]),
    ...(files.length === 1 ? [] : [textTable(['recording', '', ...fileHead], each)]),
    notes(all.flatMap(([precision, metrics]) => (metrics === undefined ? [] : [[precision, metrics] as const]))),
  ];
  return `${sections.join('\n\n')}\n`;
}

function overview({ rows, anomalousRows, events, normalHours, rowsWithoutVerdict }: Metrics): string {
  return [
    `${rows.toLocaleString('en')} rows`,
    `${anomalousRows.toLocaleString('en')} anomalous in ${events === 1 ? '1 event' : `${events} events`}`,
    normalHours === 0 ? 'nothing normal under watch' : `${hours(normalHours)} normal`,
    ...(rowsWithoutVerdict > 0 ? [`${rowsWithoutVerdict.toLocaleString('en')} rows without a verdict`] : []),
  ].join(', ');
}

const pooledHead = ['F1', 'always', 'FAR %', 'MAR %', 'AUC', 'AP', 'VUS-PR', 'found', 'delay', 'p90', 'false/d', '95 % <'];
const pooledCells = (metrics: Metrics): string[] => [
  share(metrics.f1),
  share(metrics.alwaysAlarmF1),
  percent(metrics.far),
  percent(metrics.mar),
  share(metrics.auc),
  share(metrics.ap),
  share(metrics.vusPr),
  found(metrics),
  delay(metrics.delayMedianS),
  delay(metrics.delayP90S),
  rate(metrics.episodesPerDay),
  rate(metrics.episodesPerDayUpper95),
];

const fileHead = ['F1', 'always', 'FAR %', 'MAR %', 'AUC', 'VUS-PR', 'found', 'delay', 'false', 'normal'];
const fileCells = (metrics: Metrics): string[] => [
  share(metrics.f1),
  share(metrics.alwaysAlarmF1),
  percent(metrics.far),
  percent(metrics.mar),
  share(metrics.auc),
  share(metrics.vusPr),
  found(metrics),
  delay(metrics.delayMedianS),
  String(metrics.episodes),
  hours(metrics.normalHours),
];

const faultHead = ['FDR %', 'FAR %', 'AUC', 'found', 'delay', 'recordings'];
function faultRows(faults: readonly (readonly [FaultMetrics, Precision])[]): string[][] {
  const names = [...new Set(faults.map(([{ fault }]) => fault))];
  return names.flatMap((name) =>
    faults
      .filter(([{ fault }]) => fault === name)
      .map(([metrics, precision], i) => [
        i === 0 ? name : '',
        precision,
        percent(metrics.fdr),
        percent(metrics.far),
        share(metrics.auc),
        found(metrics),
        delay(metrics.delayMedianS),
        String(metrics.files),
      ]),
  );
}

function notes(all: readonly (readonly [Precision, Metrics])[]): string {
  const standing = all
    .filter(([, { standingAtOnset }]) => standingAtOnset > 0)
    .map(([name, metrics]) => `${name} ${metrics.standingAtOnset}`);
  return [
    'F1, FAR, MAR: rows, at the limit the model came with; always: F1 of an alarm that never ends.',
    'found: events with an alarm inside; delay: median of those, from the first row of the event.',
    'false, false/d: alarms that began on a normal row, and how many a day; 95 % <: upper bound of that.',
    ...(standing.length > 0 ? [`Of the events found, an alarm stood already when they began: ${standing.join(', ')}.`] : []),
  ].join('\n');
}

const dash = (value: number, write: (value: number) => string): string => (Number.isNaN(value) ? '-' : write(value));
const share = (value: number): string => dash(value, (number) => number.toFixed(3));
const percent = (value: number): string => dash(value * 100, (number) => number.toFixed(1));
const delay = (seconds: number): string => dash(seconds, (number) => (number === 0 ? '0 s' : formatDuration(number * 1000)));
const hours = (value: number): string => (value === 0 ? '-' : formatDuration(value * 3_600_000));
const rate = (value: number): string => dash(value, (number) => number.toFixed(number < 10 ? 2 : number < 100 ? 1 : 0));
const found = ({ events, missed }: { events: number; missed: number }): string => (events === 0 ? '-' : `${events - missed}/${events}`);

/** First column to the left, the others to the right. */
function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] as string).length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number))).join('  ');
  return lines.map((cells) => line(cells).trimEnd()).join('\n');
}

const nameWidth = 18;

/** Without the folders all have in common; from the left, where a name is still too long. */
function shortNames(files: readonly string[]): string[] {
  const folders = files.map((file) => file.split('/').slice(0, -1));
  let common = 0;
  while (folders.every((parts) => parts[common] !== undefined && parts[common] === folders[0]?.[common])) common++;
  return files.map((file) => {
    const name = file.split('/').slice(common).join('/');
    return name.length <= nameWidth ? name : `…${name.slice(name.length - nameWidth + 1)}`;
  });
}
