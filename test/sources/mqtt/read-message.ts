import { Interner } from '../../../src/core/interner.ts';
import { qualityName } from '../../../src/core/quality.ts';
import type { SampleInlet } from '../../../src/core/source.ts';
import { type MqttSourceConfig, mqttSourceSchema } from '../../../src/sources/mqtt/config.ts';
import type { Rejection } from '../../../src/sources/mqtt/intake.ts';
import type { PublishProperties } from '../../../src/sources/mqtt/publish-properties.ts';
import { TopicRule } from '../../../src/sources/mqtt/topic-reader.ts';

export interface Taken {
  readonly tag: string;
  readonly timeMs: number;
  readonly value: number;
  readonly quality: string;
}

export const collectingInlet = (tags: Interner, taken: Taken[]): SampleInlet =>
  ({
    append: (tag: number, timeMs: number, value: number, quality: number) =>
      taken.push({ tag: tags.nameOf(tag), timeMs, value, quality: qualityName(quality) }),
  }) as unknown as SampleInlet;

export const parseSource = (source: object): MqttSourceConfig =>
  mqttSourceSchema.parse({ id: 'm', type: 'mqtt', url: 'mqtt://x:1', ...source }) as MqttSourceConfig;

export interface ReadOptions {
  readonly arrivalMs?: number;
  readonly retained?: boolean;
  readonly units?: Readonly<Record<string, string>>;
  readonly properties?: PublishProperties;
}

/** Messages of one topic, one after the other. */
export function readMessages(topicConfig: object, topic: string, payloads: readonly (string | Buffer)[], options: ReadOptions = {}) {
  const { arrivalMs = 1_795_000_000_000, retained = false, units = {}, properties } = options;
  const [config] = parseSource({ topics: [topicConfig] }).topics;
  const tags = new Interner(100);
  const taken: Taken[] = [];
  const reader = new TopicRule(config as MqttSourceConfig['topics'][number]).readerOf(topic, { tags, unitOf: (tag) => units[tag] });
  if (reader === undefined) throw new Error(`${topic} is not taken`);
  const rejections = payloads.map((payload): Rejection | undefined => {
    const buffer = Buffer.from(payload);
    return reader.read(
      { buffer, start: 0, end: buffer.length, arrivalMs, retained, ...(properties !== undefined && { properties }) },
      collectingInlet(tags, taken),
    );
  });
  return { taken, rejections, reader };
}

export function readMessage(topicConfig: object, topic: string, payload: string | Buffer, options: ReadOptions = {}) {
  const { taken, rejections, reader } = readMessages(topicConfig, topic, [payload], options);
  return { taken, rejection: rejections[0], taken1: taken[0], reader };
}
