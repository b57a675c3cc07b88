import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { LiveEvents } from '../../src/server/live-events.ts';
import { serve } from '../../src/server/serve.ts';
import { Guide, type Shell, shellWithFettle } from '../support/guide.ts';

const guide = new Guide('operator');

/** `fettle run` in the directory of a shell, in this process. */
async function runIn({ directory }: Shell, isTerminal = false) {
  writeFileSync(join(directory, 'fettle.yaml'), 'site: north\ndata: data\nserver: { listen: "127.0.0.1:0" }\n');
  const loaded = loadConfig(join(directory, 'fettle.yaml'), {});
  const live = new LiveEvents(silentLogger);
  const gateway = await Gateway.start(loaded, { log: silentLogger, listener: live });
  const server = await serve({ gateway }, loaded, { log: silentLogger, live, isTerminal });
  onTestFinished(async () => {
    await server.stop();
    await gateway.stop();
  });
  const ask = (path: string, headers: Record<string, string>, body?: object) =>
    fetch(`${server.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { origin: server.url, ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const logIn = async (body: object) => {
    const response = await ask('/api/v1/session', {}, body);
    return { status: response.status, headers: { cookie: response.headers.getSetCookie()[0]?.split(';')[0] ?? '' } };
  };
  return { server, ask, logIn, data: join(directory, 'data') };
}

it('the commands of the guide do what it says of them: people, tokens, the audit log', async () => {
  const shell = shellWithFettle();
  const { ask, logIn } = await runIn(shell);
  const [add = '', list = '', reset = '', token = '', audit = '', ...others] = guide.commands();
  expect(others).toEqual([]);
  const password = async (line: string) => /password \(shown once\): (\S+)/.exec((await shell.run(line)).stdout)?.[1] ?? '';

  expect(add).toContain('user add anna --role operator');
  const first = await password(add);
  const anna = await logIn({ user: 'anna', password: first });
  expect(anna.status).toBe(200);
  expect(await (await ask('/api/v1/session', anna.headers)).json()).toMatchObject({ name: 'anna', role: 'operator', mustChange: true });
  expect((await shell.run(list)).stdout).toMatch(/^anna +operator/m);

  const second = await password(reset);
  expect(second).not.toBe(first);
  expect((await logIn({ user: 'anna', password: first })).status).toBe(401);
  expect((await logIn({ user: 'anna', password: second })).status).toBe(200);
  // What she had open has ended.
  expect((await ask('/api/v1/session', anna.headers)).status).toBe(401);

  const secret = /fettle_\S+/.exec((await shell.run(token)).stdout)?.[0] ?? '';
  const program = { authorization: `Bearer ${secret}` };
  expect((await ask('/metrics', program)).status).toBe(200);
  expect((await ask('/api/v1/commands/acknowledge', program, { asset: 'a' })).status).toBe(403);

  const { stderr } = await shell.run(audit);
  const entries = readFileSync(join(shell.directory, 'audit.jsonl'), 'utf8').trim().split('\n');
  const actions = entries.map((line) => (JSON.parse(line) as { action: string }).action);
  for (const action of ['user.add', 'user.reset-password', 'token.add', 'login']) expect(actions).toContain(action);
  expect(stderr).toMatch(/nothing|unchanged|whole|not changed/i);
}, 240_000);

it('the first login is by the file of its owner or by the link, once; the file goes away', async () => {
  const shell = shellWithFettle();
  const { ask, logIn, data } = await runIn(shell);
  const file = join(data, 'first-login.txt');
  expect(guide.text).toContain('first-login.txt');
  expect(statSync(file).mode & 0o077).toBe(0);
  const [, user] = /user: (.*)/.exec(readFileSync(file, 'utf8')) ?? [];
  const [, password] = /password: (.*)/.exec(readFileSync(file, 'utf8')) ?? [];
  const admin = await logIn({ user, password });
  expect((await ask('/api/v1/session/password', admin.headers, { before: password, password: 'one of my own' })).status).toBe(200);
  expect(existsSync(file)).toBe(false);

  const terminal = await runIn(shellWithFettle(), true);
  expect(existsSync(join(terminal.data, 'first-login.txt'))).toBe(false);
  const code = /#login=(.+)$/.exec(terminal.server.firstLogin?.link ?? '')?.[1];
  expect((await terminal.logIn({ code })).status).toBe(200);
  expect((await terminal.logIn({ code })).status).toBe(401);
}, 60_000);

it('the addresses for programs that the guide names are there', async () => {
  const { ask, server } = await runIn(shellWithFettle());
  const headers = { authorization: `Bearer ${server.token('guide', 'admin')}` };
  const paths = guide.inline('/').filter((path) => /^\/(api|metrics)/.test(path) && path !== '/api/v1');
  expect(paths).toHaveLength(3);
  for (const path of paths) {
    const response = await ask(path, headers);
    expect(response.status, path).toBe(200);
    await response.body?.cancel();
  }
}, 30_000);
