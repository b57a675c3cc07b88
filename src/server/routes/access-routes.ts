import { createReadStream } from 'node:fs';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { FettleError } from '../../core/errors.ts';
import { durationMs } from '../../core/fields.ts';
import { userName } from '../access/access-store.ts';
import { auditFileOf } from '../access/audit-log.ts';
import { roles } from '../access/roles.ts';
import { newToken, tokenFacts, userFacts } from '../answers/access-answer.ts';
import { type Route, route } from '../route.ts';
import type { Serving } from '../served.ts';
import { done } from './fields.ts';

export const sessionCookie = 'fettle_session';

const loginSchema = z.union([
  z.strictObject({ user: z.string().min(1).max(100), password: z.string().min(1).max(1000) }),
  z.strictObject({ code: z.string().min(1).max(100).describe('Of the first-run link.') }),
]);
const who = z.object({ name: z.string(), role: z.enum(roles), kind: z.enum(['session', 'token', 'local']), mustChange: z.boolean() });
const role = z.enum(roles).describe('viewer: looks; operator: handles alarms; engineer: changes models and data; admin: manages people.');
const named = z.strictObject({ name: z.string().min(1).max(100) });
const secret = z.object({ password: z.string() });

/** Logging in and out, users, tokens, the audit log. */
export function accessRoutes({ access }: Serving, isSecure: boolean, dataDirectory: string): Route[] {
  const { store } = access;
  const setCookie = (reply: FastifyReply, value: string | undefined): void => {
    const attributes = { path: '/', httpOnly: true, sameSite: 'strict', secure: isSecure } as const;
    if (value === undefined) reply.clearCookie(sessionCookie, attributes);
    else reply.setCookie(sessionCookie, value, attributes);
  };
  const userChange = (verb: string, summary: string, change: (name: string) => Promise<z.output<typeof secret>> | undefined): Route =>
    route({
      method: 'POST',
      path: `/api/v1/users/:name/${verb}`,
      role: 'admin',
      summary,
      params: named,
      answer: z.union([secret, done]),
      handle: async ({ params: { name }, caller, from }) => {
        const answer = await change(name);
        access.sessions.endAllOf(name);
        access.record(caller, from, `user.${verb}`, { user: name });
        return answer ?? { ok: true };
      },
    });
  return [
    route({
      method: 'POST',
      path: '/api/v1/session',
      role: 'anyone',
      summary: 'Logs in; the answer sets a cookie.',
      body: loginSchema,
      answer: done,
      handle: async ({ body, from, reply }) => {
        setCookie(reply, 'code' in body ? access.loginWithLink(body.code, from) : await access.login(body.user, body.password, from));
        return { ok: true };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/session',
      role: 'viewer',
      beforeOwnPassword: true,
      summary: 'Who is logged in.',
      answer: who,
      handle: ({ caller }) => ({ name: caller.name, role: caller.role, kind: caller.kind, mustChange: access.mustChange(caller) }),
    }),
    route({
      method: 'DELETE',
      path: '/api/v1/session',
      role: 'viewer',
      beforeOwnPassword: true,
      summary: 'Logs out.',
      answer: done,
      handle: ({ request, reply, caller, from }) => {
        const cookie = request.cookies[sessionCookie];
        if (cookie !== undefined) access.sessions.end(cookie);
        setCookie(reply, undefined);
        access.record(caller, from, 'logout');
        return { ok: true };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/session/password',
      role: 'viewer',
      beforeOwnPassword: true,
      summary: 'Changes the own password.',
      body: z.strictObject({ before: z.string().max(1000).optional(), password: z.string().max(1000) }),
      answer: done,
      handle: async ({ body, caller, from, reply }) => {
        if (caller.kind !== 'session') throw new FettleError('FETTLE_ACCESS_FORBIDDEN', 'a program has no password');
        setCookie(reply, await access.changePassword(caller.name, body.before, body.password, from));
        return { ok: true };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/users',
      role: 'admin',
      summary: 'Everybody who may log in.',
      answer: z.array(userFacts),
      handle: () => store.users(),
    }),
    route({
      method: 'POST',
      path: '/api/v1/users',
      role: 'admin',
      summary: 'A new user; the answer has the password, once.',
      body: z.strictObject({ name: userName(), role, password: z.string().max(1000).optional() }),
      answer: secret,
      handle: async ({ body, caller, from }) => {
        const password = await store.addUser(body.name, body.role, new Date(), body.password);
        access.record(caller, from, 'user.add', { user: body.name, role: body.role });
        return { password };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/users/:name/role',
      role: 'admin',
      summary: 'Another role.',
      params: named,
      body: z.strictObject({ role }),
      answer: done,
      handle: ({ params: { name }, body, caller, from }) => {
        store.setRole(name, body.role);
        access.record(caller, from, 'user.role', { user: name, role: body.role });
        return { ok: true };
      },
    }),
    userChange('disable', 'The user can no longer log in.', (name) => {
      store.setDisabled(name, true);
      return undefined;
    }),
    userChange('enable', 'The user can log in again.', (name) => {
      store.setDisabled(name, false);
      return undefined;
    }),
    userChange('reset-password', 'A new password by chance; the answer has it, once.', async (name) => ({
      password: await store.setPassword(name, undefined, false),
    })),
    route({
      method: 'GET',
      path: '/api/v1/tokens',
      role: 'admin',
      summary: 'Tokens of programs.',
      answer: z.array(tokenFacts),
      handle: () => store.tokens(),
    }),
    route({
      method: 'POST',
      path: '/api/v1/tokens',
      role: 'admin',
      summary: 'A new token; the answer has its secret, once.',
      body: z.strictObject({ name: userName(), role, for: durationMs().optional().describe('How long it is good; for ever when absent.') }),
      answer: newToken,
      handle: ({ body: { name, role: as, for: forMs }, caller, from }) => {
        const now = new Date();
        const token = store.addToken(name, as, now, forMs === undefined ? undefined : new Date(now.getTime() + forMs));
        access.record(caller, from, 'token.add', { id: token.id, name, role: as });
        return token;
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/v1/tokens/:id',
      role: 'admin',
      summary: 'The token is good for nothing any more.',
      params: z.strictObject({ id: z.string() }),
      answer: done,
      handle: ({ params: { id }, caller, from }) => {
        store.removeToken(id);
        access.record(caller, from, 'token.remove', { id });
        return { ok: true };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/audit',
      role: 'admin',
      summary: 'The audit log, an entry a line, chained by hash.',
      answerType: 'application/x-ndjson',
      handle: ({ reply }) => reply.type('application/x-ndjson').send(createReadStream(auditFileOf(dataDirectory))),
    }),
  ];
}
