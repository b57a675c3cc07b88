import { z } from 'zod';
import { durationMs, secret, url } from '../../core/fields.ts';

const keys = {
  url: url('mqtt', 'mqtts').describe('Broker, for example mqtt://broker:1883 or mqtts://broker:8883.'),
  username: z.string().optional().describe('User name at the broker.'),
  password: secret().optional().describe('Password, by reference: ${env:NAME} or ${file:path}.'),
  ca: z.string().optional().describe('File with the certificate authority of the broker, PEM.'),
  cert: z.string().optional().describe('File with our own certificate, PEM.'),
  key: z.string().optional().describe('File with the key of our own certificate, PEM.'),
  clientId: z.string().min(1).optional().describe('MQTT client id; by default fettle-<site>-<id>.'),
  protocolVersion: z
    .union([z.literal(5), z.literal(4)])
    .default(5)
    .describe('MQTT 5, or 4 for 3.1.1. A broker that refuses 5 is asked again with 3.1.1.'),
  root: z
    .string()
    .regex(/^[^+#$/\s][^+#\s]*(?<!\/)$/, 'must be a topic level like fettle, without + #')
    .default('fettle')
    .describe('First level of every topic.'),
  scores: z.boolean().default(true).describe('Publish every score on …/score (QoS 0).'),
  timeout: durationMs().prefault('5s').describe('How long to wait for a connection or an acknowledgement.'),
};

/** The top-level key `alerts:`. */
export const alertsSchema = z.strictObject(keys);
/** The same under `sinks:`. */
export const mqttSinkSchema = z.strictObject({
  id: z.string().min(1).describe('Name of this sink, for status pages and the outbox.'),
  type: z.literal('mqtt'),
  ...keys,
});

export type AlertsConfig = z.output<typeof alertsSchema>;
export type MqttSinkConfig = z.output<typeof mqttSinkSchema>;
