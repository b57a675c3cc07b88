import { z } from 'zod';

/** How much is kept, how far back it will reach, and how long the link may stay away. */
export const storageForecast = z.object({
  bytes: z.number(),
  oldestMs: z.number().nullable(),
  bytesPerDay: z.number().nullable().describe('null before a minute was measured.'),
  samplesPerDay: z.number().nullable(),
  isEarly: z.boolean().describe('The rates are of less than an hour.'),
  daysOfHistory: z.number().nullable(),
  bound: z.enum(['maxBytes', 'maxAge', 'disk']).nullable().describe('What ends the history.'),
  freeBytes: z.number(),
  maxBytes: z.number(),
  waitingBytes: z.number().describe('Of bytes, what waits for a sink.'),
  waitingBytesPerDay: z.number().nullable().describe('What a day without link adds to that.'),
  growthBytesPerDay: z.number().nullable().describe('What a day without link adds to the database, history included.'),
  autonomy: z
    .object({ ms: z.number(), bound: z.enum(['maxBytes', 'disk']) })
    .nullable()
    .describe('How long the link may stay away from now before the first that is unsent is dropped.'),
});

export const backupFacts = z.object({
  site: z.string(),
  version: z.string(),
  createdAt: z.string(),
  schema: z.int(),
  config: z.string(),
  files: z.int(),
  bytes: z.int(),
  left: z.array(z.string()).describe('Files the configuration names that are not in it.'),
});

export const reloaded = z.object({
  applied: z.array(z.string()),
  needRestart: z.array(z.string()).describe('Keys that only a new process reads.'),
  pauseMs: z.number(),
});
