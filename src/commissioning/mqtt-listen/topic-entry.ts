import { formatDuration } from '../../core/duration.ts';
import { topicTemplateProblem } from '../../sources/mqtt/topic-template.ts';
import type { Analysed } from './analysis.ts';
import { type FieldFinding, knownWords } from './findings.ts';
import { tagPatterns } from './tag-names.ts';

/** An entry of a source's `topics`, and what a person should know before using it. */
export interface TopicEntry {
  readonly analysed: Analysed;
  readonly topic: string;
  readonly payload: 'json' | 'scalar' | 'csv' | 'influx';
  readonly time?: { readonly path?: string; readonly interval?: string };
  /** Pattern to path. */
  readonly tags: ReadonlyMap<string, string>;
  readonly decimal?: 'comma';
  readonly words?: Readonly<Record<string, number>>;
  readonly csv?: { readonly separator: string };
  readonly comments: readonly string[];
}

/** As `time.maxSkew` is by default. */
const maxSkewMs = 300_000;
const payloads = { json: 'json', scalar: 'scalar', word: 'scalar', csv: 'csv', influx: 'influx' } as const;
const shownLeftOut = 6;

/** What to configure for a group; a text says why nothing can be. `isFull`: tag names have every level of the topic. */
export function topicEntry(analysed: Analysed, isFull: boolean): TopicEntry | string {
  const { finding, group } = analysed;
  const payload = payloads[finding.kind as keyof typeof payloads];
  if (payload === undefined) return `${finding.template}: ${unreadable(finding.kind)}`;
  const problem = topicTemplateProblem(finding.template);
  if (problem !== undefined || group.levels.some(({ name, values }) => name === undefined && /[{}]/.test(values[0] ?? '')))
    return `${finding.template}: cannot be written as a topic (${problem ?? 'braces'})`;
  const several = severalIn(analysed);
  if (several !== undefined) return several;
  const wanted = finding.fields.filter(({ role }) => role === 'value' || role === 'switch' || role === 'words');
  if (wanted.length === 0) return `${finding.template}: nothing in it is a number, a switch or a state that changed`;
  const lines = payload === 'influx' ? lineTagsOf(analysed, wanted) : undefined;
  if (typeof lines === 'string') return lines;
  const patterns = tagPatterns(group, wanted, isFull).map((pattern, i) => lines?.[i]?.(pattern) ?? pattern);
  const words = wordsOf(wanted);
  const time = timeEntry(analysed);
  const comments = [...timeComments(analysed), ...leftOut(finding.fields, finding.time?.path), ...wordComments(words)];
  if (finding.decimal === 'comma')
    comments.push(`numbers have a decimal comma: ${wanted.find(({ needsComma }) => needsComma > 0)?.examples[0] ?? ''}`);
  return {
    analysed,
    topic: finding.template,
    payload,
    ...(time !== undefined && { time }),
    tags: new Map(wanted.map(({ path }, i) => [patterns[i] as string, path])),
    ...(finding.decimal === 'comma' && { decimal: 'comma' as const }),
    ...(words !== undefined && { words }),
    ...(finding.csv !== undefined && { csv: { separator: finding.csv.separator } }),
    comments,
  };
}

const unreadable = (kind: Analysed['finding']['kind']): string =>
  kind === 'sparkplug'
    ? 'Sparkplug B (protobuf), which Fettle does not read'
    : kind === 'binary'
      ? 'binary payloads cannot be read; let the device send JSON, CSV, line protocol or bare numbers'
      : kind === 'empty'
        ? 'only empty payloads'
        : 'text without numbers';

/** Values of several devices on one topic would all become one tag. */
function severalIn({ finding, group }: Analysed): string | undefined {
  const isTelling = ({ role, words }: FieldFinding): boolean =>
    role === 'identity' ||
    (finding.kind === 'csv' &&
      finding.csv?.header === undefined &&
      (role === 'words' || role === 'text') &&
      !words.every((word) => knownWords.test(word)));
  for (const field of finding.fields.filter(isTelling)) {
    const speaking = group.topics
      .map(({ fields }) => fields.get(field.path))
      .find((record) => record !== undefined && (record.words.size > 1 || record.changes > 0));
    if (speaking !== undefined)
      return `${finding.template}: several devices speak there, told apart by ${field.path} (${speaking.examples.join(', ')}); a tag takes one path of one topic, so let each publish to a topic of its own`;
  }
  return undefined;
}

