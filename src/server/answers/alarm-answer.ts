import { z } from 'zod';
import { alarmStates, priorities } from '../../core/alarm.ts';
import { commandVerbs } from '../../core/control-row.ts';
import { eventMs, explained, ratio, rule, standingAlarm } from './asset-answer.ts';

export const alarmOfAsset = standingAlarm.extend({ asset: z.string() });

/** One change of state, from the journal. */
export const journalEntry = z.object({
  place: z.int().describe('In the journal: `before` of the next page.'),
  id: z.string(),
  sequence: z.int(),
  asset: z.string(),
  rule,
  tag: z.string().nullable(),
  kind: z.enum(['alert', 'alarm']),
  priority: z.enum(priorities),
  from: z.enum(alarmStates),
  to: z.enum(alarmStates),
  atMs: eventMs(),
  stoodSinceMs: eventMs().exactOptional(),
  ratio,
  ...explained,
  model: z.string().nullable(),
  by: z.string().nullable(),
  comment: z.string().nullable(),
  verb: z.enum(commandVerbs).nullable().exactOptional(),
  about: z.object({ fromMs: eventMs(), toMs: eventMs().nullable() }).exactOptional(),
  withdrawn: z.boolean().exactOptional(),
});

const alarmCount = z.object({ asset: z.string(), rule: z.string(), tag: z.string().nullable(), count: z.int() });

/** ISA-18.2 figures of a span. */
export const alarmFiguresAnswer = z.object({
  fromMs: eventMs(),
  toMs: eventMs(),
  observedMs: z.number(),
  raised: z.int(),
  perHour: z.number(),
  last10Min: z.int(),
  isFlood: z.boolean(),
  peak10Min: z.int(),
  floodShare: z.number(),
  chattering: z.array(alarmCount),
  fleeting: z.int(),
  stale: z.array(z.object({ asset: z.string(), rule: z.string(), tag: z.string().nullable(), sinceMs: eventMs() })),
  byPriority: z.object({ low: z.int(), medium: z.int(), high: z.int(), critical: z.int() }),
  topTen: z.array(alarmCount),
  topTenShare: z.number(),
});
