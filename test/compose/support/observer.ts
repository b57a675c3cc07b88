/** In the network of the services, as people and programs see it: prints what it found as one JSON document. Arguments: the folder of volumes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';

const volumes = process.argv[2] as string;
const read = (...path: string[]): string => readFileSync(join(volumes, ...path), 'utf8').trim();
const gateway = 'http://127.0.0.1:7171';
const editor = 'http://127.0.0.1:1880';

async function withBackoff<Answer>(what: () => Promise<Answer | undefined>, withinMs: number): Promise<Answer | undefined> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    const answer = await what().catch(() => undefined);
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  return undefined;
}

const json = (value: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});

async function influxdb(user: string, password: string, path: string, body: string): Promise<{ status: number; text: string }> {
  const headers = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
  const target = `http://127.0.0.1:8086${path}`;
  const response = await (path.startsWith('/query')
    ? fetch(`${target}&${new URLSearchParams({ q: body })}`, { method: 'POST', headers })
    : fetch(target, { method: 'POST', headers, body }));
  return { status: response.status, text: await response.text() };
}

async function heardAlarm(): Promise<object | undefined> {
  const client = await mqtt.connectAsync('mqtt://127.0.0.1:1883', {
    protocolVersion: 5,
    username: 'node-red',
    password: read('secrets-node-red', 'mqtt'),
  });
  const heard = new Promise<object>((resolve) => {
    client.on('message', (_topic, payload) => {
      const event = JSON.parse(payload.toString()) as { to: string; rule: string };
      if (event.to === 'unacknowledged') resolve(event);
    });
  });
  await client.subscribeAsync('fettle/+/+/+/alarm/event', { qos: 1 });
  const event = await Promise.race([heard, new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 60_000))]);
  await client.endAsync(true);
  return event;
}

const prometheus = async (path: string): Promise<unknown> =>
  ((await (await fetch(`http://127.0.0.1:9090/api/v1/${path}`)).json()) as { data: unknown }).data;

const [, user = ''] = /user: (.*)/.exec(read('data', 'first-login.txt')) ?? [];
const [, password = ''] = /password: (.*)/.exec(read('data', 'first-login.txt')) ?? [];
const alarm = await heardAlarm();
const login = await fetch(`${gateway}/api/v1/session`, json({ user, password }));
const cookieOf = ({ headers }: Response): string =>
  headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
// With the first password nothing is told: it is only good to choose another.
const own = 'a password of my own';
const asFirst = { 'content-type': 'application/json', cookie: cookieOf(login), origin: gateway };
const cookie = cookieOf(await fetch(`${gateway}/api/v1/session/password`, { ...json({ password: own }), headers: asFirst }));
const assets = (await (await fetch(`${gateway}/api/v1/assets`, { headers: { cookie } })).json()) as object[];
const grafana = read('secrets-grafana', 'influxdb');
const query = '/query?db=fettle';
const stored = await withBackoff(async () => {
  const { text } = await influxdb('grafana', grafana, query, 'SELECT count(score) FROM fettle_score GROUP BY asset');
  const { results } = JSON.parse(text) as { results: { series?: { tags: { asset: string } }[] }[] };
  const series = results[0]?.series ?? [];
  return series.length >= 4 ? series.map(({ tags }) => tags.asset).sort() : undefined;
}, 30_000);
const scraped = await withBackoff(async () => {
  const { result } = (await prometheus('query?query=fettle_gateway_healthy*0%2B1')) as { result: { value: [number, string] }[] };
  return result[0]?.value[1];
}, 40_000);
const { groups } = (await prometheus('rules')) as { groups: { rules: object[] }[] };
const entered = await fetch(
  `${editor}/auth/token`,
  json({ client_id: 'node-red-editor', grant_type: 'password', scope: '', username: user, password: own }),
);
const { access_token: bearer = '' } = (await entered.json()) as { access_token?: string };
const flows = (await (await fetch(`${editor}/flows`, { headers: { authorization: `Bearer ${bearer}` } })).json()) as { type: string }[];
const anonymous = await mqtt.connectAsync('mqtt://127.0.0.1:1883', { reconnectPeriod: 0 }).then(
  () => 'let in',
  (error: Error) => error.message,
);
process.stdout.write(
  JSON.stringify({
    alarm,
    login: login.status,
    assets,
    stored,
    strangerReads: (await influxdb('grafana', 'guessed', query, 'SELECT * FROM fettle_score LIMIT 1')).status,
    grafanaWrites: (await influxdb('grafana', grafana, '/write?db=fettle', 'x v=1')).status,
    editor: (await fetch(`${editor}/flows`)).status,
    flows: flows.map(({ type }) => type),
    // What Node-RED asks the gateway with.
    token: (await fetch(`${gateway}/api/v1/assets`, { headers: { authorization: `Bearer ${read('secrets-node-red', 'token')}` } })).status,
    anonymous,
    scraped,
    rules: groups.flatMap(({ rules }) => rules).length,
  }),
);
process.exit(0);
