import { readFileSync, statSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { NodeRedEditor } from '../../src/editor/editor-process.ts';
import type { RunningServer } from '../../src/server/serve.ts';
import { builtNodes } from '../nodes/support/built-nodes.ts';
import { eventually } from '../support/eventually.ts';
import { servedGateway } from '../support/served-gateway.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const asset = 'line1/pump';
const patienceMs = 90_000;

async function gatewayWithEditor(tls: object = {}) {
  const data = temporaryDirectory();
  const { gateway, server } = await servedGateway({
    site: 'hall1',
    data,
    server: { listen: '127.0.0.1:0', ...tls },
    sources: [{ id: 'flow', type: 'http', tags: [{ tag: `${asset}/flow` }] }],
    assets: [{ id: asset, tags: [`${asset}/flow`] }],
  });
  const { url, certificate, token } = server;
  const options = {
    data,
    listen: '127.0.0.1:0',
    gateway: url,
    certificate,
    token: () => token('flows', 'operator'),
    log: silentLogger,
    installation: join(builtNodes(), '../..'),
  };
  const editor = await NodeRedEditor.start(options);
  onTestFinished(() => editor.stop());
  return { data, gateway, server, editor, options };
}

/** The first password is only good to choose another at the gateway. */
async function ownPassword({ url, firstLogin }: RunningServer, certificate?: string): Promise<{ user: string; password: string }> {
  const { user, password: first } = firstLogin as { user: string; password: string };
  const dispatcher = certificate === undefined ? {} : { ca: certificate };
  const post = (path: string, body: object, headers: object): Promise<string[]> =>
    new Promise((resolve, reject) => {
      const target = new URL(path, url);
      const options = { method: 'POST', headers: { 'content-type': 'application/json', origin: url, ...headers }, ...dispatcher };
      const sent = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, options, (response) => {
        response.resume().once('end', () => resolve(response.headers['set-cookie'] ?? []));
      });
      sent.once('error', reject);
      sent.end(JSON.stringify(body));
    });
  const cookie = (await post('/api/v1/session', { user, password: first }, {})).map((one) => one.split(';')[0]).join('; ');
  const password = 'a password of my own';
  await post('/api/v1/session/password', { password }, { cookie });
  return { user, password };
}

