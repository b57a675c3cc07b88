import { z } from 'zod';
import { durationMs, secret, sizeBytes, url } from '../../core/fields.ts';

const ownTags = ['site', 'asset', 'model', 'rule', 'tag', 'time'];

export const influxdbSchema = z.strictObject({
  id: z.string().min(1).describe('Name of this sink, for status pages and the outbox.'),
  type: z.literal('influxdb'),
  url: url('http', 'https').describe('Address of InfluxDB 1, 2 or 3, VictoriaMetrics or QuestDB, for example http://influxdb:8086.'),
  database: z.string().min(1).default('fettle').describe('Database (InfluxDB 2: a bucket with a DBRP mapping).'),
  createDatabase: z.boolean().default(true).describe('Create the database where it is missing (InfluxDB 1).'),
  send: z
    .array(z.enum(['scores', 'alarms', 'samples']))
    .min(1)
    .default(['scores', 'alarms', 'samples'])
    .describe('What is sent.'),
  expected: z.boolean().default(true).describe('Send with each score what was expected of each channel, to be shown beside the values.'),
  username: z.string().optional().describe('User name, for basic authentication.'),
  password: secret().optional().describe('Password, by reference: ${env:NAME} or ${file:path}.'),
  token: secret().optional().describe('API token of InfluxDB 2 or 3, by reference; instead of user name and password.'),
  gzip: z
    .union([z.boolean(), z.literal('auto')])
    .default('auto')
    .describe('Compress requests; auto: not on this machine itself.'),
  batch: z
    .strictObject({
      points: z.int().min(1).max(100_000).default(5000).describe('Points in one request, at most.'),
      bytes: sizeBytes().prefault('5MB').describe('Bytes in one request before compression, at most.'),
      wait: durationMs().prefault('1s').describe('How long results and samples wait for company; alarms do not wait.'),
    })
    .prefault({})
    .describe('How points are gathered into requests.'),
  timeout: durationMs().prefault('10s').describe('How long to wait for the answer to one request.'),
  tags: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]*$/, 'letters, digits, _ . and -, a letter first'), z.string().min(1))
    .default({})
    .refine((tags) => !Object.keys(tags).some((key) => ownTags.includes(key)), `these names are taken: ${ownTags.join(', ')}`)
    .describe('Further tags for every point, for example {plant: north}. Keep them constant.'),
});

export type InfluxdbConfig = z.output<typeof influxdbSchema>;
