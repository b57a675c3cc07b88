import { z } from 'zod';
import { durationMs, pathName, secret, sizeBytes, url } from '../../core/fields.ts';
import { parseFieldPath } from './dialects/influx.ts';
import { jsonPathProblem, stepsOf } from './json-path.ts';
import { topicTemplateProblem } from './topic-template.ts';

const jsonPath = () =>
  z.string().superRefine((text, context) => {
    const problem = jsonPathProblem(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

const timeSchema = z.strictObject({
  path: jsonPath().optional().describe('Where the time stamp stands in the payload; with [*] one for each element.'),
  property: z.string().min(1).optional().describe('MQTT 5: user property with the time stamp, for payloads that have none.'),
  unit: z.enum(['s', 'ms', 'us', 'ns']).optional().describe('Unit of a numeric time stamp; told by its size when absent.'),
  interval: durationMs()
    .optional()
    .describe('Distance of the elements of an array that share one time stamp; the stamp is that of the last. 1 ms when absent.'),
  maxSkew: durationMs().prefault('5m').describe('A time stamp further ahead of this clock makes the sample bad; it moves no window.'),
  otherwise: z
    .enum(['arrival', 'reject'])
    .default('arrival')
    .describe(
      'What a message without a readable time stamp gets, or with one that is no time of day: before 2010, or a year ahead (an uptime).',
    ),
});

const topicTemplate = () =>
  z.string().superRefine((text, context) => {
    const problem = topicTemplateProblem(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

const csvSchema = z.strictObject({
  separator: z
    .union([z.literal('auto'), z.string().length(1)])
    .default('auto')
    .describe('Between two cells; auto finds ; tab | or , in the first line. A comma is none where decimal: comma.'),
  columns: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Names of the columns where messages bring no header. Absent: the first line of each message is it, if a path has a name.'),
});

const availabilitySchema = z.strictObject({
  topic: topicTemplate().describe('Where a client says that it is there, and its last will that it is not; {name} as in the topic.'),
  online: z.string().min(1).default('online').describe('Payload that says it is there.'),
  offline: z.string().min(1).default('offline').describe('Payload that says it is gone: its tags are bad at once (no communication).'),
  path: jsonPath().optional().describe('Where the word stands in a JSON payload: $.state.'),
});

const topicSchema = z
  .strictObject({
    topic: topicTemplate().describe('Topic with {name} for a level to be used in tag names, + and # as in MQTT.'),
    payload: z
      .enum(['json', 'scalar', 'csv', 'influx', 'auto'])
      .default('json')
      .describe(
        'json: a JSON document; scalar: a bare number, with its unit or not, on, off, true or false; csv: lines of cells; influx: InfluxDB line protocol; auto: what the content type (MQTT 5) says, or what it looks like.',
      ),
    time: timeSchema.prefault({}).describe('Event time of the samples.'),
    tags: z
      .record(z.string().min(1), z.string())
      .describe(
        'Tag name (with {name} from the topic) to the path of its value. json: $.flow, $.values[*], $.values[*].v; scalar: $; csv: $.flow by header, $[2] by position from 0; influx: $.field, $.measurement.field, $.* for every field, and the name may have {measurement}, {field} and {tag} of the line.',
      ),
    decimal: z.enum(['point', 'comma']).default('point').describe('Decimal sign of numbers that come as text.'),
    words: z
      .record(z.string().min(1), z.number())
      .default({})
      .describe('Words that stand for numbers: { open: 1, closed: 0 }. on, off, true and false are known.'),
    csv: csvSchema.prefault({}).describe('How lines of cells are read.'),
    availability: availabilitySchema.optional().describe('How one knows that the client behind a topic is there.'),
  })
  .superRefine((topic, context) => {
    const known = namesOf(topic.topic);
    const { payload, tags, time, csv, availability } = topic;
    const problem = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    for (const [tag, path] of Object.entries(tags)) {
      const wrong = pathProblem(payload, path, csv.columns);
      if (wrong !== undefined) problem(['tags', tag], wrong);
      // The lines themselves bring names too.
      if (payload !== 'influx' && payload !== 'auto') {
        for (const name of namesOf(tag))
          if (!known.has(name)) problem(['tags', tag], `{${name}} does not stand in the topic ${topic.topic}`);
      }
      const bare = pathName().safeParse(tag.replaceAll(/\{\w+\}/g, 'x'));
      if (!bare.success) problem(['tags', tag], bare.error.issues[0]?.message ?? 'not a tag name');
    }
    if (time.path !== undefined) {
      if (payload === 'influx') problem(['time', 'path'], 'line protocol has its time at the end of each line; leave the path out');
      else if (payload === 'csv') {
        const wrong = pathProblem('csv', time.path, csv.columns);
        if (wrong !== undefined) problem(['time', 'path'], wrong);
      }
    }
    for (const name of namesOf(availability?.topic ?? '')) {
      if (!known.has(name)) problem(['availability', 'topic'], `{${name}} does not stand in the topic ${topic.topic}`);
    }
  });

const namesOf = (text: string): Set<string> => new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string));

function pathProblem(payload: string, path: string, columns: readonly string[] | undefined): string | undefined {
  if (payload === 'influx')
    return parseFieldPath(path) === undefined ? `"${path}" is no field; write $.field, $.measurement.field or $.*` : undefined;
  if (payload === 'csv') {
    const [column, ...more] = stepsOf(path) ?? [];
    if (column === undefined || more.length > 0) return `"${path}" is no column; write $.name as in the header, or $[0] for the first`;
    return typeof column === 'string' && columns?.includes(column) === false ? `"${column}" is not one of csv.columns` : undefined;
  }
  return jsonPathProblem(path);
}

const mqttSourceFields = z.strictObject({
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
  serverName: z.string().optional().describe('Name in the certificate of the broker, when it is not that of the URL.'),
  keepalive: durationMs().prefault('30s').describe('Longest silence before the connection is checked.'),
  maxPayload: sizeBytes().prefault('1MB').describe('Larger messages are counted and not read.'),
  maxTopic: z.int().min(16).max(65_535).default(1024).describe('Bytes; messages with a longer topic are counted and not read.'),
  maxRate: z
    .int()
    .min(1)
    .default(5000)
    .describe(
      'Messages of one topic in a second of their own time (of arrival where they bring none), over ten seconds: what a device kept through an outage may come at once, a flood of the same moment may not. What goes beyond is counted, acknowledged and not read, and the topic is named in the status.',
    ),
  share: z
    .string()
    .regex(/^[^/+#\s]+$/, 'must be a name without / + #')
    .optional()
    .describe(
      'Group of a shared subscription: each message goes to one of the gateways that name it. Each needs a clientId of its own, and each asset all its tags from one topic: its messages would be divided otherwise.',
    ),
  maxInFlight: z.int().min(1).max(65_535).default(1000).describe('Unacknowledged QoS 1 messages the broker may have under way (MQTT 5).'),
  topics: z.array(topicSchema).min(1).describe('What to subscribe to and how to read it.'),
});

export const mqttSourceSchema = mqttSourceFields.superRefine(({ share, clientId, cert, key }, context) => {
  if (share !== undefined && clientId === undefined)
    context.addIssue({ code: 'custom', path: ['share'], message: 'wants a clientId that no other gateway of the group has' });
  if ((cert === undefined) !== (key === undefined))
    context.addIssue({ code: 'custom', path: [cert === undefined ? 'cert' : 'key'], message: 'cert and key come together' });
});

export type MqttSourceConfig = z.output<typeof mqttSourceSchema>;
export type TopicConfig = MqttSourceConfig['topics'][number];
