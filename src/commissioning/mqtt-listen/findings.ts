import type { FieldRecord } from './field-record.ts';
import type { PayloadKind } from './payload.ts';
import { type ClockRecord, isUptimeName, type TimeForm, timeNamePoints } from './time-stamp.ts';

/** What a value is. `identity`: it says whose values stand beside it. */
export type FieldRole = 'value' | 'switch' | 'words' | 'text' | 'time' | 'uptime' | 'sequence' | 'identity' | 'unit' | 'nothing' | 'moving';

/** One value of a shape, over all its topics. */
export interface FieldFinding {
  readonly path: string;
  readonly name: string;
  readonly role: FieldRole;
  /** Share of the messages that have it. */
  readonly share: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly units: readonly string[];
  readonly words: readonly string[];
  readonly examples: readonly string[];
  readonly asText: boolean;
  readonly needsPoint: number;
  readonly needsComma: number;
  /** Lengths, where it is an array. */
  readonly elements?: { readonly shortest: number; readonly longest: number };
}

export interface TimeFinding {
  /** Undefined where lines bring theirs at the end (line protocol). */
  readonly path?: string;
  readonly forms: readonly TimeForm[];
  /** Arrival minus stamp, ms: the median of all, and the topic that is furthest off. */
  readonly behindMs: number | null;
  readonly worst: { readonly topic: string; readonly behindMs: number } | null;
  /** zone: stamps without one, off by whole quarters of an hour. foreign: a date that cannot be read. uptime: counts, and is no time of day. */
  readonly trouble?: 'zone' | 'foreign' | 'uptime' | 'ahead' | 'behind';
}

interface Recorded {
  readonly field: FieldRecord;
  readonly topic: string;
}

const identityName =
  /^(?:.*\/)?(?:device|machine|sensor|node|asset|station|equipment|serial|serialnumber|sn|mac|uuid|guid|id|name|tag|key|metric|point|addr|address|imei|eui|deveui|hostname|host|client)(?:_?(?:id|name|no|nr|number|eui))?$/i;
const noValueName = /^(?:.*\/)?(?:version|firmware|fw|sw|hw|ip|ssid|schema|topic|protocol|model|type)(?:_?version)?$/i;
const unitName = /^(?:.*\/)?(?:unit|units|uom|u|einheit|engineeringunit)$/i;
const sequenceName = /^(?:.*\/)?(?:seq|sequence|seqno|seqnr|counter|cnt|msgid|messageid|msg_id|nr|no|packet)$/i;
export const knownWords =
  /^(?:open|opened|closed|close|running|run|stopped|stop|idle|ok|good|bad|fault|error|alarm|warning|normal|auto|manual|yes|no|high|low|active|inactive|enabled|disabled|started|starting|stopping|up|down|auf|zu|an|aus|ein|betrieb|stillstand|störung)$/i;
const mostWords = 6;

export function mergeField(records: readonly Recorded[], dissected: number): FieldFinding {
  const fields = records.map(({ field }) => field);
  const [first] = fields as [FieldRecord];
  const total = (of: (field: FieldRecord) => number): number => fields.reduce((n, field) => n + of(field), 0);
  const min = Math.min(...fields.map((field) => field.min));
  const longest = Math.max(...fields.map((field) => field.longest));
  return {
    path: first.path,
    name: first.name,
    role: roleOf(fields, total),
    share: Math.min(1, total((field) => field.seen) / dissected),
    min: Number.isFinite(min) ? min : null,
    max: Number.isFinite(min) ? Math.max(...fields.map((field) => field.max)) : null,
    units: [...new Set(fields.flatMap((field) => [...field.units]))],
    words: [...new Set(fields.flatMap((field) => [...field.words.keys()]))].slice(0, mostWords + 1),
    examples: [...new Set(fields.flatMap((field) => field.examples))].slice(0, 3),
    asText: total((field) => field.asText) > 0,
    needsPoint: total((field) => field.needsPoint),
    needsComma: total((field) => field.needsComma),
    ...(longest > 0 && { elements: { shortest: Math.min(...fields.map((field) => field.shortest)), longest } }),
  };
}

