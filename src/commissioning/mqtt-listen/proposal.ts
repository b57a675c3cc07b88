import type { Analysed } from './analysis.ts';
import { availabilityOf } from './availability-topic.ts';
import type { HeardTopics } from './heard-topics.ts';
import type { Broker } from './listen.ts';
import { tagsOf } from './tag-names.ts';
import { type ProposedTag, tagSettings } from './tag-settings.ts';
import { type TopicEntry, topicEntry } from './topic-entry.ts';
import { type Trial, tryOut } from './trial.ts';

/** What to put into fettle.yaml. */
export interface Proposal {
  readonly source: object | undefined;
  /** For each of the source's topics. */
  readonly comments: readonly (readonly string[])[];
  readonly tags: Readonly<Record<string, ProposedTag>>;
  /** What was heard and cannot be configured, with the reason. */
  readonly leftOut: readonly string[];
  readonly trial: Trial;
}

/** More in one file would be no help to a person. */
const mostEntries = 100;

export function propose(analysed: readonly Analysed[], heard: HeardTopics, broker: Broker, passwordFile: string | undefined): Proposal {
  const available = availabilityOf(analysed);
  const entries: TopicEntry[] = [];
  const leftOut: string[] = [];
  const used = new Set<string>();
  let beyond = 0;
  for (const one of analysed) {
    if (available.some(({ said }) => said === one)) continue;
    const entry = withOwnTags(one, used);
    if (typeof entry === 'string') leftOut.push(entry);
    else if (entries.length < mostEntries) entries.push(entry);
    else beyond++;
  }
  if (beyond > 0) leftOut.push(`${beyond} more shapes of topics: narrow the filter`);
  const topics = entries.map(({ topic, payload, time, tags, decimal, words, csv, analysed: one }) => {
    const availability = available.find(({ of }) => of === one)?.availability;
    return {
      topic,
      payload,
      ...(time !== undefined && { time }),
      tags: Object.fromEntries(tags),
      ...(decimal !== undefined && { decimal }),
      ...(words !== undefined && { words }),
      ...(csv !== undefined && { csv }),
      ...(availability !== undefined && { availability }),
    };
  });
  const { url, username, ca, cert, key, serverName } = broker;
  const source = {
    id: sourceId(entries),
    type: 'mqtt',
    url,
    ...(username !== undefined && { username }),
    ...(passwordFile !== undefined && { password: `\${file:${passwordFile}}` }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(serverName !== undefined && { serverName }),
    topics,
  };
  return {
    source: topics.length === 0 ? undefined : source,
    comments: entries.map((entry) => entry.comments),
    tags: tagSettings(entries),
    leftOut,
    trial: tryOut(topics, heard),
  };
}

/** No two values may become one tag: longer names where short ones are taken, a number where that is not enough. */
function withOwnTags(analysed: Analysed, used: Set<string>): TopicEntry | string {
  const tagsOfEntry = ({ tags }: TopicEntry): string[] => [...tags.keys()].flatMap((pattern) => tagsOf(pattern, analysed.group));
  const isFree = (entry: TopicEntry): boolean => {
    const tags = tagsOfEntry(entry);
    return new Set(tags).size === tags.length && !tags.some((tag) => used.has(tag));
  };
  const short = topicEntry(analysed, false);
  if (typeof short === 'string') return short;
  let entry: TopicEntry = short;
  if (!isFree(entry)) {
    entry = topicEntry(analysed, true) as TopicEntry;
    const full = entry;
    for (let n = 2; !isFree(entry) && n < 100; n++)
      entry = { ...full, tags: new Map([...full.tags].map(([pattern, path]) => [`${pattern}-${n}`, path])) };
    if (!isFree(entry)) return `${analysed.finding.template}: no names could be found for its tags that are not taken`;
  }
  for (const tag of tagsOfEntry(entry)) used.add(tag);
  return entry;
}

/** The first level all have. */
function sourceId(entries: readonly TopicEntry[]): string {
  const first = new Set(entries.map(({ topic }) => topic.split('/').find((level) => level !== '')));
  const [only] = first;
  return first.size === 1 && only !== undefined && /^[\w-]+$/.test(only) ? only : 'broker';
}
