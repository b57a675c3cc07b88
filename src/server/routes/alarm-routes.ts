import { z } from 'zod';
import type { AlarmTransition } from '../../core/alarm.ts';
import { commandVerbs } from '../../core/control-row.ts';
import { commandFacts, commandSchema, parseCommand } from '../../gateway/commands.ts';
import { alarmFigures } from '../alarm-figures.ts';
import { alarmFiguresAnswer, alarmOfAsset, journalEntry } from '../answers/alarm-answer.ts';
import { type Route, route } from '../route.ts';
import type { Serving } from '../served.ts';
import { done, instant } from './fields.ts';

const dayMs = 86_400_000;
/** A span with more has its newest ones counted. */
const figuresBound = 100_000;

const journalSchema = z.strictObject({
  from: instant().optional().describe('Event time; a week ago when absent.'),
  to: instant().optional().describe('Event time; now when absent.'),
  asset: z.string().optional(),
  before: z.coerce.number().int().optional().describe('Place in the journal: what came before it, for the next page.'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});
const figuresSchema = z.strictObject({
  from: instant().optional().describe('A day ago when absent.'),
  to: instant().optional().describe('Now when absent.'),
});

/** What is wrong, what was, and what people say of it. */
export function alarmRoutes({ served, access }: Serving): Route[] {
  const nowMs = (): number => Date.now();
  return [
    route({
      method: 'GET',
      path: '/api/v1/alarms',
      role: 'viewer',
      summary: 'Alarms that are not normal, of every asset.',
      answer: z.array(alarmOfAsset),
      handle: () => served.gateway.status().assets.flatMap(({ asset, alarms }) => alarms.map((alarm) => ({ asset, ...alarm }))),
    }),
    route({
      method: 'GET',
      path: '/api/v1/alarms/journal',
      role: 'viewer',
      summary: 'Transitions of the past, the newest first.',
      query: journalSchema,
      answer: z.array(journalEntry),
      handle: async ({ query: { from, to, asset, before, limit } }) => {
        const conditions = ['at_ms >= ?', 'at_ms <= ?'];
        const values: (string | number)[] = [from ?? nowMs() - 7 * dayMs, to ?? Number.MAX_SAFE_INTEGER];
        if (asset !== undefined) {
          conditions.push("asset = (SELECT idx FROM names WHERE kind = 'asset' AND name = ?)");
          values.push(asset);
        }
        if (before !== undefined) {
          conditions.push('rowid < ?');
          values.push(before);
        }
        const rows = await served.gateway.query<{ id: number; document: string }>(
          `SELECT rowid AS id, document FROM transitions WHERE ${conditions.join(' AND ')} ORDER BY rowid DESC LIMIT ${limit}`,
          ...values,
        );
        return rows.map(({ id, document }) => ({ place: id, ...(JSON.parse(document) as AlarmTransition) }));
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/alarms/figures',
      role: 'viewer',
      summary: 'ISA-18.2 figures: alarms an hour, floods, chattering, stale ones, the top ten.',
      query: figuresSchema,
      answer: alarmFiguresAnswer,
      handle: async ({ query }) => {
        const toMs = query.to ?? nowMs();
        const fromMs = query.from ?? toMs - dayMs;
        const rows = await served.gateway.query<{ document: string }>(
          `SELECT document FROM (SELECT document, at_ms, rowid AS id FROM transitions WHERE at_ms >= ? AND at_ms <= ? ORDER BY at_ms DESC LIMIT ${figuresBound}) ORDER BY at_ms, id`,
          fromMs,
          toMs,
        );
        const standing = served.gateway
          .status()
          .assets.flatMap(({ asset, alarms }) => alarms.map(({ rule, tag, sinceMs }) => ({ asset, rule, tag, sinceMs })));
        const [known] = await served.gateway.query<{ sinceMs: number | null }>(
          'SELECT min(a.ms, b.ms) AS sinceMs FROM (SELECT coalesce(min(at_ms), 9e15) AS ms FROM transitions) a, (SELECT coalesce((SELECT wall_ms FROM segments ORDER BY seq LIMIT 1), 9e15) AS ms) b',
        );
        return alarmFigures(
          rows.map(({ document }) => JSON.parse(document) as AlarmTransition),
          standing,
          { fromMs, toMs, observedFromMs: Math.min(known?.sinceMs ?? toMs, Date.parse(served.gateway.status().startedAt)) },
        );
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/commands/:verb',
      role: 'operator',
      summary: `What a person says or wants: ${commandVerbs.join(', ')}.`,
      params: z.strictObject({ verb: z.string() }),
      body: commandSchema,
      answer: done,
      handle: async ({ params: { verb }, body, request, caller, from }) => {
        // "By" is who is logged in; only the command line on the machine itself speaks for others.
        const by = caller.kind === 'local' ? body.by : caller.name;
        const command = parseCommand(verb, { ...(request.body as object), by });
        await served.gateway.command(command);
        access.record({ ...caller, name: by }, from, `command.${verb}`, commandFacts(command));
        return { ok: true };
      },
    }),
  ];
}
