import type { GroupFinding } from '../commissioning/mqtt-listen/analysis.ts';
import type { FieldFinding, TimeFinding } from '../commissioning/mqtt-listen/findings.ts';
import type { ListenReport } from '../commissioning/mqtt-listen/report.ts';
import { formatBytes, formatDuration } from '../core/duration.ts';
import { aligned, printable } from './aligned.ts';
import type { Paint } from './status-view.ts';

const shownGroups = 40;
const shownFields = 24;
const shownValues = 6;

const kindWords: Record<GroupFinding['kind'], string> = {
  json: 'JSON',
  scalar: 'bare value',
  csv: 'CSV',
  influx: 'line protocol',
  word: 'words',
  text: 'text',
  binary: 'binary, cannot be read',
  sparkplug: 'Sparkplug B (protobuf), cannot be read',
  empty: 'empty',
};

/** Shapes with what stands in them, hints, and the part of fettle.yaml. Ends with a line break. */
export function renderListen(report: ListenReport, paint: Paint): string {
  const { url, filters, protocol, seconds, endedBy, messages, topics, bytes, groups, hints, yaml, proposal } = report;
  const ended = endedBy === undefined ? '' : endedBy === 'closed' ? ', closed by the broker' : ', interrupted';
  const lines = [
    paint('bold', `${filters.map(printable).join(' ')} at ${url} (MQTT ${protocol}), ${formatDuration(seconds * 1000)}${ended}`),
    `${count(messages, 'message')} (${formatBytes(bytes)}), ${count(topics, 'topic')}, ${count(groups.length, 'shape')}`,
  ];
  for (const group of groups.slice(0, shownGroups)) lines.push('', ...renderGroup(group, report, paint));
  if (groups.length > shownGroups) lines.push('', `and ${groups.length - shownGroups} more shapes; --json has them`);
  if (hints.length > 0) lines.push('', ...hints.map((hint) => paint('yellow', `→ ${printable(hint)}`)));
  if (yaml !== undefined) {
    const { samples, messages: tried } = proposal.trial;
    lines.push(
      '',
      paint(
        'dim',
        `# for fettle.yaml; read as it stands here, the last messages of ${count(tried, 'topic')} give ${count(samples, 'value')}`,
      ),
      yaml.trimEnd(),
    );
  }
  return `${lines.join('\n')}\n`;
}

