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
  const clusters: TopicRecord[][] = [];
  const signatures: Signature[] = [];
  for (const topic of all) {
    const signature = signatureOf(topic);
    const at = clusters.findIndex((cluster, i) => {
      const known = signatures[i] as Signature;
      return known.key === signature.key && overlap(known.paths, signature.paths) >= alike && keepsALiteral(cluster, topic);
    });
    if (at < 0) {
      clusters.push([topic]);
      signatures.push(signature);
    } else clusters[at]?.push(topic);
  }
  return clusters.flatMap((cluster) => apart(cluster, all)).map(describe);
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

/** A template of nothing but names would take everything. */
function keepsALiteral(cluster: readonly TopicRecord[], topic: TopicRecord): boolean {
  const levels = levelsOf(topic);
  return levels.some((level, i) => cluster.every((one) => levelsOf(one)[i] === level));
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
