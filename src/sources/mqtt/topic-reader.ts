import type { Interner } from '../../core/interner.ts';
import type { SampleInlet } from '../../core/source.ts';
import type { TopicConfig } from './config.ts';
import { csvReader } from './dialects/csv.ts';
import { type DialectName, dialectOfContentType, dialectOfText, type PayloadReader } from './dialects/dialect.ts';
import { influxReader, parseFieldPath, type WantedField } from './dialects/influx.ts';
import { jsonReader, type ValueAt } from './dialects/json.ts';
import { type Channel, Intake, type Rejection } from './intake.ts';
import { compileJsonPath, stepsOf } from './json-path.ts';
import { LastMessage } from './last-message.ts';
import type { PublishProperties } from './publish-properties.ts';
import { RateBound } from './rate-bound.ts';
import { numberStyle, parseTextNumber } from './text-number.ts';
import { compileTopicTemplate, fillTemplate, type TopicTemplate } from './topic-template.ts';

/** What a topic needs to know beside its own configuration. */
export interface ReaderSurroundings {
  readonly tags: Interner;
  /** engineeringUnit of a tag. */
  unitOf?(tag: string): string | undefined;
  /** Messages a second; no bound where absent. */
  readonly maxRate?: number;
}

/** One message as it lies in the receive buffer. */
export interface MessageAt {
  readonly buffer: Buffer;
  /** Of the payload. */
  readonly start: number;
  readonly end: number;
  readonly arrivalMs: number;
  readonly retained: boolean;
  /** The broker may send it again. */
  readonly isRepeatable?: boolean;
  readonly properties?: PublishProperties | undefined;
}

/** Tags a topic can have through the names in its payload. */
const channelsBound = 10_000;
const tooMany = 'too many different tags: raise limits.tags or narrow the topic';

/** A configured topic: which topics it takes and how their payloads are read. Pure but for the inlet. */
export class TopicRule {
  readonly config: TopicConfig;
  readonly template: TopicTemplate;

  constructor(config: TopicConfig) {
    this.config = config;
    this.template = compileTopicTemplate(config.topic);
  }

  /** The reader of a topic this rule takes; undefined for any other. */
  readerOf(topic: string, surroundings: ReaderSurroundings): TopicReader | undefined {
    const levels = this.template.match(topic);
    return levels === undefined ? undefined : new TopicReader(this, topic, levels, surroundings);
  }
}

/** Reads the messages of one concrete topic: names are resolved once, then each message costs a parse and the appends. */
export class TopicReader {
  readonly rule: TopicRule;
  readonly topic: string;
  readonly levels: Readonly<Record<string, string>>;
  readonly intake: Intake;
  readonly #config: TopicConfig;
  readonly #channels = new Map<string, Channel>();
  readonly #dialects: Partial<Record<DialectName, PayloadReader>> = {};
  readonly #make: (dialect: DialectName) => PayloadReader;
  readonly #isNumber: (text: string) => boolean;
  readonly #fixed: DialectName | undefined;
  readonly #last = new LastMessage();