const count = (n: number, noun: string): string => `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;

function renderGroup(group: GroupFinding, { qos }: ListenReport, paint: Paint): string[] {
  const { template, kind, topicCount, bytes, levels, csv, measurements, fields, time, remarks } = group;
  const size = bytes.smallest === bytes.largest ? `${bytes.smallest}` : `${bytes.smallest}-${bytes.largest}`;
  const facts = [
    kindWords[kind],
    count(topicCount, 'topic'),
    count(group.messages, 'message'),
    ...rhythm(group),
    `${size} bytes`,
    ...(group.retained > 0 ? [`${group.retained} retained`] : []),
    ...(group.repeated > 0 ? [`${Math.round((group.repeated / group.messages) * 100)} % repeat the one before`] : []),
    ...(qos > 0 ? [`QoS ${group.qos.join(', ')}`] : []),
  ];
  return [
    paint('bold', printable(template)),
    `  ${facts.join(', ')}`,
    ...levels.flatMap(({ name, values }) => (name === undefined ? [] : [`  {${name}}: ${some(values)}`])),
    ...(csv === undefined
      ? []
      : [
          `  separator ${JSON.stringify(csv.separator)}, ${csv.columnCount} columns, ${csv.header === undefined ? 'no header' : `header ${some(csv.header)}`}`,
        ]),
    ...(measurements ?? []).map(
      ({ name, tags }) =>
        `  ${printable(name)}${tags.length === 0 ? '' : `, told apart by ${tags.map((tag) => `${printable(tag.name)} (${some(tag.values)})`).join(', ')}`}`,
    ),
    ...(time === undefined
      ? kind === 'json' || kind === 'csv'
        ? ['  no time in it: samples get the time of their arrival']
        : []
      : [`  ${renderTime(time, paint)}`]),
    ...(kind === 'scalar' || kind === 'word' || kind === 'json' || kind === 'csv' || kind === 'influx'
      ? renderFields(fields, time?.path)
      : []),
    ...remarks.map((remark) => paint('yellow', `  ${printable(remark)}`)),
  ];
}

function rhythm({ intervalMs, perSecond, rhythm: kind, longestGapMs }: GroupFinding): string[] {
  if (intervalMs === null) return [];
  const rate = perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toPrecision(2);
  return [
    `${rate}/s`,
    kind === 'onChange'
      ? `irregular (most often after ${formatDuration(intervalMs)}, at most ${formatDuration(longestGapMs ?? 0)}): on change?`
      : `every ${formatDuration(intervalMs)}`,
  ];
}

const formWords: Record<TimeFinding['forms'][number], string> = {
  iso: 'ISO 8601',
  local: 'ISO 8601 without a zone',
  s: 'epoch in s',
  ms: 'epoch in ms',
  us: 'epoch in µs',
  ns: 'epoch in ns',
  foreign: 'a date that is not read',
};

function renderTime({ path, forms, behindMs, worst, trouble }: TimeFinding, paint: Paint): string {
  const where = path === undefined ? 'time of the lines' : `time ${printable(path)}`;
  if (trouble === 'uptime') return `${where}: ${paint('yellow', 'uptime, no clock')}`;
  if (forms.length === 0) return 'no time in it: samples get the time of their arrival';
  if (trouble === 'foreign') return paint('yellow', `${where}: ${formWords.foreign}`);
  const median = behindMs === null ? 'only in retained messages' : `clock ${offset(behindMs)}`;
  const furthest = worst === null || worst.behindMs === behindMs ? '' : `, worst ${offset(worst.behindMs)} (${printable(worst.topic)})`;
  const text = `${where}: ${forms.map((form) => formWords[form]).join(', ')}; ${median}${furthest}`;
  return trouble === undefined ? text : paint('yellow', `${text}${trouble === 'zone' ? '; local time without a zone?' : ''}`);
}

/** The way to here takes time, and clocks are never quite the same. */
const unremarkableMs = 1_000;
const offset = (behindMs: number): string =>
  Math.abs(behindMs) < unremarkableMs ? 'right' : `${formatDuration(Math.abs(behindMs))} ${behindMs > 0 ? 'behind' : 'ahead'}`;

function renderFields(fields: readonly FieldFinding[], timePath: string | undefined): string[] {
  const shown = fields.filter(({ path }) => path !== timePath).slice(0, shownFields);
  const rows = shown.map(({ path, role, min, max, units, words, examples, share, elements, asText }) => [
    `  ${path}`,
    role === 'value' && asText ? 'number as text' : roleWords[role],
    role === 'words'
      ? some(words)
      : min === null || role !== 'value'
        ? some(examples)
        : min === max
          ? number(min)
          : `${number(min)} … ${number(max ?? min)}`,
    units.join(', '),
    [
      ...(elements === undefined
        ? []
        : [`${elements.shortest === elements.longest ? elements.longest : `${elements.shortest}-${elements.longest}`} at a time`]),
      ...(share < 0.99 ? [`in ${Math.round(share * 100)} %`] : []),
    ].join(', '),
  ]);
  const more = fields.length - (timePath === undefined ? 0 : 1) - shown.length;
  return [...aligned(rows), ...(more > 0 ? [`  and ${more} more; --json has them`] : [])];
}

const roleWords: Record<FieldFinding['role'], string> = {
  value: 'number',
  switch: 'switch',
  words: 'states',
  text: 'text',
  time: 'a time',
  uptime: 'uptime',
  sequence: 'number of the message',
  identity: 'who it is',
  unit: 'unit',
  nothing: 'never a value',
  moving: 'moves about',
};

const some = (texts: readonly string[]): string =>
  `${texts.slice(0, shownValues).map(printable).join(', ')}${texts.length > shownValues ? `, … (${texts.length})` : ''}`;
const number = (value: number): string => String(Number(value.toPrecision(6)));
