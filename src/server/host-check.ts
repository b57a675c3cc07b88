import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { FettleError } from '../core/errors.ts';

const hostOf = (authority: string): string =>
  authority
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();

/**
 * A foreign page must not speak to the gateway in the name of whoever looks at it. `Host` has to be an address, localhost or a known name: a page whose name was bound
 * to our address (DNS rebinding) has its own there. Throws FETTLE_ACCESS_FORBIDDEN.
 */
export function checkHost({ headers }: FastifyRequest, names: readonly string[]): void {
  const host = hostOf(headers.host ?? '');
  if (isIP(host) !== 0 || host === 'localhost' || names.includes(host)) return;
  throw new FettleError('FETTLE_ACCESS_FORBIDDEN', `this gateway does not answer to the name ${JSON.stringify(host.slice(0, 100))}`, {
    hint: 'add it to server.names, or use the address',
  });
}

/** With a cookie, what changes something has to come from our own page (OWASP CSRF Prevention: origin headers). Throws FETTLE_ACCESS_FORBIDDEN. */
export function checkOrigin({ headers, method }: FastifyRequest): void {
  if (method === 'GET' || method === 'HEAD') return;
  const { origin, host } = headers;
  const isOurs = origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
  if (!isOurs) throw new FettleError('FETTLE_ACCESS_FORBIDDEN', 'the request does not come from this page');
}
