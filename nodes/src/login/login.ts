import { createHash, timingSafeEqual } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface GatewayLoginOptions {
  /** The gateway that knows the users: http://gateway:7171 */
  readonly url: string;
  /** PEM, where it speaks TLS with a certificate of its own. */
  readonly ca?: string | undefined;
  /** SHA-256, in hex, of a token that opens the editor as well; none where absent. */
  readonly tokenHash?: string | undefined;
}

interface User {
  readonly username: string;
  readonly permissions: '*' | 'read';
}

/** As Node-RED's settings want it. */
export interface AdminAuth {
  readonly type: 'credentials';
  users(username: string): Promise<User | null>;
  authenticate(username: string, password: string): Promise<User | null>;
  tokens(token: string): Promise<User | null>;
  readonly sessionExpiryTime: number;
}

interface Answer {
  readonly status: number | undefined;
  readonly cookies: readonly string[];
  readonly text: string;
}

const patienceMs = 10_000;
const sessionS = 12 * 60 * 60;
// No user of the gateway can have this name.
const bearer: User = { username: '@terminal', permissions: '*' };

/**
 * `adminAuth` of Node-RED's settings: who may log in at the gateway may log in to the editor by the same name. Engineers and admins change flows, the others look.
 * A user who is disabled at the gateway, or has not chosen a password yet, cannot log in; a session that stands lasts until it ends.
 */
export default function gatewayLogin({ url, ca, tokenHash }: GatewayLoginOptions): AdminAuth {
  const known = new Map<string, User>();
  const ask = (method: string, headers: object, body?: string): Promise<Answer> => {
    const target = new URL('/api/v1/session', url);
    const options = { method, headers: { ...headers }, timeout: patienceMs, ...(ca !== undefined && { ca }) };
    return new Promise((resolve, reject) => {
      const sent = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, options, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.once('error', reject);
        response.once('end', () => resolve({ status: response.statusCode, cookies: response.headers['set-cookie'] ?? [], text }));
      });
      sent.once('timeout', () => sent.destroy(new Error('no answer')));
      sent.once('error', reject);
      sent.end(body);
    });
  };
  return {
    type: 'credentials',
    sessionExpiryTime: sessionS,
    users: async (username) => known.get(username) ?? (username === bearer.username ? bearer : null),
    authenticate: async (username, password) => {
      try {
        const login = await ask('POST', { 'content-type': 'application/json' }, JSON.stringify({ user: username, password }));
        if (login.status !== 200) return null;
        const cookie = login.cookies.map((one) => one.split(';')[0]).join('; ');
        const who = await ask('GET', { cookie });
        await ask('DELETE', { cookie, origin: new URL(url).origin });
        if (who.status !== 200) return null;
        const { role, mustChange = false } = JSON.parse(who.text) as { role: string; mustChange?: boolean };
        if (mustChange) {
          console.error(`${username} still has a first password: it is good to choose one of their own at ${url}, and then to log in here`);
          return null;
        }
        const user: User = { username, permissions: role === 'engineer' || role === 'admin' ? '*' : 'read' };
        known.set(username, user);
        return user;
      } catch (error) {
        // Node-RED says no more than that the login failed.
        console.error(`nobody can log in: the gateway ${url} does not answer: ${error instanceof Error ? error.message : String(error)}`);
        return null;
      }
    },
    tokens: async (token) => {
      if (tokenHash === undefined) return null;
      const hash = createHash('sha256').update(token).digest();
      return timingSafeEqual(hash, Buffer.from(tokenHash, 'hex')) ? bearer : null;
    },
  };
}
