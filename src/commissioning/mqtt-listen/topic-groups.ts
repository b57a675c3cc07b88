import type { TopicRecord } from './heard-topics.ts';
import { nameLevels } from './level-names.ts';

/** Topics of one shape: the same kind of payload under topics that differ in some levels. */
export interface TopicGroup {
  /** `plant/{area}/{machine}/telemetry` */
  readonly template: string;
  readonly levels: readonly GroupLevel[];
  readonly topics: readonly TopicRecord[];
}

export interface GroupLevel {
  /** Undefined where all topics have the same text here. */
  readonly name: string | undefined;
  readonly values: readonly string[];
}

/** Two sets of fields are of one shape where they share this part of all. */
const alike = 0.5;

const levelsOf = ({ topic }: TopicRecord): string[] => topic.split('/');

/** No topic of another group fits the template of a group: what stands in a template has its shape. */
export function groupTopics(topics: Iterable<TopicRecord>): TopicGroup[] {
  const all = [...topics].sort((a, b) => (a.topic < b.topic ? -1 : 1));
  const clusters: Cluster[] = [];
  for (const topic of all) {
    const signature = signatureOf(topic);
    const levels = levelsOf(topic);
    const fitting = clusters.find(
      ({ signature: known, literals }) =>
        known.key === signature.key &&
        (topic.isCut ? signature.paths.isSubsetOf(known.paths) : overlap(known.paths, signature.paths) >= alike) &&
        // A template of nothing but names would take everything.
        levels.some((level, i) => level === literals[i]),
    );
    if (fitting === undefined) clusters.push({ members: [topic], signature, literals: levels });
    else {
      fitting.members.push(topic);
      fitting.literals = fitting.literals.map((literal, i) => (literal === levels[i] ? literal : undefined));
    }
  }
  return clusters.flatMap(({ members }) => apart(members, all)).map(describe);
}

interface Cluster {
  readonly members: TopicRecord[];
  readonly signature: Signature;
  /** Levels that all have in common. */
  literals: (string | undefined)[];
}

interface Signature {
  readonly key: string;
  readonly paths: ReadonlySet<string>;
}

function signatureOf(topic: TopicRecord): Signature {
  const { kind, csv } = topic;
  const depth = topic.topic.split('/').length;
  const $ = topic.topic.startsWith('$') ? '$' : '';
  if (kind === 'csv') return { key: `${$}${depth} csv ${csv?.separator} ${csv?.header?.join('\0') ?? csv?.columnCount}`, paths: new Set() };
  if (kind === 'json' || kind === 'influx') return { key: `${$}${depth} ${kind}`, paths: new Set(topic.fields.keys()) };
  return { key: `${$}${depth} ${kind}`, paths: new Set() };
}

function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  if (a.size + b.size === 0) return 1;
  const shared = a.intersection(b).size;
  return shared / (a.size + b.size - shared);
}

const fits = (levels: readonly string[], pattern: readonly ReadonlySet<string>[]): boolean =>
  levels.length === pattern.length &&
  levels.every((level, i) => (pattern[i] as ReadonlySet<string>).size > 1 || pattern[i]?.has(level) === true);

const patternOf = (cluster: readonly TopicRecord[]): Set<string>[] =>
  levelsOf(cluster[0] as TopicRecord).map((_, i) => new Set(cluster.map((topic) => levelsOf(topic)[i] as string)));

/** Divides a cluster by a level until its template takes no topic of another. */
function apart(cluster: readonly TopicRecord[], all: readonly TopicRecord[]): TopicRecord[][] {
  const pattern = patternOf(cluster);
  const own = new Set(cluster);
  const foreign = all.filter((topic) => !own.has(topic) && fits(levelsOf(topic), pattern));
  if (foreign.length === 0) return [[...cluster]];
  const ways = pattern
    .map((values, i) => ({ i, values }))
    .filter(({ values }) => values.size > 1)
    .map(({ i, values }) => {
      const parts = [...values].map((value) => cluster.filter((topic) => levelsOf(topic)[i] === value));
      const mixed = parts.filter((part) => foreign.some((topic) => fits(levelsOf(topic), patternOf(part)))).length;
      return { parts, mixed };
    })
    .sort((a, b) => a.mixed - b.mixed || a.parts.length - b.parts.length);
  return ways[0]?.parts.flatMap((part) => apart(part, all)) ?? [[...cluster]];
}

function describe(cluster: readonly TopicRecord[]): TopicGroup {
  const values = patternOf(cluster).map((level) => [...level]);
  const isValueOnly = cluster.every(({ kind }) => kind === 'scalar' || kind === 'word');
  const reserved = cluster.some(({ kind }) => kind === 'influx')
    ? new Set([
        'measurement',
        'field',
        ...cluster.flatMap(({ measurements }) => [...measurements.values()].flatMap(({ tags }) => [...tags.keys()])),
      ])
    : new Set<string>();
  const names = nameLevels(values, isValueOnly, reserved);
  return {
    template: values.map((level, i) => (names[i] === undefined ? level[0] : `{${names[i]}}`)).join('/'),
    levels: values.map((level, i) => ({ name: names[i], values: level })),
    topics: cluster,
  };
}
