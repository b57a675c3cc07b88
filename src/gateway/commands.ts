import { z } from 'zod';
import { type AlarmCommand, commandVerbs } from '../core/control-row.ts';
import { FettleError } from '../core/errors.ts';
import { durationMs } from '../core/fields.ts';
import { parseTimestamp } from '../core/timestamp.ts';

const instant = () =>
  z.union([z.string(), z.number()]).transform((given, context) => {
    const ms = parseTimestamp(given);
    if (!Number.isNaN(ms)) return ms;
    context.addIssue({ code: 'custom', message: `"${given}" is not a time; write for example 2026-03-01T06:00:00Z` });
    return z.NEVER;
  });

/** What MQTT `…/cmd/<verb>` and `POST /api/v1/commands/<verb>` take. */
export const commandSchema = z.looseObject({
  asset: z.string().min(1).describe('Id of the asset.'),
  rule: z.string().optional().describe('One rule only: anomaly, drift, hihi, hi, lo, lolo, rate, flatline, badQuality, notWatched.'),
  tag: z.string().optional().describe('One tag only.'),
  by: z.string().max(200).default('unknown').describe('Who asks.'),
  comment: z.string().max(2000).optional().describe('Why; with comment: what is to be kept.'),
  for: durationMs().optional().describe('shelve, maintenanceStart: how long; an hour and 8 hours when absent.'),
  from: instant()
    .optional()
    .describe('real, false, planned: where the stretch begins that it is said of (ISO 8601 or epoch). The last alarm when absent.'),
  rebaseline: z.boolean().optional().describe('maintenanceEnd: the baseline of the detector begins anew.'),
  to: instant().optional().describe('real, false, planned: where it ends.'),
});

/** A command over a way on which everybody can call themselves what they like: `by` says so. Throws as `parseCommand`. */
export function claimedCommand(verb: string, payload: unknown, over: 'mqtt'): AlarmCommand {
  const command = parseCommand(verb, payload);
  return { ...command, by: `${over}: ${command.by}` };
}

/** What the audit log keeps of a command. */
export const commandFacts = ({ asset, rule, tag, comment, forMs, fromMs, toMs, rebaseline }: AlarmCommand): Record<string, unknown> => ({
  asset,
  rule,
  tag,
  comment,
  forMs,
  ...(fromMs !== undefined && { from: new Date(fromMs).toISOString() }),
  ...(toMs !== undefined && { to: new Date(toMs).toISOString() }),
  rebaseline,
});

/** Throws FETTLE_COMMAND_INVALID with what is wrong. */
export function parseCommand(verb: string, payload: unknown): AlarmCommand {
  const known = commandVerbs.find((name) => name === verb);
  if (known === undefined)
    throw new FettleError('FETTLE_COMMAND_INVALID', `there is no command "${verb}"; there are ${commandVerbs.join(', ')}`);
  const parsed = commandSchema.safeParse(payload);
  if (parsed.error !== undefined) {
    throw new FettleError(
      'FETTLE_COMMAND_INVALID',
      `${verb}: ${parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')}`,
    );
  }
  const { asset, rule, tag, by, comment, for: forMs, from: fromMs, to: toMs, rebaseline } = parsed.data;
  if (known === 'comment' && (comment ?? '').trim() === '')
    throw new FettleError('FETTLE_COMMAND_INVALID', 'comment: it says nothing; give comment');
  if (fromMs !== undefined && toMs !== undefined && toMs <= fromMs)
    throw new FettleError('FETTLE_COMMAND_INVALID', `${verb}: the stretch ends before it begins`);
  if (fromMs === undefined && toMs !== undefined)
    throw new FettleError('FETTLE_COMMAND_INVALID', `${verb}: it has an end (to) and no beginning (from)`);
  return {
    verb: known,
    asset,
    by,
    ...(rule !== undefined && { rule }),
    ...(tag !== undefined && { tag }),
    ...(comment !== undefined && { comment }),
    ...(forMs !== undefined && { forMs }),
    ...(rebaseline !== undefined && { rebaseline }),
    ...(fromMs !== undefined && { fromMs }),
    ...(toMs !== undefined && { toMs }),
  };
}
