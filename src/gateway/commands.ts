import { z } from 'zod';
import { type AlarmCommand, commandVerbs } from '../core/control-row.ts';
import { FettleError } from '../core/errors.ts';
import { durationMs } from '../core/fields.ts';

/** What MQTT `…/cmd/<verb>` and `POST /api/v1/commands/<verb>` take. */
export const commandSchema = z.looseObject({
  asset: z.string().min(1).describe('Id of the asset.'),
  rule: z.string().optional().describe('One rule only: anomaly, drift, hihi, hi, lo, lolo, rate, flatline, badQuality, notWatched.'),
  tag: z.string().optional().describe('One tag only.'),
  by: z.string().max(200).default('unknown').describe('Who asks.'),
  comment: z.string().max(2000).optional().describe('Why.'),
  for: durationMs().optional().describe('shelve: how long; an hour when absent.'),
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
  const { asset, rule, tag, by, comment, for: forMs } = parsed.data;
  return {
    verb: known,
    asset,
    by,
    ...(rule !== undefined && { rule }),
    ...(tag !== undefined && { tag }),
    ...(comment !== undefined && { comment }),
    ...(forMs !== undefined && { forMs }),
  };
}
