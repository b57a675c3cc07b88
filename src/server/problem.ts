import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { type ErrorCode, errorText, FettleError } from '../core/errors.ts';

/** RFC 9457, with the code of docs/errors.md. */
export const problemSchema = z.object({
  type: z.string().describe('urn:fettle:error: and the code.'),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('What is wrong, for people.'),
  code: z.string().describe('As in docs/errors.md.'),
  hint: z.string().optional().describe('What to do about it.'),
});
export type Problem = z.output<typeof problemSchema>;

const statusOf: Partial<Record<ErrorCode, number>> = {
  FETTLE_ACCESS_DENIED: 401,
  FETTLE_ACCESS_FORBIDDEN: 403,
  FETTLE_ACCESS_LOCKED: 429,
  FETTLE_ACCESS_BUSY: 429,
  FETTLE_ACCESS_INVALID: 409,
  FETTLE_SOURCE_BUSY: 503,
  FETTLE_API_REQUEST: 400,
  FETTLE_ASSET_UNKNOWN: 404,
  FETTLE_COMMAND_INVALID: 409,
  FETTLE_MODEL_INVALID: 409,
  FETTLE_MODEL_MISMATCH: 409,
  FETTLE_CONFIG_INVALID: 409,
  FETTLE_BACKUP_FAILED: 409,
};

export function problemOf(error: unknown, status?: number): Problem {
  const known = error instanceof FettleError ? error : undefined;
  const given = (error as { statusCode?: number } | null)?.statusCode;
  // What the HTTP server refuses says so by its status; anything else that nobody foresaw is a fault of ours.
  const code = known?.code ?? (given !== undefined && given < 500 ? 'FETTLE_API_REQUEST' : 'FETTLE_API_FAILED');
  return {
    type: `urn:fettle:error:${code}`,
    title: code,
    status: status ?? (known === undefined ? (given ?? 500) : (statusOf[known.code] ?? 500)),
    detail: errorText(error),
    code,
    ...(known?.hint !== undefined && { hint: known.hint }),
  };
}

export function sendProblem(reply: FastifyReply, error: unknown, status?: number): FastifyReply {
  const problem = problemOf(error, status);
  if (error instanceof FettleError && error.retryAfterMs !== undefined)
    reply.header('retry-after', String(Math.ceil(error.retryAfterMs / 1000)));
  return reply.code(problem.status).type('application/problem+json').send(problem);
}
