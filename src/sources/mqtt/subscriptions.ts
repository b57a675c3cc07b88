import { quality } from '../../core/quality.ts';
import type { SampleInlet, SourceContext, SourceStatus, SourceUnitStatus } from '../../core/source.ts';
import { Availability } from './availability.ts';
import { clockHints } from './clock-hints.ts';
import type { MqttSourceConfig } from './config.ts';
import { type MessageAt, type ReaderSurroundings, type TopicReader, TopicRule } from './topic-reader.ts';
import { fillTemplate } from './topic-template.ts';

/** Topics whose reader is kept; beyond it a topic is matched anew with every message. */
const knownTopicsBound = 100_000;
/** Shown in the status; the counters have them all. */
const shownBound = 20;
const awayBound = 10_000;
/** How long after its last message too many a topic is named. */
const floodShownMs = 60_000;
const exampleLength = 200;

interface Rule {
  readonly topics: TopicRule;
  readonly availability: Availability | undefined;
}

/** What a concrete topic is for. */
export interface KnownTopic {
  readonly topic: string;
  readonly readers: readonly TopicReader[];
  /** Rules whose clients say here that they are there. */
  readonly availability: readonly { readonly rule: Rule; readonly levels: Readonly<Record<string, string>> }[];
  /** Somebody reads what stands beside the payload. */
  readonly wantsProperties: boolean;
}

interface Away {
  readonly topic: string;
  readonly sinceMs: number;
}

