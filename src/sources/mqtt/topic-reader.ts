import type { Interner } from '../../core/interner.ts';
import { quality } from '../../core/quality.ts';
import type { SampleInlet } from '../../core/source.ts';
import { parseTimestamp } from '../../core/timestamp.ts';
import type { TopicConfig } from './config.ts';
import { compileJsonPath, type PathGetter } from './json-path.ts';
import { compileTopicTemplate, fillTemplate, type TopicTemplate } from './topic-template.ts';

/** Why a message gave no samples; undefined when it gave some. */
export type Rejection = string | undefined;

/** Reads the messages of one concrete topic: names are resolved once, then each message costs a parse and the appends. */
export type TopicReader = (
  payload: Buffer,
  start: number,
  end: number,
  arrivalMs: number,
  retained: boolean,
  inlet: SampleInlet,
) => Rejection;

/** A configured topic: which topics it takes and how their payloads are read. Pure but for the inlet. */
export class TopicRule {
  readonly #config: TopicConfig;
  readonly template: TopicTemplate;
  readonly #time: PathGetter | undefined;
  readonly #paths: readonly { readonly pattern: string; readonly get: PathGetter }[];

  constructor(config: TopicConfig) {
    this.#config = config;
    this.template = compileTopicTemplate(config.topic);
    this.#time = config.time.path === undefined ? undefined : compileJsonPath(config.time.path);
    this.#paths = Object.entries(config.tags).map(([pattern, path]) => ({ pattern, get: compileJsonPath(path) }));
  }

  /** The reader of a topic this rule takes; undefined for any other. */
  readerOf(topic: string, tags: Interner): TopicReader | undefined {
    const levels = this.template.match(topic);
    if (levels === undefined) return undefined;
    const bound = this.#paths.map(({ pattern, get }) => ({ tag: tags.intern(fillTemplate(pattern, levels)), get }));
    if (bound.some(({ tag }) => tag < 0)) return () => 'too many different tags: raise limits.tags or narrow the topic';
    const parse = this.#config.payload === 'json' ? parseJson : parseScalar;
    const { unit, interval = 1, maxSkew, otherwise } = this.#config.time;
    const timePath = this.#time;

    return (payload, start, end, arrivalMs, retained, inlet) => {
      const document = parse(payload, start, end);
      if (document === undefined) return this.#config.payload === 'json' ? 'not JSON' : 'not a number';
      const stamp = timePath?.(document);
      const stamps = Array.isArray(stamp) ? stamp : undefined;
      let timeMs = stamps === undefined && stamp !== undefined ? parseTimestamp(stamp, unit) : Number.NaN;
      if (stamps === undefined && Number.isNaN(timeMs)) {
        // A broker hands out a retained message long after it was true: without a time of its own it is not new data.
        if (retained) return 'retained without a time stamp';
        if (timePath !== undefined && otherwise === 'reject') return 'no readable time stamp';
        timeMs = arrivalMs;
      }
      let found = 0;
      for (let i = 0; i < bound.length; i++) {
        const { tag, get } = bound[i] as (typeof bound)[number];
        const value = get(document);
        if (value === undefined) continue;
        found++;
        if (!Array.isArray(value)) {
          append(inlet, tag, timeMs, value, arrivalMs, maxSkew);
          continue;
        }
        const last = value.length - 1;
        for (let k = 0; k <= last; k++) {
          const at = stamps === undefined ? timeMs - (last - k) * interval : parseTimestamp(stamps[k], unit);
          append(inlet, tag, Number.isNaN(at) ? arrivalMs : at, value[k], arrivalMs, maxSkew);
        }
      }
      return found === 0 ? 'none of the configured paths is there' : undefined;
    };
  }
}

function append(inlet: SampleInlet, tag: number, timeMs: number, value: unknown, arrivalMs: number, maxSkewMs: number): void {
  const number = typeof value === 'number' ? value : typeof value === 'boolean' ? Number(value) : Number.NaN;
  if (timeMs > arrivalMs + maxSkewMs) inlet.append(tag, arrivalMs, number, quality.badClockSkew);
  else inlet.append(tag, timeMs, number, Number.isFinite(number) ? quality.good : quality.badNotAvailable);
}

function parseJson(payload: Buffer, start: number, end: number): unknown {
  try {
    const document: unknown = JSON.parse(payload.toString('utf8', start, end));
    return document;
  } catch {
    return undefined;
  }
}

const words: Record<string, number> = { true: 1, false: 0, on: 1, off: 0 };

function parseScalar(payload: Buffer, start: number, end: number): number | undefined {
  const text = payload.toString('latin1', start, end).trim();
  if (text === '') return undefined;
  const number = words[text.toLowerCase()] ?? Number(text);
  return Number.isNaN(number) && text.toLowerCase() !== 'nan' ? undefined : number;
}
