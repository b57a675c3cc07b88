import { pathName } from '../../../core/fields.ts';
import type { Channel } from '../intake.ts';
import { fillTemplate } from '../topic-template.ts';
import type { PayloadReader } from './dialect.ts';
import { type Line, readLineProtocol } from './line-protocol.ts';

/** What a tag takes of the lines: a field, or every field, of one measurement or of all. */
export interface FieldPath {
  readonly measurement: string | undefined;
  /** Undefined: every field; its name is {field}. */
  readonly field: string | undefined;
}

const fieldPathPattern = /^\$((?:\.[\p{L}_][\p{L}\p{N}_-]*|\.\*|\['[^']+'\]){1,2})$/u;

/** `$.temperature`, `$.*`, of one measurement `$.weather.temperature`, `$['odd name']`. Undefined for anything else. */
export function parseFieldPath(text: string): FieldPath | undefined {
  const [, steps] = fieldPathPattern.exec(text) ?? [];
  if (steps === undefined) return undefined;
  const names = [...steps.matchAll(/\.([^.[]+)|\['([^']+)'\]/g)].map(([, name, quoted]) => quoted ?? (name as string));
  const nameOf = (name: string | undefined): string | undefined => (name === '*' ? undefined : name);
  return { measurement: names.length > 1 ? nameOf(names[0]) : undefined, field: nameOf(names.at(-1)) };
}

export interface WantedField extends FieldPath {
  /** Tag name with {name} from the topic, from the tags of the line, {measurement} and {field}. */
  readonly pattern: string;
}

/** Beyond it the channel of a series is found anew with every line. */
const knownSeriesBound = 10_000;

/** Lines of InfluxDB line protocol; `channelOf` gives the channel of a tag name, undefined where there can be no more. */
export function influxReader(
  wanted: readonly WantedField[],
  levels: Readonly<Record<string, string>>,
  channelOf: (name: string) => Channel | undefined,
): PayloadReader {
  const names = [...new Set(wanted.flatMap(({ pattern }) => [...pattern.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string)))];
  const lineTags = names.filter((name) => !(name in levels) && name !== 'measurement' && name !== 'field');
  const known = new Map<string, Channel | string>();

  /** Or why it cannot be. */
  function find({ pattern }: WantedField, line: Line, field: string): Channel | string {
    const here: Record<string, string> = { measurement: line.measurement, field };
    for (const name of names) {
      const value = levels[name] ?? line.tags.get(name);
      if (value !== undefined) here[name] = value;
      else if (!(name in here) && pattern.includes(`{${name}}`)) return `a line without the tag ${name}`;
    }
    const name = fillTemplate(pattern, here);
    if (!pathName().safeParse(name).success) return `"${name.slice(0, 80)}" cannot be the name of a tag`;
    return channelOf(name) ?? 'too many different tags: raise limits.tags or narrow the topic';
  }

  return (text, intake) => {
    const lines: Line[] = [];
    readLineProtocol(
      text,
      (line) => lines.push(line),
      (reason) => intake.reject(reason),
    );
    let found = 0;
    for (const line of lines) {
      const series = together([line.measurement, ...lineTags.map((name) => line.tags.get(name) ?? '')]);
      let timeMs: number | undefined;
      for (const [i, want] of wanted.entries()) {
        if (want.measurement !== undefined && want.measurement !== line.measurement) continue;
        for (const [name, value] of line.fields) {
          if (want.field === undefined ? typeof value === 'string' : want.field !== name) continue;
          const key = `${i}:${together([name])}${series}`;
          let channel = known.get(key);
          if (channel === undefined) {
            channel = find(want, line, name);
            if (known.size < knownSeriesBound) known.set(key, channel);
          }
          found++;
          if (typeof channel === 'string') {
            intake.reject(channel);
            continue;
          }
          timeMs ??= intake.timeOf(line.time, lines.length > 1 && line.time !== undefined);
          if (!Number.isNaN(timeMs)) intake.put(channel, timeMs, value);
        }
      }
    }
    if (found === 0) intake.reject('none of the configured fields is there');
  };
}

/** Texts as one that no others make: any character may stand in them. */
const together = (texts: readonly string[]): string => texts.map((text) => `${text.length}:${text}`).join('');
