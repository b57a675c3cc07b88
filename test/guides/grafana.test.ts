import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { root } from '../house/sources.ts';
import { startGateway } from '../support/gateway.ts';
import { Guide, shellWithFettle } from '../support/guide.ts';
import { startInfluxd } from '../support/influxd.ts';
import { requirePeer } from '../support/peers.ts';
import { startServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const guide = new Guide('grafana');
const commandsWith = (word: string): string[] => guide.commands().filter((line) => line.includes(word));

it('the commands of provisioning put everything where Grafana and its provider look, and nothing is asked of the environment that the guide does not set', async () => {
  const machine = temporaryDirectory();
  const shell = shellWithFettle();
  for (const folder of ['grafana', 'packaging']) cpSync(join(root, folder), join(shell.directory, folder), { recursive: true });
  mkdirSync(join(machine, 'etc/grafana/provisioning'), { recursive: true });
  const lines = guide.commands().filter((line) => /^(cp|mkdir|cd) /.test(line));
  expect(lines).toHaveLength(4);
  for (const line of lines) await shell.run(line.replaceAll(/(?<= )\/(etc|var)\//g, `${machine}/$1/`));
  const provisioning = join(machine, 'etc/grafana/provisioning');
  const { providers } = parse(readFileSync(join(provisioning, 'dashboards/fettle.yaml'), 'utf8')) as {
    providers: { options: { path: string } }[];
  };
  const dashboards = join(machine, providers[0]?.options.path ?? '');
  for (const family of ['influxql', 'promql'])
    for (const file of readdirSync(join(dashboards, family)))
      expect(JSON.parse(readFileSync(join(dashboards, family, file), 'utf8'))).toMatchObject({ schemaVersion: 42 });
  // The last command makes the second data source one that Grafana reads.
  expect(readdirSync(join(provisioning, 'datasources')).sort()).toEqual(['fettle-prometheus.yaml', 'fettle.yaml']);
  const set = [
    ...guide
      .blocks('ini')
      .join('\n')
      .matchAll(/^([A-Z_]+)=/gm),
    ...guide.text.matchAll(/`([A-Z_]+)=\S+`/g),
  ].map(([, name]) => name as string);
  for (const file of ['fettle.yaml', 'fettle-prometheus.yaml'])
    for (const [, name = ''] of readFileSync(join(provisioning, 'datasources', file), 'utf8').matchAll(/: \$\{(\w+)\}/g))
      expect(set).toContain(name);
}, 60_000);

it('the user that the guide makes in InfluxDB reads, and cannot write', async ({ skip }) => {
  const influxd = (await startInfluxd({ http: ['auth-enabled = true'] })) ?? skip();
  const ask = async (user: string, password: string, influxql: string) => {
    const headers = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
    const response = await fetch(`${influxd.url}/query?db=fettle`, { method: 'POST', headers, body: new URLSearchParams({ q: influxql }) });
    const { error, results = [] } = (await response.json()) as { error?: string; results?: { error?: string; series?: object[] }[] };
    return { error: error ?? results[0]?.error, series: results[0]?.series };
  };
  expect((await ask('admin', 'x', "CREATE USER admin WITH PASSWORD 'admin' WITH ALL PRIVILEGES")).error).toBeUndefined();
  expect((await ask('admin', 'admin', 'CREATE DATABASE fettle')).error).toBeUndefined();
  const write = async (user: string, password: string) => {
    const headers = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
    return (await fetch(`${influxd.url}/write?db=fettle`, { method: 'POST', headers, body: 'fettle_score score=1' })).status;
  };
  expect(await write('admin', 'admin')).toBe(204);
  const statements = guide.blocks('sql').join('\n').trim().split('\n');
  expect(statements).toHaveLength(2);
  for (const statement of statements)
    expect((await ask('admin', 'admin', statement.replace('…', 'hers'))).error, statement).toBeUndefined();
  expect((await ask('grafana', 'hers', 'SELECT * FROM fettle_score')).series).toHaveLength(1);
  expect(await write('grafana', 'hers')).toBe(403);
  await influxd.dispose();
}, 60_000);

it('the token of the guide reads /metrics, the scrape job is as the guide says, and promtool finds nothing to say of the rules', async ({
  skip,
}) => {
  const shell = shellWithFettle();
  const [addToken = '', ...more] = commandsWith('fettle token');
  expect(more).toEqual([]);
  const { stdout } = await shell.run(`${addToken} --data ${shell.directory}`);
  const secret = /fettle_\S+/.exec(stdout)?.[0] ?? '';
  const server = await startServer(await startGateway({ site: 'north', data: temporaryDirectory() }), { data: shell.directory });
  const { scrape_configs: jobs } = parse(readFileSync(join(root, 'packaging/prometheus/prometheus.yml'), 'utf8')) as {
    scrape_configs: { metrics_path: string; authorization: { credentials_file: string } }[];
  };
  const answer = await fetch(`${server.url}${jobs[0]?.metrics_path}`, { headers: { authorization: `Bearer ${secret}` } });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain('fettle_gateway_healthy');
  expect(jobs[0]?.authorization).toHaveProperty('credentials_file');

  if (requirePeer('promtool') === undefined) return skip();
  const [check = ''] = commandsWith('promtool');
  cpSync(join(root, 'packaging'), join(shell.directory, 'packaging'), { recursive: true });
  const said = await shell.run(check);
  const [, rules] = /has (\d+) alert rules/.exec(guide.text) ?? [];
  expect(said.stdout).toMatch(new RegExp(`SUCCESS: ${rules} rules found`));
  expect(existsSync(join(shell.directory, check.split(' ').at(-1) ?? ''))).toBe(true);
}, 60_000);
