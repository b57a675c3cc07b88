import { emailSink } from './email/index.ts';
import { influxdbSink } from './influxdb/index.ts';
import { mqttSink } from './mqtt/index.ts';
import { webhookSink } from './webhook/index.ts';

/** Every kind of sink, one line each; `type` is what `type:` says in fettle.yaml. */
export const sinkDefinitions = [influxdbSink, mqttSink, webhookSink, emailSink] as const;