  constructor(rule: TopicRule, topic: string, levels: Record<string, string>, surroundings: ReaderSurroundings) {
    const { config } = rule;
    this.rule = rule;
    const { tags, maxRate = Number.POSITIVE_INFINITY } = surroundings;
    this.#config = config;
    this.topic = topic;
    this.levels = levels;
    const { payload, time, tags: paths, csv, decimal, words } = config;
    const style = numberStyle(decimal, words);
    this.#isNumber = (text) => parseTextNumber(text, style) !== undefined;
    this.#fixed = payload === 'auto' ? undefined : payload;
    this.intake = new Intake(
      {
        expected: time.path !== undefined || time.property !== undefined || payload === 'influx',
        unit: time.unit,
        maxSkewMs: time.maxSkew,
        otherwise: time.otherwise,
      },
      style,
      new RateBound(maxRate),
    );
    const channelOf = (name: string): Channel | undefined => {
      const known = this.#channels.get(name);
      if (known !== undefined) return known;
      const tag = this.#channels.size < channelsBound ? tags.intern(name) : -1;
      if (tag < 0) return undefined;
      const channel: Channel = { tag, name, unit: surroundings.unitOf?.(name), seenUnit: undefined };
      this.#channels.set(name, channel);
      return channel;
    };
    const channels = (isWanted: (path: string) => boolean): { readonly channel: Channel; readonly path: string }[] | undefined => {
      const found = Object.entries(paths)
        .filter(([, path]) => isWanted(path))
        .map(([pattern, path]) => ({ channel: channelOf(fillTemplate(pattern, levels)), path }));
      return found.some(({ channel }) => channel === undefined) ? undefined : (found as { channel: Channel; path: string }[]);
    };
    const refuse: PayloadReader = (_, intake) => intake.reject(tooMany);
    const timePath = time.path === undefined ? undefined : compileJsonPath(time.path);
    const column = (path: string | undefined): string | number | undefined => {
      const steps = path === undefined ? undefined : stepsOf(path);
      return steps?.length === 1 ? steps[0] : undefined;
    };
    this.#make = (dialect) => {
      if (dialect === 'influx') {
        const wanted = Object.entries(paths).flatMap(([pattern, path]): WantedField[] => {
          const field = parseFieldPath(path);
          return field === undefined ? [] : [{ pattern, ...field }];
        });
        return influxReader(wanted, levels, channelOf);
      }
      const bound = channels((path) => (dialect === 'csv' ? column(path) !== undefined : dialect === 'json' || path === '$'));
      if (bound === undefined) return refuse;
      if (dialect === 'csv') {
        const wanted = bound.map(({ channel, path }) => ({ channel, column: column(path) as string | number }));
        return csvReader(wanted, column(time.path), {
          separator: csv.separator,
          columns: csv.columns,
          decimalComma: decimal === 'comma',
          isNumber: this.#isNumber,
        });
      }
      if (dialect === 'scalar')
        return scalarReader(
          bound.map(({ channel }) => channel),
          this.#isNumber,
        );
      const values: ValueAt[] = bound.map(({ channel, path }) => ({ channel, get: compileJsonPath(path) }));
      return jsonReader(values, timePath, time.interval ?? 1);
    };
    // The tags of a topic are known as soon as the topic is.
    if (this.#fixed !== undefined) this.#dialects[this.#fixed] = this.#make(this.#fixed);
  }

  /** Tags this topic has given or can give. */
  get channels(): Iterable<Channel> {
    return this.#channels.values();
  }

  /** Whether `read` wants what stands beside the payload. */
  get wantsProperties(): boolean {
    return this.#fixed === undefined || this.#config.time.property !== undefined;
  }

  /** Takes what can be read of a message to the inlet, and says what cannot. */
  read(message: MessageAt, inlet: SampleInlet): Rejection | undefined {
    const { arrivalMs, retained, properties, isRepeatable = retained } = message;
    const text = payloadText(message);
    const { property } = this.#config.time;
    const stamp = property === undefined ? undefined : properties?.user.get(property);
    const said = stamp === undefined ? text : `${stamp}\0${text}`;
    if (!isRepeatable && this.#last.is(said)) return { kind: 'repeated', reason: 'the same message as before' };
    const { intake } = this;
    intake.begin(inlet, arrivalMs, retained, stamp);
    const contentType = properties?.contentType;
    const dialect =
      this.#fixed ?? (contentType === undefined ? undefined : dialectOfContentType(contentType)) ?? dialectOfText(text, this.#isNumber);
    let reader = this.#dialects[dialect];
    if (reader === undefined) {
      reader = this.#make(dialect);
      this.#dialects[dialect] = reader;
    }
    reader(text, intake);
    // Without a time of its own, the same again is a new value.
    this.#last.keep(intake.hasOwnTime ? said : undefined);
    return intake.end();
  }
}

/** Text of a payload, without the byte order mark and the closing zeros that some devices send along. */
function payloadText({ buffer, start, end }: MessageAt): string {
  let last = end;
  while (last > start && buffer[last - 1] === 0) last--;
  const first = buffer[start] === 0xef && buffer[start + 1] === 0xbb && buffer[start + 2] === 0xbf ? start + 3 : start;
  return buffer.toString('utf8', Math.min(first, last), last);
}

const scalarReader =
  (channels: readonly Channel[], isNumber: (text: string) => boolean): PayloadReader =>
  (text, intake) => {
    const bare = text.trim();
    if (bare === '' || !isNumber(bare)) return intake.reject('not a number');
    const timeMs = intake.timeOf(undefined);
    if (Number.isNaN(timeMs)) return;
    for (const channel of channels) intake.put(channel, timeMs, bare);
  };