const login = (url: string, username: string, password: string): Promise<Response> =>
  fetch(`${url}/auth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_id: 'node-red-editor', grant_type: 'password', scope: '', username, password }),
  });
const bearer = (link: string): { authorization: string } => ({ authorization: `Bearer ${new URL(link).searchParams.get('access_token')}` });

it(
  'runs beside the gateway, with a first flow that listens, open to nobody but those of the gateway',
  async () => {
    const { data, server, editor, options, gateway } = await gatewayWithEditor();
    expect((await fetch(`${editor.url}/flows`)).status).toBe(401);
    expect((await fetch(`${editor.url}/flows`, { headers: { authorization: 'Bearer guessed' } })).status).toBe(401);
    const flows = (await (await fetch(`${editor.url}/flows`, { headers: bearer(editor.link) })).json()) as { type: string; url?: string }[];
    expect(flows.find(({ type }) => type === 'fettle-gateway')?.url).toBe(server.url);
    const { user, password: first } = server.firstLogin as { user: string; password: string };
    expect((await login(editor.url, user, 'wrong')).status).toBe(403);
    expect((await login(editor.url, user, first)).status).toBe(403);
    const { password } = await ownPassword(server);
    const token = await login(editor.url, user, password);
    expect(token.status).toBe(200);
    expect(statSync(join(data, 'node-red/settings.js')).mode & 0o777).toBe(0o600);
    // What has been made stays, and so does the key of its credentials.
    const secret = readFileSync(join(data, 'node-red/credential-secret'), 'utf8');
    await editor.stop();
    expect(gateway.status().state).toBe('good');
    const again = await NodeRedEditor.start({ ...options, token: () => expect.unreachable('there are flows already') });
    onTestFinished(() => again.stop());
    expect(readFileSync(join(data, 'node-red/credential-secret'), 'utf8')).toBe(secret);
    // One that is killed comes back, at the same address.
    const { pid } = again;
    process.kill(pid as number, 'SIGKILL');
    await eventually(() => again.pid !== pid, 'it is started again');
    await eventually(async () => (await fetch(`${again.url}/auth/login`).catch(() => undefined))?.ok === true, 'it answers again');
  },
  patienceMs,
);

it(
  'reads nothing of the gateway: no journal, no secret, no environment, no program',
  async () => {
    process.env.FETTLE_TEST_SECRET = 'of the gateway';
    onTestFinished(() => void delete process.env.FETTLE_TEST_SECRET);
    const { data, editor } = await gatewayWithEditor();
    const headers = { ...bearer(editor.link), 'content-type': 'application/json' };
    const nodes = (await (await fetch(`${editor.url}/nodes`, { headers: { ...headers, accept: 'application/json' } })).json()) as {
      types: string[];
    }[];
    const types = nodes.flatMap((node) => node.types);
    expect(types).toContain('fettle-alarms');
    for (const type of ['exec', 'file', 'file in', 'watch']) expect(types).not.toContain(type);
    const install = await fetch(`${editor.url}/nodes`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ module: 'node-red-node-random' }),
    });
    expect(install.ok).toBe(false);
    // Out of the function node's sandbox, as an attacker would: the process itself may not.
    const escaping = `
      const host = msg.req.constructor.constructor('return process')();
      const read = (path) => { try { return host.getBuiltinModule('node:fs').readFileSync(path, 'utf8').length } catch (error) { return error.code ?? String(error) } };
      const run = () => { try { return host.getBuiltinModule('node:child_process').execSync('id').toString() } catch (error) { return error.code ?? String(error) } };
      msg.payload = { journal: read(${JSON.stringify(join(data, 'journal.db'))}), runtime: read(${JSON.stringify(join(data, 'gateway.json'))}), own: read('settings.js') > 0, run: run(), env: env.get('FETTLE_TEST_SECRET') ?? host.env.FETTLE_TEST_SECRET ?? 'nothing' };
      return msg;`;
    const flows = [
      { id: 't', type: 'tab', label: 'escape' },
      { id: 'in', z: 't', type: 'http in', url: '/escape', method: 'get', x: 1, y: 1, wires: [['f']] },
      { id: 'f', z: 't', type: 'function', func: escaping, outputs: 1, x: 1, y: 1, wires: [['out']] },
      { id: 'out', z: 't', type: 'http response', x: 1, y: 1, wires: [] },
    ];
    await fetch(`${editor.url}/flows`, {
      method: 'POST',
      headers: { ...headers, 'node-red-api-version': 'v2' },
      body: JSON.stringify({ flows }),
    });
    // The answer to a deploy comes before the flows have started.
    await eventually(async () => (await fetch(`${editor.url}/flows/escape`)).ok, 'the flow runs');
    const answer = (await (await fetch(`${editor.url}/flows/escape`)).json()) as object;
    expect(answer).toEqual({
      journal: 'ERR_ACCESS_DENIED',
      runtime: 'ERR_ACCESS_DENIED',
      own: true,
      run: 'ERR_ACCESS_DENIED',
      env: 'nothing',
    });
  },
  patienceMs,
);

it(
  'lets people of a gateway with a certificate of its own log in',
  async () => {
    const { server, editor } = await gatewayWithEditor({ tls: 'auto' });
    const { user, password } = await ownPassword(server, server.certificate);
    expect((await login(editor.url, user, password)).status).toBe(200);
  },
  patienceMs,
);

it('says what to do where Node-RED is not installed', async () => {
  const installation = temporaryDirectory();
  const options = {
    data: temporaryDirectory(),
    listen: '127.0.0.1:0',
    gateway: 'http://127.0.0.1:1',
    token: () => '',
    log: silentLogger,
    installation,
  };
  await expect(NodeRedEditor.start(options)).rejects.toMatchObject({
    code: 'FETTLE_EDITOR_FAILED',
    hint: expect.stringContaining('npm install node-red @fettle/node-red'),
  });
});
