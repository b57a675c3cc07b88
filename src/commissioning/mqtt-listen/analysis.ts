import type { FieldRecord } from './field-record.ts';
import { clockOf, type FieldFinding, mergeField, type TimeFinding, timeOf } from './findings.ts';
import type { HeardTopics, TopicRecord } from './heard-topics.ts';
import type { PayloadKind } from './payload.ts';
import { type GroupLevel, groupTopics, type TopicGroup } from './topic-groups.ts';

/** Topics of one shape, as a person wants to know them. */
export interface GroupFinding {
  readonly template: string;
  readonly levels: readonly GroupLevel[];
  readonly topicCount: number;
  /** The first of them. */
  readonly topics: readonly string[];
  readonly kind: PayloadKind;
  /** Other kinds of payload among them, and what was wrong with some. */
  readonly remarks: readonly string[];
  readonly messages: number;
  readonly retained: number;
  readonly repeated: number;
  /** Live messages of all these topics. */
  readonly perSecond: number;
  /** Of one topic, ms; null where too few came. */
  readonly intervalMs: number | null;
  readonly longestGapMs: number | null;
  /** onChange: the distances are irregular. */
  readonly rhythm: 'regular' | 'onChange' | 'unknown';
  readonly bytes: { readonly smallest: number; readonly largest: number };
  readonly qos: readonly number[];
  readonly decimal: 'point' | 'comma';
  readonly csv?: { readonly separator: string; readonly header?: readonly string[]; readonly columnCount: number };
  readonly measurements?: readonly MeasurementFinding[];
  readonly time?: TimeFinding;
  readonly fields: readonly FieldFinding[];
}

export interface MeasurementFinding {
  readonly name: string;
  readonly lines: number;
  readonly timed: number;
  readonly tags: readonly { readonly name: string; readonly isInAll: boolean; readonly values: readonly string[] }[];
}

/** A group with the records it was made of, which a proposal is tried on. */
export interface Analysed {
  readonly finding: GroupFinding;
  readonly group: TopicGroup;
}

const shownTopics = 20;

/** `seconds`: how long was listened. */
export function analyse(heard: HeardTopics, seconds: number): Analysed[] {
  return groupTopics(heard.topics.values())
    .map((group) => ({ group, finding: findingOf(group, seconds) }))
    .sort((a, b) => b.finding.messages - a.finding.messages || (a.finding.template < b.finding.template ? -1 : 1));
}

const sum = (topics: readonly TopicRecord[], of: (topic: TopicRecord) => number): number => topics.reduce((n, topic) => n + of(topic), 0);

function findingOf({ template, levels, topics }: TopicGroup, seconds: number): GroupFinding {
  const [first] = topics as [TopicRecord];
  const { kind } = first;
  const byPath = new Map<string, { field: FieldRecord; topic: string }[]>();
  for (const { topic, fields } of topics)
    for (const field of fields.values()) {
      const same = byPath.get(field.path);
      if (same === undefined) byPath.set(field.path, [{ field, topic }]);
      else same.push({ field, topic });
    }
  const dissected = Math.max(
    1,
    sum(topics, ({ kinds, isCut }) => (isCut ? 0 : (kinds.get(kind) ?? 0))),
  );
  const time: TimeFinding | undefined =
    kind === 'influx'
      ? clockOf(topics.map(({ lineClock, topic }) => ({ clock: lineClock, topic })))
      : timeOf(kind, [...byPath.values()], dissected);
  const fields = [...byPath.values()].map((records) => {
    const field = mergeField(records, dissected);
    return field.path === time?.path && field.role === 'value' ? { ...field, role: 'time' as const } : field;
  });
  const gaps = topics.flatMap((topic) => topic.gaps).sort((a, b) => a - b);
  const messages = sum(topics, (topic) => topic.messages);
  const retained = sum(topics, (topic) => topic.retained);
  const commas = fields.reduce((n, field) => n + field.needsComma, 0);
  return {
    template,
    levels,
    topicCount: topics.length,
    topics: topics.slice(0, shownTopics).map(({ topic }) => topic),
    kind,
    remarks: remarksOf(topics, kind),
    messages,
    retained,
    repeated: sum(topics, (topic) => topic.repeated),
    perSecond: (messages - retained) / Math.max(seconds, 0.001),
    intervalMs: at(gaps, 0.5) ?? null,
    longestGapMs: gaps.at(-1) ?? null,
    rhythm: rhythmOfMost(topics),
    bytes: { smallest: Math.min(...topics.map((topic) => topic.smallest)), largest: Math.max(...topics.map((topic) => topic.largest)) },
    qos: [...new Set(topics.flatMap((topic) => [...topic.qos]))].sort(),
    decimal: commas > 0 && commas > fields.reduce((n, field) => n + field.needsPoint, 0) ? 'comma' : 'point',
    ...(first.csv !== undefined &&
      kind === 'csv' && {
        csv: {
          separator: first.csv.separator,
          columnCount: first.csv.columnCount,
          ...(first.csv.header !== undefined && { header: first.csv.header }),
        },
      }),
    ...(kind === 'influx' && { measurements: measurementsOf(topics) }),
    ...(time !== undefined && { time }),
    fields,
  };
}

const at = (sorted: readonly number[], share: number): number | undefined =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

const enoughGaps = 5;

/** `gaps`: between the messages of one topic, ms. */
export function rhythmOf(gaps: readonly number[]): GroupFinding['rhythm'] {
  if (gaps.length < enoughGaps) return 'unknown';
  const sorted = [...gaps].sort((a, b) => a - b);
  const isIrregular = (at(sorted, 0.9) as number) > 3 * Math.max(1, at(sorted, 0.1) as number) && (sorted.at(-1) as number) > 500;
  return isIrregular ? 'onChange' : 'regular';
}

/** Most topics decide. */
function rhythmOfMost(topics: readonly TopicRecord[]): GroupFinding['rhythm'] {
  const judged = topics.map(({ gaps }) => rhythmOf(gaps)).filter((rhythm) => rhythm !== 'unknown');
  if (judged.length === 0) return 'unknown';
  return judged.filter((rhythm) => rhythm === 'onChange').length * 2 > judged.length ? 'onChange' : 'regular';
}

function remarksOf(topics: readonly TopicRecord[], kind: PayloadKind): string[] {
  const counts = new Map<string, number>();
  for (const { kinds, remarks } of topics) {
    for (const [other, n] of kinds)
      if (other !== kind) counts.set(`payload of another kind: ${other}`, (counts.get(`payload of another kind: ${other}`) ?? 0) + n);
    for (const [remark, n] of remarks) counts.set(remark, (counts.get(remark) ?? 0) + n);
  }
  return [...counts].map(([remark, n]) => `${remark} (${n})`);
}

function measurementsOf(topics: readonly TopicRecord[]): MeasurementFinding[] {
  const names = [...new Set(topics.flatMap(({ measurements }) => [...measurements.keys()]))];
  return names.map((name) => {
    const records = topics.flatMap(({ measurements }) => measurements.get(name) ?? []);
    const lines = records.reduce((n, record) => n + record.lines, 0);
    const tags = [...new Set(records.flatMap((record) => [...record.tags.keys()]))].map((tag) => ({
      name: tag,
      isInAll: records.reduce((n, record) => n + (record.tags.get(tag)?.lines ?? 0), 0) === lines,
      values: [...new Set(records.flatMap((record) => [...(record.tags.get(tag)?.values ?? [])]))].slice(0, shownTopics),
    }));
    return { name, lines, timed: records.reduce((n, record) => n + record.timed, 0), tags };
  });
}