function roleOf(fields: readonly FieldRecord[], total: (of: (field: FieldRecord) => number) => number): FieldRole {
  const [{ name, path }] = fields as [FieldRecord];
  const numbers = total((field) => field.numbers);
  const texts = total((field) => field.texts);
  const switches = total((field) => field.switches);
  const times = total((field) => field.clock.times);
  const seen = total((field) => field.seen);
  const last = (name.split('/').at(-1) ?? name).trim();
  if (fields.some((field) => field.isRenamed)) return 'moving';
  if (unitName.test(name) && texts > 0 && numbers === 0) return 'unit';
  if (noValueName.test(name) && path !== '$') return 'text';
  if (timeNamePoints(last) > 0 && times * 10 >= seen * 9) return 'time';
  if (times === seen && texts + numbers > 0 && timeNamePoints(last) === 0 && numbers === 0) return 'time';
  if (isUptimeName(last) || (timeNamePoints(last) === 3 && fields.some((field) => field.clock.counts !== undefined))) return 'uptime';
  const changes = total((field) => field.changes);
  const isIdentity = identityName.test(name) && path !== '$';
  if ((isIdentity || sequenceName.test(last)) && changes > 0 && total((field) => field.stepsOfOne) * 10 >= changes * 8) return 'sequence';
  // Another text in each message is a number of the message.
  if (isIdentity) return fields.some((field) => field.hasMoreWords) && changes * 20 >= (seen - fields.length) * 19 ? 'text' : 'identity';
  if (numbers + switches > 0 && texts * 10 <= numbers + switches) return numbers === 0 ? 'switch' : 'value';
  if (texts === 0) return 'nothing';
  const words = new Set(fields.flatMap((field) => [...field.words.keys()]));
  if (fields.some((field) => field.hasMoreWords) || words.size > mostWords || numbers > 0) return 'text';
  // A text that stands still is more likely a name than a state.
  return [...words].every((word) => knownWords.test(word)) || changes > 0 ? 'words' : 'text';
}

const quarterMs = 900_000;
/** What a network and a device may take. */
const nearMs = 60_000;
const aheadMs = 10_000;

/** Which field is the time of the message, and what is to be thought of it. */
export function timeOf(kind: PayloadKind, fields: readonly (readonly Recorded[])[], dissected: number): TimeFinding | undefined {
  if (kind !== 'json' && kind !== 'csv') return undefined;
  const candidates = fields
    .map((records) => {
      const [{ field }] = records as [Recorded];
      const name = (field.name.split('/').at(-1) ?? '').replace(/[^\p{L}\p{N}_]/gu, '');
      const times = records.reduce((n, one) => n + one.field.clock.times, 0);
      const seen = records.reduce((n, one) => n + one.field.seen, 0);
      const changes = records.reduce((n, one) => n + one.field.changes, 0);
      const isTime = times * 10 >= seen * 9 && seen * 2 >= dissected;
      const isText = records.some((one) => [...one.field.clock.forms.keys()].some((form) => form === 'iso' || form === 'local'));
      // A counter can look like an epoch; its name, or being right, tells.
      const isRight = Math.abs(median(records.flatMap((one) => one.field.clock.behindMs)) ?? Number.POSITIVE_INFINITY) < nearMs;
      const points =
        timeNamePoints(name) + (isText ? 1 : 0) + (isRight ? 2 : 0) + (changes * 2 > seen ? 1 : 0) - field.path.split(/[.[]/).length / 10;
      const counts = timeNamePoints(name) > 0 && records.some((one) => one.field.clock.counts !== undefined);
      return { records, isTime, counts, points, isNamed: timeNamePoints(name) > 0 || isText || isRight };
    })
    .sort((a, b) => b.points - a.points);
  const best = candidates.find(({ isTime, isNamed }) => isTime && isNamed);
  if (best !== undefined)
    return {
      path: best.records[0]?.field.path as string,
      ...clockOf(best.records.map(({ field, topic }) => ({ clock: field.clock, topic }))),
    };
  const counting = candidates.find(({ counts }) => counts);
  const path = counting?.records[0]?.field.path;
  return path === undefined ? undefined : { path, forms: [], behindMs: null, worst: null, trouble: 'uptime' };
}

/** What stamps of one kind say of the clocks that made them. */
export function clockOf(records: readonly { readonly clock: ClockRecord; readonly topic: string }[]): Omit<TimeFinding, 'path'> {
  const forms = [...new Set(records.flatMap(({ clock }) => [...clock.forms.keys()]))];
  const behindMs = median(records.flatMap(({ clock }) => clock.behindMs)) ?? null;
  const byTopic = records
    .map(({ clock, topic }) => ({ topic, behindMs: median(clock.behindMs) }))
    .filter((one): one is { topic: string; behindMs: number } => one.behindMs !== undefined)
    .sort((a, b) => Math.abs(b.behindMs) - Math.abs(a.behindMs));
  const worst = byTopic[0] ?? null;
  const trouble = troubleOf(forms, worst?.behindMs ?? 0);
  return { forms, behindMs, worst, ...(trouble !== undefined && { trouble }) };
}

function troubleOf(forms: readonly TimeForm[], worstMs: number): TimeFinding['trouble'] {
  if (forms.includes('foreign')) return 'foreign';
  const quarters = Math.round(worstMs / quarterMs);
  if (forms.includes('local') && quarters !== 0 && Math.abs(quarters) <= 56 && Math.abs(worstMs - quarters * quarterMs) < nearMs)
    return 'zone';
  if (worstMs < -aheadMs) return 'ahead';
  return worstMs > nearMs ? 'behind' : undefined;
}

export function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}
