import type { SinkContext } from '../../core/sink.ts';
import { type AlertsConfig, type MqttSinkConfig, mqttSinkSchema } from './config.ts';
import { MqttSink } from './mqtt-sink.ts';

export const mqttSink = {
  type: 'mqtt' as const,
  schema: mqttSinkSchema,
  create: (config: MqttSinkConfig, context: SinkContext): MqttSink => new MqttSink(config.id, config, context),
};

/** The sink behind the top-level key `alerts:`; its name is that of the context. */
export const createAlerts = (config: AlertsConfig, context: SinkContext): MqttSink => new MqttSink(context.id, config, context);
