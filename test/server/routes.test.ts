import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { roles } from '../../src/server/access/roles.ts';
import type { ApiServer } from '../../src/server/server.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { startServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const configuration = () => ({
  site: 'north',
  data: temporaryDirectory(),
  // Nobody is there.
  sources: [
    { id: 'plc', type: 'modbus', url: 'tcp://127.0.0.1:1', tags: [{ tag: 'line1/press/flow', reference: '40001', type: 'int16' }] },
  ],
  assets: [{ id: 'line1/press', tags: ['line1/press/flow'] }],
});

async function start(options = {}): Promise<ApiServer> {
  return startServer(await startGateway(configuration()), options);
}

const cookieOf = (response: Response): string => response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
const withToken = (token: string) => ({ authorization: `Bearer ${token}` });
const filled = (path: string): string => path.replace(/:asset/, 'line1%2Fpress').replace(/:(\w+)/g, 'none');

describe('every route', () => {
  it('by every role and method: as its table says, and nothing else is there', async () => {
    const server = await start();
    const tokens = Object.fromEntries(roles.map((role) => [role, server.access.store.addToken(role, role, new Date()).secret]));
    const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'] as const;
    const wrong: string[] = [];
    let asked = 0;
    for (const path of new Set(server.routes.map((route) => route.path))) {
      for (const method of methods) {
        const route = server.routes.find((one) => one.path === path && one.method === method);
        for (const who of ['nobody', 'forged', ...roles]) {
          const headers = who === 'nobody' ? {} : withToken(who === 'forged' ? 'fettle_forged' : (tokens[who] as string));
          const abort = new AbortController();
          // A body that fits nothing: who may ask hears that, and changes nothing.
          const body =
            method === 'GET' || method === 'DELETE' ? {} : { body: '[]', headers: { ...headers, 'content-type': 'application/json' } };
          const { status } = await fetch(`${server.url}${filled(path)}`, { method, headers, signal: abort.signal, ...body });
          abort.abort();
          asked++;
          const at = (roles as readonly string[]).indexOf(who);
          const expected =
            route === undefined
              ? [404]
              : route.role === 'anyone'
                ? 'not 401 or 403'
                : at < 0
                  ? [401]
                  : at < roles.indexOf(route.role)
                    ? [403]
                    : 'not 401 or 403';
          const fits = typeof expected === 'string' ? status !== 401 && status !== 403 : expected.includes(status);
          // Logging in with nonsense is refused as a login, not as a route.
          if (!fits && !(path === '/api/v1/session' && method === 'POST')) wrong.push(`${who} ${method} ${path}: ${status}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(asked).toBeGreaterThan(600);
    expect((await fetch(`${server.url}/api/v1/..%2f..%2faccess.json`, { headers: withToken(tokens.admin as string) })).status).toBe(404);
  });

  it('stands in the API description, with what it takes and gives', async () => {
    const server = await start();
    const description = (await (await fetch(`${server.url}/api/v1/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { operationId: string; parameters: { name: string }[] }>>;
    };
    const described = Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual(
      server.routes
        .filter(({ path }) => /^\/(api\/|metrics)/.test(path))
        .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
        .sort(),
    );
    const ids = Object.values(description.paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
    expect(new Set(ids).size).toBe(ids.length);
    expect(description.paths['/api/v1/alarms/journal']?.get?.parameters.map(({ name }) => name)).toEqual([
      'from',
      'to',
      'asset',
      'before',
      'limit',
    ]);
  });
});

describe('a browser', () => {
  /** A server with one user, and how that user logs in. */
  async function startWithAda() {
    const server = await start({ names: ['gateway.plant'] });
    const password = await server.access.store.addUser('ada', 'operator', new Date(), 'a password of my own');
    const login = (headers: Record<string, string> = {}, secret = password) =>
      fetch(`${server.url}/api/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: server.url, ...headers },
        body: JSON.stringify({ user: 'ada', password: secret }),
      });
    return { server, login };
  }
  it('logs in, acts in its own name, and out', async () => {
    const { server, login } = await startWithAda();
    const response = await login();
    expect(response.status).toBe(200);
    expect(response.headers.getSetCookie()[0]).toMatch(/^fettle_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    const headers = { cookie: cookieOf(response), origin: server.url, 'content-type': 'application/json' };
    expect(await (await fetch(`${server.url}/api/v1/session`, { headers })).json()).toEqual({
      name: 'ada',
      role: 'operator',
      kind: 'session',
      mustChange: false,
    });
    const shelved = await fetch(`${server.url}/api/v1/commands/shelve`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ asset: 'line1/press', rule: 'anomaly', by: 'somebody else', comment: 'bearing is on order' }),
    });
    expect(shelved.status).toBe(200);
    const journal = async () =>
      (await (await fetch(`${server.url}/api/v1/alarms/journal?asset=line1/press`, { headers })).json()) as {
        by: string;
        comment: string;
      }[];
    expect(await journal()).toMatchObject([{ by: 'ada', comment: 'bearing is on order', to: 'shelved' }]);
    expect((await fetch(`${server.url}/api/v1/reload`, { method: 'POST', headers })).status).toBe(403);
    expect(
      (await fetch(`${server.url}/api/v1/session`, { method: 'DELETE', headers: { cookie: headers.cookie, origin: server.url } })).status,
    ).toBe(200);
    expect((await fetch(`${server.url}/api/v1/session`, { headers })).status).toBe(401);
  });

  it('on a foreign page has no hand in it', async () => {
    const { server, login } = await startWithAda();
    const headers = { cookie: cookieOf(await login()), 'content-type': 'application/json' };
    const shelve = (more: Record<string, string>) =>
      fetch(`${server.url}/api/v1/commands/shelve`, {
        method: 'POST',
        headers: { ...headers, ...more },
        body: JSON.stringify({ asset: 'line1/press' }),
      });
    const problem = await shelve({ origin: 'https://evil.example' });
    expect([problem.status, await problem.json()]).toMatchObject([403, { code: 'FETTLE_ACCESS_FORBIDDEN' }]);
    expect((await shelve({})).status).toBe(403);
    expect((await shelve({ origin: 'null' })).status).toBe(403);
    expect((await login({ origin: 'https://evil.example' })).status).toBe(403);
  });

  it.each([
    ['gateway.plant', 200],
    ['gateway.plant:7171', 200],
    ['192.168.1.7:7171', 200],
    ['[::1]:7171', 200],
    ['localhost', 200],
    ['evil.example', 403],
    ['gateway.plant.evil.example', 403],
  ])('that reached it as %s gets %i: names bound to our address by others are not ours', async (host, status) => {
    const server = await start({ names: ['gateway.plant'] });
    const { port } = new URL(server.url);
    // fetch sets Host by itself.
    const answered = await new Promise<number>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: '/api/v1/health', headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .on('error', reject)
        .end();
    });
    expect(answered).toBe(status);
  });

  it('that guesses is locked out, with the time to wait', async () => {
    const { login } = await startWithAda();
    for (let i = 0; i < 5; i++) expect((await login({}, 'wrong password')).status).toBe(401);
    const locked = await login();
    expect(locked.status).toBe(429);
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(20);
    expect(await locked.json()).toMatchObject({ code: 'FETTLE_ACCESS_LOCKED', detail: expect.stringMatching(/try again in \d+ s/) });
  });
});

describe('a login that ends', () => {
  /** What goes on for hours, and whether it still does. */
  async function listenTo(server: ApiServer, headers: Record<string, string>) {
    const response = await fetch(`${server.url}/api/v1/events?events=status`, { headers });
    const said = { isOver: false, bytes: 0 };
    void (async () => {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) said.bytes += chunk.length;
    })()
      .catch(() => {})
      .finally(() => {
        said.isOver = true;
      });
    await eventually(() => said.bytes > 0, 'it is told something');
    return said;
  }

  it('ends what it listens to: by logging out, by being disabled, and with its token', async () => {
    const server = await start();
    const { access } = server;
    const admin = { ...withToken(server.token), 'content-type': 'application/json' };
    const login = async (user: string) => {
      const response = await fetch(`${server.url}/api/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: server.url },
        body: JSON.stringify({ user, password: `the password of ${user}` }),
      });
      return { cookie: cookieOf(response), origin: server.url };
    };
    for (const user of ['ada', 'bob']) await access.store.addUser(user, 'operator', new Date(), `the password of ${user}`);
    const [ada, bob] = [await login('ada'), await login('bob')];
    const token = access.store.addToken('grafana', 'viewer', new Date());
    const heard = {
      ada: await listenTo(server, ada),
      bob: await listenTo(server, bob),
      grafana: await listenTo(server, withToken(token.secret)),
    };
    const over = () => Object.entries(heard).flatMap(([who, { isOver }]) => (isOver ? [who] : []));
    await fetch(`${server.url}/api/v1/session`, { method: 'DELETE', headers: ada });
    await eventually(() => heard.ada.isOver, 'ada has logged out');
    expect(over()).toEqual(['ada']);
    await fetch(`${server.url}/api/v1/users/bob/disable`, { method: 'POST', headers: admin, body: '{}' });
    await eventually(() => heard.bob.isOver, 'bob is disabled');
    expect(over()).toEqual(['ada', 'bob']);
    await fetch(`${server.url}/api/v1/tokens/${token.id}`, { method: 'DELETE', headers: withToken(server.token) });
    await eventually(() => heard.grafana.isOver, 'the token is good for nothing');
  });

  it('with a password that was made by chance is good for nothing but to choose another', async () => {
    const server = await start();
    const password = await server.access.store.addUser('ada', 'admin', new Date());
    const post = (path: string, body: object, headers: Record<string, string> = {}) =>
      fetch(`${server.url}/api/v1/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: server.url, ...headers },
        body: JSON.stringify(body),
      });
    const first = { cookie: cookieOf(await post('session', { user: 'ada', password })) };
    const got = async (headers: Record<string, string>) =>
      Object.fromEntries(
        await Promise.all(
          ['session', 'assets', 'status', 'events?events=status', 'users', 'audit'].map(async (path) => {
            const abort = new AbortController();
            const { status } = await fetch(`${server.url}/api/v1/${path}`, { headers, signal: abort.signal });
            abort.abort();
            return [path, status] as const;
          }),
        ),
      );
    expect(await got(first)).toEqual({ session: 200, assets: 403, status: 403, 'events?events=status': 403, users: 403, audit: 403 });
    const refused = await post('commands/comment', { asset: 'line1/press', comment: 'x' }, first);
    expect([refused.status, await refused.json()]).toMatchObject([403, { detail: 'ada has to choose a password first' }]);
    const own = { cookie: cookieOf(await post('session/password', { password: 'a password of my own' }, first)) };
    expect(Object.values(await got(own))).toEqual([200, 200, 200, 200, 200, 200]);
  });
});
