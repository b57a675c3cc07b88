import { z } from 'zod';
import { durationMs, pathName } from '../../core/fields.ts';

const httpTagSchema = z.strictObject({
  tag: pathName().describe('Tag name.'),
  engineeringUnit: z.string().optional().describe('Unit shown with the value: °C, A, bar.'),
});

export const httpSourceSchema = z.strictObject({
  id: z.string().min(1).describe('Name of the source, by which programs send to it.'),
  type: z.literal('http'),
  tags: z.array(httpTagSchema).min(1).describe('What may be sent; other tags are refused.'),
  maxSkew: durationMs().prefault('5m').describe('A time stamp further ahead of this clock makes the sample bad; it moves no window.'),
  silentAfter: durationMs()
    .prefault('1m')
    .describe('Nobody has sent for so long: the source counts as away, and holds back no windows of other sources.'),
});

export type HttpSourceConfig = z.output<typeof httpSourceSchema>;