/** The topics of a source: what is subscribed, who reads a message, which clients are away, what could not be read. */
export class Subscriptions {
  readonly #config: MqttSourceConfig;
  readonly #context: SourceContext;
  readonly #surroundings: ReaderSurroundings;
  readonly #rules: readonly Rule[];
  readonly #topics = new Map<string, KnownTopic>();
  readonly #away = new Map<string, Away>();
  readonly #counters = {
    rejected: 0,
    partlyRejected: 0,
    repeated: 0,
    flooded: 0,
    unknownTopic: 0,
    oversize: 0,
    retainedIgnored: 0,
  };
  readonly #flooding = new Set<TopicReader>();
  #lastRejected: SourceStatus['lastRejected'];

  constructor(config: MqttSourceConfig, context: SourceContext) {
    this.#config = config;
    this.#context = context;
    this.#surroundings = {
      tags: context.tags,
      maxRate: config.maxRate,
      ...(context.unitOf !== undefined && { unitOf: (tag: string) => context.unitOf?.(tag) }),
    };
    this.#rules = config.topics.map((topic) => ({
      topics: new TopicRule(topic),
      availability: topic.availability === undefined ? undefined : new Availability(topic.availability),
    }));
  }

  /** Topic filters. Who is there is for every gateway of a group to know: only the rest is shared. */
  get filters(): string[] {
    const { share } = this.#config;
    const shared = (filter: string): string => (share === undefined ? filter : `$share/${share}/${filter}`);
    return [
      ...new Set(
        this.#rules.flatMap(({ topics, availability }) => [
          ...(availability === undefined ? [] : [availability.template.filter]),
          shared(topics.template.filter),
        ]),
      ),
    ];
  }

  get counters(): Readonly<Record<string, number>> {
    return { ...this.#counters, topics: this.#topics.size, away: this.#away.size };
  }

  get lastRejected(): SourceStatus['lastRejected'] {
    return this.#lastRejected;
  }

  /** Clients that are away and topics that flood. */
  get units(): SourceUnitStatus[] {
    const nowMs = this.#context.clock.wallMs();
    const away = [...this.#away.values()].slice(0, shownBound).map(
      ({ topic, sinceMs }): SourceUnitStatus => ({
        name: `client ${topic}`,
        state: 'failed',
        lastError: `away since ${new Date(sinceMs).toISOString()}, as it says or its last will does`,
        hint: 'is it switched on, and does it reach the broker?',
      }),
    );
    const flooding = [...this.#flooding]
      .filter(({ intake }) => nowMs - intake.bound.lastMs < floodShownMs)
      .slice(0, shownBound)
      .map(
        ({ topic, intake }): SourceUnitStatus => ({
          name: `topic ${topic}`,
          state: 'degraded',
          lastError: `more than ${this.#config.maxRate} messages a second: ${intake.bound.refused} were not read`,
          hint: 'let the device send less often, or raise maxRate',
        }),
      );
    return [...away, ...flooding];
  }

  /** What was found out about clocks. */
  get learned(): string[] {
    const hints: string[] = [];
    for (const reader of this.#readers()) {
      if (hints.length >= shownBound) break;
      hints.push(...clockHints(reader, this.#context.clock.wallMs()));
    }
    return hints;
  }

  of(topic: string): KnownTopic {
    const known = this.#topics.get(topic);
    if (known !== undefined) return known;
    const readers = this.#rules.flatMap(({ topics }) => topics.readerOf(topic, this.#surroundings) ?? []);
    const availability = this.#rules.flatMap((rule) => {
      const levels = rule.availability?.template.match(topic);
      return levels === undefined ? [] : [{ rule, levels }];
    });
    const found = { topic, readers, availability, wantsProperties: readers.some((reader) => reader.wantsProperties) };
    if (this.#topics.size < knownTopicsBound) this.#topics.set(topic, found);
    return found;
  }

  message(known: KnownTopic, message: MessageAt, inlet: SampleInlet): void {
    const { topic, readers } = known;
    const isAvailability = known.availability.length > 0;
    if (isAvailability) this.#hearAvailability(known, message, inlet);
    else if (readers.length === 0) {
      this.#counters.unknownTopic++;
      this.#reject(topic, exampleOf(message), 'no configured topic takes it');
    }
    for (let i = 0; i < readers.length; i++) {
      const reader = readers[i] as TopicReader;
      const rejection = reader.read(message, inlet);
      if (rejection === undefined) continue;
      const { kind, reason } = rejection;
      if (kind === 'repeated') this.#counters.repeated++;
      else if (kind === 'retained') this.#counters.retainedIgnored++;
      else if (kind === 'flood') this.#flood(reader, message.arrivalMs);
      // Its data may be elsewhere: a topic for both.
      else if (!isAvailability) {
        this.#counters[kind === 'part' ? 'partlyRejected' : 'rejected']++;
        this.#reject(topic, exampleOf(message), reason);
      }
    }
  }

  oversize(topic: string, bytes: number): void {
    this.#counters.oversize++;
    this.#reject(topic, `${bytes} bytes`, 'longer than maxPayload');
  }

  longTopic(topic: string): void {
    this.#counters.oversize++;
    this.#reject(topic.slice(0, exampleLength), '', 'topic longer than maxTopic');
  }

  #hearAvailability({ topic, availability }: KnownTopic, message: MessageAt, inlet: SampleInlet): void {
    const { buffer, start, end, arrivalMs } = message;
    const payload = buffer.toString('utf8', start, end);
    for (const { rule, levels } of availability) {
      const said = rule.availability?.read(payload);
      if (typeof said === 'string') {
        this.#counters.rejected++;
        this.#reject(topic, exampleOf(message), said);
      } else if (said === true) this.#away.delete(topic);
      else if (said === false) {
        if (!this.#away.has(topic) && this.#away.size < awayBound) this.#away.set(topic, { topic, sinceMs: arrivalMs });
        this.#markAway(rule.topics, levels, arrivalMs, inlet);
      }
    }
  }

  *#readers(): Generator<TopicReader> {
    for (const { readers } of this.#topics.values()) yield* readers;
  }

  /** What a client that is gone has measured is no longer so. */
  #markAway(rule: TopicRule, levels: Readonly<Record<string, string>>, arrivalMs: number, inlet: SampleInlet): void {
    const marked = new Set<number>();
    for (const reader of this.#readers()) {
      if (reader.rule !== rule) continue;
      if (Object.entries(levels).some(([name, level]) => name in reader.levels && reader.levels[name] !== level)) continue;
      // On its own clock: a mark ahead of it would make what it sends afterwards late.
      const atMs = reader.intake.deviceMs(arrivalMs);
      for (const { tag } of reader.channels) {
        marked.add(tag);
        inlet.append(tag, atMs, Number.NaN, quality.badNoCommunication);
      }
    }
    // Not heard yet since this process began.
    for (const pattern of Object.keys(rule.config.tags)) {
      const names = [...pattern.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
      if (names.some((name) => !(name in levels))) continue;
      const tag = this.#context.tags.intern(fillTemplate(pattern, levels));
      if (tag >= 0 && !marked.has(tag)) inlet.append(tag, arrivalMs, Number.NaN, quality.badNoCommunication);
    }
  }

  #flood(reader: TopicReader, arrivalMs: number): void {
    this.#counters.flooded++;
    if (this.#flooding.has(reader)) return;
    for (const known of this.#flooding) if (arrivalMs - known.intake.bound.lastMs > floodShownMs) this.#flooding.delete(known);
    if (this.#flooding.size >= knownTopicsBound) return;
    this.#flooding.add(reader);
    this.#context.log.warn(
      { source: this.#context.id, topic: reader.topic },
      `more than ${this.#config.maxRate} messages a second; what goes beyond is counted and not read`,
    );
  }

  #reject(topic: string, payload: string, reason: string): void {
    this.#lastRejected = { topic, payload, reason, atMs: this.#context.clock.wallMs() };
  }
}

const exampleOf = ({ buffer, start, end }: MessageAt): string => buffer.toString('utf8', start, Math.min(end, start + exampleLength));
