import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../src/config/load.ts';
import { ServedPlant } from '../../src/simulator/served-plant.ts';
import { root } from '../house/sources.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { passwordFile, startMosquitto } from '../support/mosquitto.ts';
import { freePort } from '../support/peer-process.ts';
import { requirePeer } from '../support/peers.ts';
import { startServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { type ComposeFile, readComposeFile } from './support/compose-file.ts';

const folder = join(root, 'packaging/compose');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

describe('docker-compose.yml', () => {
  it('is what docker-compose and the schema of the specification call right, and each service is held tightly', ({ skip }) => {
    if (requirePeer('docker-compose') === undefined) return skip();
    const { services, volumes }: ComposeFile = readComposeFile();
    expect(Object.keys(services).sort()).toEqual([
      'accounts',
      'gateway',
      'grafana',
      'influxdb',
      'mosquitto',
      'node-red',
      'plant',
      'prometheus',
      'setup',
    ]);
    const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
    for (const [name, service] of Object.entries(services)) {
      expect(service, name).toMatchObject({ read_only: true, init: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
      expect(service.image, `${name} is pinned`).toMatch(/:v?\d+\.\d+\.\d+/);
      // Not root: by the service, or by our image.
      if (service.build === undefined) expect(service.user, name).toMatch(/^[1-9]\d*:[1-9]\d*$/);
      else expect(dockerfile).toMatch(new RegExp(`AS ${service.build.target}\\n(?:(?!FROM)(?:.|\\n))*?\\nUSER 10001:10001\\n`));
      for (const port of service.ports ?? []) expect(port, `${name} is for this machine`).toMatch(/^127\.0\.0\.1:/);
      for (const volume of service.volumes ?? []) {
        const [source = '', , mode] = volume.split(':');
        if (source.startsWith('/')) expect([existsSync(source), mode], `${name}: ${source}`).toEqual([true, 'ro']);
        else expect(volumes, name).toHaveProperty(source);
      }
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        const on = services[other];
        if (condition === 'service_completed_successfully') expect(on?.restart, other).toBe('no');
        else expect(on?.healthcheck !== undefined || dockerfile.includes(`AS ${on?.build?.target}`), other).toBe(true);
      }
    }
  });

  it('names the variables that the data source of Grafana asks for', ({ skip }) => {
    if (requirePeer('docker-compose') === undefined) return skip();
    const { environment = {}, entrypoint = [] } = readComposeFile().services.grafana ?? {};
    const sources = ['fettle.yaml', 'fettle-prometheus.yaml.example'].map((name) => join(root, 'grafana/provisioning/datasources', name));
    const asked = [
      ...sources
        .map((file) => readFileSync(file, 'utf8'))
        .join('\n')
        .matchAll(/: \$\{(\w+)\}/g),
    ];
    expect(asked.length).toBe(5);
    const given = [...Object.keys(environment), ...[...entrypoint.join(' ').matchAll(/export (\w+)/g)].map(([, name]) => name as string)];
    for (const [, name] of asked) expect(given).toContain(name);
  });

  it('shows Grafana only dashboards that one of its data sources can fill', ({ skip }) => {
    if (requirePeer('docker-compose') === undefined) return skip();
    const volumes = readComposeFile().services.grafana?.volumes?.map((volume) => relative(root, volume).split(':')) ?? [];
    const dashboards = volumes.filter(([source = '']) => source.startsWith('grafana/dashboards/'));
    // What asks for results in PromQL wants VictoriaMetrics; test/grafana shows that these have rows.
    expect(dashboards.map(([source]) => source).sort()).toEqual(['grafana/dashboards/influxql', 'grafana/dashboards/promql/gateway.json']);
    for (const [source = '', target = ''] of dashboards) expect(target).toBe(`/var/lib/${source}`);
    for (const [source = ''] of volumes) if (source.startsWith('grafana/')) expect(existsSync(join(root, source)), source).toBe(true);
    const datasources = volumes.flatMap(([, target = '']) => /datasources\/(.*\.yaml)$/.exec(target)?.[1] ?? []);
    expect(datasources.sort()).toEqual(['fettle-prometheus.yaml', 'fettle.yaml']);
  });

  it('lets the real Prometheus scrape a gateway with the token of setup.js, and load every alert rule', async ({ skip }) => {
    const prometheus = requirePeer('prometheus');
    if (prometheus === undefined) return skip();
    const gateway = await startGateway({ site: 'north', data: temporaryDirectory() });
    const data = temporaryDirectory();
    const secrets = temporaryDirectory();
    const bin = temporaryDirectory();
    for (const name of ['gateway', 'plant', 'mosquitto', 'grafana', 'node-red', 'prometheus']) mkdirSync(join(secrets, name));
    symlinkSync(join(root, 'bin/fettle.js'), join(bin, 'fettle'));
    const setUp = () =>
      execFileSync(process.execPath, [join(folder, 'setup.js'), 'secrets'], {
        env: { PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH}`, FETTLE_SECRETS: secrets, FETTLE_DATA: data },
        stdio: 'pipe',
      });
    setUp();
    const tokens = () => ['node-red', 'prometheus'].map((name) => readFileSync(join(secrets, name, 'token'), 'utf8'));
    const made = tokens();
    expect(new Set(made).size).toBe(2);
    setUp();
    expect(tokens()).toEqual(made);
    // Made while nothing runs on it; the server finds it there.
    const server = await startServer(gateway, { data });
    const port = await freePort();
    const config = join(temporaryDirectory(), 'prometheus.yml');
    const replaced = read('prometheus.yml')
      .replace('/secrets/token', join(secrets, 'prometheus/token'))
      .replace('/rules/', `${join(root, 'packaging/prometheus')}/`)
      .replace('gateway:7171', new URL(server.url).host)
      .replace('15s', '1s');
    writeFileSync(config, replaced);
    const child = spawn(
      prometheus,
      [`--config.file=${config}`, `--storage.tsdb.path=${temporaryDirectory()}`, `--web.listen-address=127.0.0.1:${port}`],
      { stdio: 'ignore' },
    );
    onTestFinished(() => void child.kill('SIGKILL'));
    const ask = async (path: string): Promise<unknown> => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
      return ((await answer.json()) as { data: unknown }).data;
    };
    const isUp = async () => {
      // It does not listen yet, or says that it is not ready.
      const answer = await ask('query?query=fettle_gateway_healthy').catch(() => undefined);
      return (answer as { result: object[] } | undefined)?.result.length === 1;
    };
    await eventually(isUp, 'it is scraped');
    const { groups } = (await ask('rules')) as { groups: { rules: object[] }[] };
    const shipped = readFileSync(join(root, 'packaging/prometheus/fettle.rules.yml'), 'utf8').match(/- alert:/g)?.length;
    expect(groups.flatMap(({ rules }) => rules)).toHaveLength(shipped ?? 0);
    const program = server.access.store.tokens().find(({ name }) => name === 'prometheus');
    expect(program?.role).toBe('viewer');
  }, 60_000);

  it('gives the gateway a configuration that watches the plant it starts', () => {
    const config = parse(read('gateway/fettle.yaml')) as Record<string, unknown>;
    const mqttLogin = { url: 'mqtt://mosquitto:1883', username: 'fettle', password: '${file:/secrets/gateway/mqtt}' };
    const plant = new ServedPlant({ seed: 1 }).configuration({ modbus: 'tcp://plant:1502', mqtt: mqttLogin }, '/opt/fettle/models');
    expect(config).toMatchObject(JSON.parse(JSON.stringify(plant)) as object);
    const secrets = temporaryDirectory();
    for (const name of ['mqtt', 'influxdb']) writeFileSync(join(secrets, name), 'x');
    const here = read('gateway/fettle.yaml').replaceAll('/secrets/gateway', secrets).replaceAll('/opt/fettle/', `${root}/`);
    expect(() => parseConfig(here, 'fettle.yaml', {})).not.toThrow();
  });
});

describe('the rights at the broker', () => {
  const users = ['fettle', 'plant', 'node-red', 'health'] as const;
  type User = (typeof users)[number];
  const topics: Record<string, { readonly write: readonly User[]; readonly read: readonly User[] }> = {
    'plant/line2/oven/telemetry': { write: ['plant'], read: ['fettle', 'node-red'] },
    'fettle/plant/line1/pump/alarm': { write: ['fettle'], read: ['fettle', 'node-red'] },
    'fettle/plant/line1/pump/alarm/event': { write: ['fettle'], read: ['node-red'] },
    'fettle/plant/line1/pump/score': { write: ['fettle'], read: ['node-red'] },
    'fettle/plant/status': { write: ['fettle'], read: ['fettle', 'node-red'] },
    'fettle/plant/cmd/acknowledge': { write: ['fettle', 'node-red'], read: ['fettle', 'node-red'] },
    'fettle/plant/cmd/acknowledge/response': { write: ['fettle'], read: ['node-red'] },
    'fettle/elsewhere/status': { write: [], read: ['node-red'] },
    'something/else': { write: [], read: [] },
  };

  it('are these and no others, with the real mosquitto', async ({ skip }) => {
    const accounts = await passwordFile(Object.fromEntries(users.map((user) => [user, `${user}-password`])));
    if (accounts === undefined) return skip();
    // What mosquitto.conf says, but for where it listens and where its files are.
    const settings = read('mosquitto.conf')
      .split('\n')
      .filter((line) => !/^(#|listener|allow_anonymous|password_file|acl_file|persistence_location|log_|set_tcp_nodelay|$)/.test(line));
    expect(read('mosquitto.conf')).toMatch(/^allow_anonymous false$/m);
    const config = [...settings, 'password_file {folder}/accounts', 'acl_file {folder}/acl'];
    const broker = (await startMosquitto({ anonymous: false, config, files: { accounts, acl: read('mosquitto.acl') } })) ?? skip();
    onTestFinished(() => broker.dispose());
    const clients = new Map<User, MqttClient>();
    const heard = new Set<string>();
    for (const user of users) {
      const client = await mqtt.connectAsync(broker.url, { username: user, password: `${user}-password`, protocolVersion: 5 });
      onTestFinished(() => client.endAsync(true));
      client.on('message', (topic, payload) => heard.add(`${payload.toString()} → ${user}: ${topic}`));
      await client.subscribeAsync(Object.keys(topics), { qos: 1 }).catch(() => {});
      clients.set(user, client);
    }
    for (const topic of Object.keys(topics))
      for (const [user, client] of clients) await client.publishAsync(topic, user, { qos: 1 }).catch(() => {});
    // Through every client once more: what came before has been heard.
    for (const [user, client] of clients) await client.subscribeAsync(`last/${user}`).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 300));
    const allowed = Object.entries(topics).flatMap(([topic, { write, read: readers }]) =>
      write.flatMap((writer) => readers.map((reader) => `${writer} → ${reader}: ${topic}`)),
    );
    expect([...heard].sort()).toEqual(allowed.sort());
    expect(allowed.length).toBeGreaterThan(10);
  });
});
