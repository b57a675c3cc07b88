import { z } from 'zod';
import { alarmStates, priorities } from '../../core/alarm.ts';
import { commandVerbs } from '../../core/control-row.ts';

/** What is published, as zod schemas and, made from them, JSON Schemas with the ids that messages carry (MQTT 5: user property `schema`). */

const time = z.iso.datetime().describe('ISO 8601, UTC.');
const rule = z.enum(['anomaly', 'drift', 'hihi', 'hi', 'lo', 'lolo', 'rate', 'flatline', 'badQuality', 'notWatched']);
const state = z.enum(alarmStates).describe('ISA-18.2 state.');
const kind = z.enum(['alert', 'alarm']).describe('An alarm has a response of the site; an alert has none.');
const priority = z.enum(priorities);
const sequence = z.int().nonnegative().describe("Counts the asset's transitions without a gap.");

const finding = z.strictObject({
  tag: z.string(),
  value: z.number().nullable(),
  expected: z.tuple([z.number(), z.number()]).nullable().describe('Lower and upper end.'),
  engineeringUnit: z.string().nullable(),
  share: z.number().nullable().describe('Share of the score, 0 to 1.'),
});

const eventSchema = z.strictObject({
  id: z.string().describe('The same for every repetition of this event.'),
  sequence,
  asset: z.string(),
  rule,
  tag: z.string().nullable(),
  kind,
  priority,
  from: state,
  to: state,
  at: time,
  ratio: z.number().nullable().describe('How often the score or value is its limit.'),
  message: z.string(),
  findings: z.array(finding).describe('Channels that explain it, largest part first.'),
  advice: z.string().nullable().describe('What a person should do.'),
  consequence: z.string().nullable().describe('What happens if nobody does.'),
  provisional: z.boolean().describe('True: decided by a model learnt from a first stretch; not to be trusted like an established one.'),
  model: z.string().nullable(),
  by: z.string().nullable().describe('Who acknowledged, shelved …'),
  comment: z.string().nullable(),
  verb: z
    .enum(commandVerbs)
    .nullable()
    .optional()
    .describe('What was asked for; null: nobody asked for anything. Where from and to are the same, it was said and changed nothing.'),
  about: z
    .strictObject({ from: time, to: time.nullable().describe('null: it goes on.') })
    .nullable()
    .optional()
    .describe('Of a verdict: the stretch it is about.'),
  withdrawn: z.boolean().describe('True: this was published before a crash and could not be reproduced; take it back.'),
});

const stateSchema = z.strictObject({
  asset: z.string(),
  sequence,
  state: z.enum(['normal', 'active']),
  watching: z.enum(['yes', 'learning', 'partial', 'no']),
  watchingText: z.string(),
  at: time,
  alarms: z.array(
    z.strictObject({
      rule,
      tag: z.string().nullable(),
      state,
      kind,
      priority,
      since: time,
      ratio: z.number().nullable(),
      message: z.string(),
      findings: z.array(finding),
      advice: z.string().nullable().describe('What a person should do.'),
      consequence: z.string().nullable().describe('What happens if nobody does.'),
      provisional: z.boolean(),
      transition: z.string().describe('Id of the event that brought this state.'),
      shelvedUntil: time.nullable(),
    }),
  ),
});

const scoreSchema = z.strictObject({
  asset: z.string(),
  model: z.string(),
  at: time.describe('End of the window.'),
  score: z.number().nullable(),
  limit: z.number(),
  ratio: z.number().nullable(),
  channels: z.array(
    z.strictObject({
      tag: z.string(),
      contribution: z.number().nullable(),
      observed: z.number().nullable(),
      expected: z.number().nullable(),
    }),
  ),
});

const statusSchema = z.strictObject({
  online: z.boolean(),
  version: z.string().optional(),
  startedAt: time.optional(),
});

const describeSchema = z.strictObject({
  site: z.string(),
  version: z.string(),
  assets: z.array(z.looseObject({ id: z.string(), tags: z.array(z.string()), model: z.string().nullable() })),
  models: z.array(z.looseObject({ id: z.string(), version: z.string() })),
  topics: z.record(z.string(), z.string()).describe('Topic of each kind of message; <asset> stands for an asset id.'),
  schemas: z.record(z.string(), z.string()).describe('Schema id of each kind of message.'),
});

const answerSchema = z.strictObject({
  request: z.unknown().optional().describe('`request` of the command, where it had one: MQTT 3.1.1 has no correlation data.'),
  ok: z.boolean().describe('True: carried out, and in the journal.'),
  error: z.strictObject({ code: z.string().describe('A code of docs/errors.md.'), message: z.string() }).optional(),
});

export type EventDocument = z.infer<typeof eventSchema>;
export type StateDocument = z.infer<typeof stateSchema>;
export type ScoreDocument = z.infer<typeof scoreSchema>;
export type StatusDocument = z.infer<typeof statusSchema>;
export type DescribeDocument = z.infer<typeof describeSchema>;

export const messageSchemas = {
  event: eventSchema,
  state: stateSchema,
  score: scoreSchema,
  status: statusSchema,
  describe: describeSchema,
  answer: answerSchema,
} as const;
export type MessageKind = keyof typeof messageSchemas;
export const messageKinds = Object.keys(messageSchemas) as MessageKind[];

export const schemaId = (kind: MessageKind): string => `urn:fettle:mqtt:${kind}:1`;

/** JSON Schema (2020-12) of every kind of message. */
export function messageJsonSchemas(): Record<MessageKind, object> {
  const of = (kind: MessageKind): object => ({ $id: schemaId(kind), title: `fettle ${kind}`, ...z.toJSONSchema(messageSchemas[kind]) });
  return Object.fromEntries(messageKinds.map((kind) => [kind, of(kind)])) as Record<MessageKind, object>;
}

/** Of a retained document read back from the broker: only what reconciliation needs, so that older shapes can be read too. */
export const retainedStateSchema = z.object({
  sequence: z.number(),
  alarms: z.array(z.object({ transition: z.string() })),
});
