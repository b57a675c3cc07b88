import { z } from 'zod';
import { alarmStates, priorities, watchingWords } from '../../core/alarm.ts';
import { learning } from './model-answer.ts';

export const eventMs = () => z.number().describe('Event time, ms since the epoch.');
export const rule = z.enum(['anomaly', 'drift', 'hihi', 'hi', 'lo', 'lolo', 'rate', 'flatline', 'badQuality', 'notWatched']);
export const ratio = z.number().nullable().describe('How often the score or value is its limit.');

export const finding = z.object({
  tag: z.string(),
  value: z.number().nullable(),
  expected: z.tuple([z.number(), z.number()]).nullable().describe('Lower and upper end.'),
  engineeringUnit: z.string().nullable(),
  share: z.number().nullable().describe('Share of the score, 0 to 1.'),
});

export const cause = z
  .object({
    limit: z.number().exactOptional(),
    sinceMs: eventMs().exactOptional(),
    quality: z.string().exactOptional(),
    channel: z.string().exactOptional(),
    keptOpen: z.boolean().exactOptional(),
  })
  .exactOptional()
  .describe('What the message says besides its findings.');

/** What an alarm says, while it stands and in the journal. */
export const explained = {
  message: z.string(),
  findings: z.array(finding),
  cause,
  advice: z.string().nullable(),
  consequence: z.string().nullable(),
  provisional: z.boolean(),
};

export const standingAlarm = z.object({
  rule,
  tag: z.string().nullable(),
  state: z.enum(alarmStates).describe('ISA-18.2 state.'),
  kind: z.enum(['alert', 'alarm']),
  priority: z.enum(priorities),
  sinceMs: eventMs(),
  ratio,
  ...explained,
  transition: z.string().describe('Id of the event that brought this state.'),
  shelvedUntilMs: eventMs().nullable(),
});

const watched = z
  .object({
    tags: z.int(),
    silent: z.array(z.object({ tag: z.string(), sinceMs: eventMs(), quality: z.string() })),
    stopped: z.boolean(),
    maintenance: z.object({ untilMs: eventMs(), by: z.string(), reason: z.string().nullable() }).nullable(),
    learning: z.boolean(),
    provisional: z.boolean(),
    newContext: z.object({ label: z.string(), name: z.string() }).nullable(),
  })
  .exactOptional()
  .describe('How well it is watched, of which watchingText is the sentence.');

/** An asset's whole state. */
export const assetState = z.object({
  asset: z.string(),
  sequence: z.int(),
  state: z.enum(['normal', 'active']),
  watching: z.enum(watchingWords),
  watchingText: z.string(),
  watched,
  alarms: z.array(standingAlarm),
  atMs: eventMs(),
});

/** A tag as it is now. */
export const tagNow = z.object({
  tag: z.string(),
  source: z.string().nullable(),
  value: z.union([z.number(), z.string()]).nullable(),
  engineeringUnit: z.string().nullable(),
  quality: z.string(),
  severity: z.enum(['good', 'uncertain', 'bad', 'waiting']),
  at: z.string().nullable().describe('Time of the sample, ISO 8601.'),
  ageMs: z.number().nullable(),
  samples: z.int(),
  assets: z.array(z.string()).describe('Assets that watch it.'),
});

export const assetWithChannels = assetState.extend({ channels: z.array(tagNow), learning: learning.nullable() });

const series = z.array(z.number().nullable());

/** A stretch of history; every series has an element for each of `timeMs`. */
export const assetChart = z.object({
  asset: z.string(),
  fromMs: eventMs(),
  toMs: eventMs(),
  stepMs: z.number(),
  timeMs: z.array(z.number()).describe('Beginning of each step, ms since the epoch.'),
  channels: z.array(
    z.object({
      tag: z.string(),
      engineeringUnit: z.string().nullable(),
      min: series,
      mean: series,
      max: series,
      expected: series.describe('What the model would have had there.'),
      tolerance: z.number().nullable(),
    }),
  ),
  score: z.object({ ratio: series, shares: z.array(z.array(z.number()).nullable()).describe('[time][channel], 0 to 1.') }),
  invalid: z.array(z.object({ fromMs: eventMs(), toMs: eventMs(), reason: z.string(), tag: z.string().nullable() })),
  alarms: z.array(
    z.object({
      fromMs: eventMs(),
      toMs: eventMs().nullable().describe('null: it stands.'),
      rule,
      tag: z.string().nullable(),
      message: z.string(),
      ratio,
      findings: z.array(finding),
      cause,
    }),
  ),
  oldestMs: eventMs().nullable(),
  newestMs: eventMs().nullable(),
  summedToMs: eventMs().nullable().describe('Up to where long spans are summed up so far; null: all of it.'),
});