/** Lines of one measurement may be of several machines: their tags go into the name. */
function lineTagsOf({ finding }: Analysed, wanted: readonly FieldFinding[]): ((pattern: string) => string)[] | string {
  const ways = wanted.map(({ path, name }) => {
    const measurement = finding.measurements?.find((one) => path === pathOf(one.name, name));
    const usable = measurement?.tags.filter((tag) => tag.isInAll && /^\w+$/.test(tag.name)) ?? [];
    const lost = measurement?.tags.find((tag) => tag.values.length > 1 && !usable.includes(tag));
    if (lost !== undefined)
      return `${finding.template}: lines are told apart by ${lost.name}, which not all of them have, or which no {name} can be`;
    // Constant ones too: another value may come, and must not become the same tag.
    const levels = [...usable.map((tag) => `{${tag.name}}`), measurement?.name.replaceAll(/[+#$\p{Cc}\s{}/]+/gu, '-') ?? ''];
    return (pattern: string) => {
      const parts = pattern.split('/');
      return [...parts.slice(0, -1), ...levels, ...parts.slice(-1)].filter((level) => level !== '').join('/');
    };
  });
  const wrong = ways.find((way) => typeof way === 'string');
  return wrong ?? (ways as ((pattern: string) => string)[]);
}

const bare = /^[\p{L}_][\p{L}\p{N}_-]*$/u;
const pathOf = (...names: readonly string[]): string => `$${names.map((name) => (bare.test(name) ? `.${name}` : `['${name}']`)).join('')}`;

function timeEntry({ finding }: Analysed): TopicEntry['time'] {
  const { time, fields, intervalMs, kind } = finding;
  const path = isUsed(finding) ? time?.path : undefined;
  const list = fields.find(({ path: one, role }) => one.endsWith('[*]') && role === 'value');
  const apart =
    kind === 'json' && list?.elements !== undefined && intervalMs !== null && path?.includes('[*]') !== true
      ? Math.max(1, Math.round(intervalMs / list.elements.longest))
      : undefined;
  if (path === undefined && apart === undefined) return undefined;
  return { ...(path !== undefined && { path }), ...(apart !== undefined && { interval: `${apart}ms` }) };
}

/** A clock that is no use is left alone; arrival is better. */
function isUsed({ time }: Analysed['finding']): boolean {
  if (time?.path === undefined) return false;
  return time.trouble !== 'zone' && time.trouble !== 'foreign' && time.trouble !== 'uptime' && (time.worst?.behindMs ?? 0) >= -maxSkewMs;
}

function timeComments({ finding }: Analysed): string[] {
  const { time } = finding;
  const where = time?.path ?? 'the time of the lines';
  const off = time?.worst == null ? '' : formatDuration(Math.abs(time.worst.behindMs));
  const then = isUsed(finding) || time?.path === undefined ? '' : '; left out, samples get the time of their arrival';
  if (time?.trouble === 'zone')
    return [
      `${where} has no zone and is ${off} ${(time.worst?.behindMs ?? 0) < 0 ? 'ahead' : 'behind'}: local time? Fettle reads it as UTC; let the device send Z or +01:00${then}`,
    ];
  if (time?.trouble === 'foreign') return [`${where} is a date that Fettle does not read: ISO 8601 or an epoch would do${then}`];
  if (time?.trouble === 'uptime') return [`${where} counts from the start of the device: no time of day${then}`];
  if (time?.trouble === 'ahead') return [`the clock of ${time.worst?.topic} is ${off} ahead${then}`];
  if (time?.trouble === 'behind')
    return [
      `the clock of ${time.worst?.topic} is ${off} behind: beside devices with a right clock its values come too late for their window`,
    ];
  return [];
}

const why: Partial<Record<FieldFinding['role'], string>> = {
  text: 'text',
  identity: 'says who it is',
  sequence: 'a number of the message',
  uptime: 'counts from the start of the device',
  moving: 'another thing from message to message',
  nothing: 'never had a value',
};

function leftOut(fields: readonly FieldFinding[], timePath: string | undefined): string[] {
  const left = fields.filter(({ role, path }) => why[role] !== undefined && path !== timePath);
  if (left.length === 0) return [];
  const shown = left
    .slice(0, shownLeftOut)
    .map(({ path, role, examples }) => `${path} (${why[role]}${role === 'text' ? `: ${examples[0]}` : ''})`);
  return [`not taken: ${shown.join(', ')}${left.length > shownLeftOut ? ` and ${left.length - shownLeftOut} more` : ''}`];
}

const meanings: Readonly<Record<string, number>> = Object.fromEntries([
  ...'open opened running run yes high active enabled auto up started auf an ein betrieb fault error alarm bad störung'
    .split(' ')
    .map((word) => [word, 1]),
  ...'closed close stopped stop idle no low inactive disabled manual down zu aus stillstand ok good normal'
    .split(' ')
    .map((word) => [word, 0]),
]);

/** Numbers for words: by what they mean where that is known of all, else in the order of the alphabet. */
function wordsOf(fields: readonly FieldFinding[]): Record<string, number> | undefined {
  const sets = fields.map(({ words }) => [...new Set(words.map((word) => word.toLowerCase()))]).filter((words) => words.length > 0);
  const all = [...new Set(sets.flat())].sort();
  if (all.length === 0) return undefined;
  const isClear = sets.every(
    (words) => words.every((word) => Object.hasOwn(meanings, word)) && new Set(words.map((word) => meanings[word])).size === words.length,
  );
  return Object.fromEntries(all.map((word, i) => [word, isClear ? (meanings[word] as number) : i]));
}

const wordComments = (words: Record<string, number> | undefined): string[] =>
  words === undefined ? [] : ['words: the numbers are a proposal; words that were not heard yet have to be added'];
