import { z } from 'zod';
import { durationMs, pathName, secret, sizeBytes, url } from '../../core/fields.ts';
import { jsonPathProblem } from './json-path.ts';
import { topicTemplateProblem } from './topic-template.ts';

const jsonPath = () =>
  z.string().superRefine((text, context) => {
    const problem = jsonPathProblem(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

const timeSchema = z.strictObject({
  path: jsonPath().optional().describe('Where the time stamp stands in the payload; with [*] one for each element.'),
  unit: z.enum(['s', 'ms', 'us', 'ns']).optional().describe('Unit of a numeric time stamp; told by its size when absent.'),
  interval: durationMs()
    .optional()
    .describe('Distance of the elements of an array that share one time stamp; the stamp is that of the last. 1 ms when absent.'),
  maxSkew: durationMs().prefault('5m').describe('A time stamp further ahead of this clock makes the sample bad; it moves no window.'),
  otherwise: z.enum(['arrival', 'reject']).default('arrival').describe('What a message without a readable time stamp gets.'),
});

const topicSchema = z
  .strictObject({
    topic: z
      .string()
      .superRefine((text, context) => {
        const problem = topicTemplateProblem(text);
        if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
      })
      .describe('Topic with {name} for a level to be used in tag names, + and # as in MQTT.'),
    payload: z.enum(['json', 'scalar']).default('json').describe('json: a JSON document; scalar: a bare number, true or false.'),
    time: timeSchema.prefault({}).describe('Event time of the samples.'),
    tags: z
      .record(z.string().min(1), jsonPath())
      .describe('Tag name (with {name} from the topic) to the path of its value: $.flow, $.values[*], $ for a scalar.'),
  })
  .superRefine(({ topic, tags }, context) => {
    const known = new Set([...topic.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    for (const tag of Object.keys(tags)) {
      for (const [, name] of tag.matchAll(/\{(\w+)\}/g)) {
        if (!known.has(name))
          context.addIssue({ code: 'custom', path: ['tags', tag], message: `{${name}} does not stand in the topic ${topic}` });
      }
      const bare = pathName().safeParse(tag.replaceAll(/\{\w+\}/g, 'x'));
      if (!bare.success)
        context.addIssue({ code: 'custom', path: ['tags', tag], message: bare.error.issues[0]?.message ?? 'not a tag name' });
    }
  });

export const mqttSourceSchema = z.strictObject({
  id: z.string().min(1).describe('Name of the source in status, logs and errors.'),
  type: z.literal('mqtt'),
  url: url('mqtt', 'mqtts').describe('Broker: mqtt://host:1883 or mqtts://host:8883.'),
  qos: z
    .union([z.literal(0), z.literal(1)])
    .default(1)
    .describe('1: a message is acknowledged after its samples are on the disk; 0: as fast as they come.'),
  clientId: z
    .string()
    .min(1)
    .optional()
    .describe('MQTT client id; fettle-<site>-<source id> when absent. It names the session the broker keeps.'),
  cleanSession: z.boolean().default(false).describe('true: the broker keeps nothing for this client while it is away.'),
  sessionExpiry: durationMs().prefault('7d').describe('MQTT 5: how long the broker keeps the session of an absent client.'),
  protocolVersion: z
    .union([z.literal('auto'), z.literal(4), z.literal(5)])
    .default('auto')
    .describe('5, 4 (MQTT 3.1.1), or auto: 5 with a step back to 4 where the broker refuses it.'),
  username: z.string().optional().describe('User name at the broker.'),
  password: secret().optional().describe('Password, by reference.'),
  ca: z.string().optional().describe('File with the certificate authority of the broker, PEM.'),
  cert: z.string().optional().describe('File with the client certificate, PEM.'),
  key: z.string().optional().describe('File with the key of the client certificate, PEM.'),
  keepalive: durationMs().prefault('30s').describe('Longest silence before the connection is checked.'),
  maxPayload: sizeBytes().prefault('1MB').describe('Larger messages are counted and not read.'),
  maxInFlight: z.int().min(1).max(65_535).default(1000).describe('Unacknowledged QoS 1 messages the broker may have under way (MQTT 5).'),
  topics: z.array(topicSchema).min(1).describe('What to subscribe to and how to read it.'),
});

export type MqttSourceConfig = z.output<typeof mqttSourceSchema>;
export type TopicConfig = MqttSourceConfig['topics'][number];
