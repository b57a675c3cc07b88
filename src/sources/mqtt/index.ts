import type { Source, SourceContext } from '../../core/source.ts';
import { type MqttSourceConfig, mqttSourceSchema } from './config.ts';
import { MqttSource } from './mqtt-source.ts';
import { mayGive } from './topic-template.ts';

export const mqttSource = {
  type: 'mqtt' as const,
  schema: mqttSourceSchema,
  produces: (config: MqttSourceConfig, tag: string): boolean =>
    config.topics.some((topic) => Object.keys(topic.tags).some((pattern) => mayGive(pattern, tag))),
  pollMsOf: (): number | undefined => undefined,
  create: (config: MqttSourceConfig, context: SourceContext): Source => new MqttSource(config, context),
};

export type { MqttSourceConfig };
