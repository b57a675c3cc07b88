import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { root } from '../house/sources.ts';
import { eventually } from '../support/eventually.ts';
import { runFettle } from '../support/fettle.ts';
import { Guide, shellWithFettle } from '../support/guide.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { freePort } from '../support/peer-process.ts';
import { requirePeer } from '../support/peers.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const guide = new Guide('compose');
const compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  services: Record<string, { ports?: string[]; volumes?: string[] }>;
};
const all = [...guide.commands(), ...guide.inline('docker compose ')];

/** The machine of the gateway as far as the guide's commands touch it: `here` leads its paths to folders of the shell. */
function machine() {
  const shell = shellWithFettle();
  const secrets = temporaryDirectory();
  for (const name of ['gateway', 'mosquitto']) mkdirSync(join(secrets, name));
  for (const name of ['mqtt', 'influxdb']) writeFileSync(join(secrets, 'gateway', name), 'x');
  const paths = { '/secrets': secrets, '/etc/fettle': shell.directory, '/data': join(shell.directory, 'data') };
  const here = (text: string): string => Object.entries(paths).reduce((line, [there, place]) => line.replaceAll(there, place), text);
  const config = readFileSync(join(root, 'packaging/compose/gateway/fettle.yaml'), 'utf8')
    .replaceAll('/opt/fettle/', `${root}/`)
    .replace('0.0.0.0:7171', '127.0.0.1:0');
  writeFileSync(join(shell.directory, 'fettle.yaml'), here(config));
  /** What runs in a container of the gateway. */
  const inGateway = (verb: string): string => {
    const line = all.find((one) => one.startsWith(`docker compose exec gateway fettle ${verb}`)) ?? '';
    return here(line.replace('docker compose exec gateway ', ''));
  };
  return { shell, here, inGateway };
}

it('every command is for services that there are, every address is one that is open, every file is there', () => {
  expect(all.length).toBeGreaterThan(9);
  for (const line of all) {
    const [, , verb = '', ...rest] = line.split(' ');
    expect(['up', 'exec', 'kill', 'logs', 'run', 'restart', 'down', 'cp'], line).toContain(verb);
    const named = rest.filter((word) => !word.startsWith('-')).map((word) => word.split(':')[0] as string);
    if (verb !== 'up' && verb !== 'down')
      expect(
        named.some((word) => word in compose.services),
        line,
      ).toBe(true);
  }
  const ports = Object.values(compose.services).flatMap(({ ports: open = [] }) => open.map((port) => port.split(':')[1]));
  const table = guide.text.slice(0, guide.text.indexOf('A simulated plant'));
  const told = [...table.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => port);
  expect(told.sort()).toEqual(ports.sort());
  for (const [, file = ''] of guide.text.matchAll(/`(packaging\/[\w./-]+|Dockerfile|docker-compose\.yml)`/g))
    expect(existsSync(join(root, file)), file).toBe(true);
});

it('the gateway of the guide: its configuration is right, a signal takes it over, a backup is made while it runs', async () => {
  const { shell, here, inGateway } = machine();
  expect((await shell.run(inGateway('check'))).stderr).toBe('');
  const broken = join(shell.directory, 'broken.yaml');
  writeFileSync(broken, readFileSync(join(shell.directory, 'fettle.yaml'), 'utf8').replace('type: modbus', 'type: modbuz'));
  await expect(shell.run(`fettle check ${broken}`)).rejects.toMatchObject({ code: 2 });

  // Without brokers and stores that are not here; the rest as it is.
  const file = join(shell.directory, 'fettle.yaml');
  const config = parse(readFileSync(file, 'utf8')) as { tags: Record<string, object>; alerts?: object; sinks: object[] };
  const { alerts: _, ...rest } = config;
  const say = (advice: string) =>
    writeFileSync(file, JSON.stringify({ ...rest, sinks: [], tags: { ...config.tags, 'line1/pump/flow': { engineeringUnit: advice } } }));
  say('m³/h');
  const running = await runFettle(file);
  const unit = async () => {
    const { stdout } = await shell.run(`fettle tags --json -c ${file}`);
    return (JSON.parse(stdout) as { tag: string; engineeringUnit: string }[]).find(({ tag }) => tag === 'line1/pump/flow')?.engineeringUnit;
  };
  expect(await unit()).toBe('m³/h');
  say('l/s');
  expect(all).toContain('docker compose kill -s HUP gateway');
  process.kill(running.pid, 'SIGHUP');
  await eventually(async () => (await unit().catch(() => '')) === 'l/s', 'taken over', 60_000);
  const backup = here('/data/north.fettle');
  await shell.run(inGateway('backup'));
  expect(statSync(backup).size).toBeGreaterThan(1000);
  expect(all).toContain('docker compose cp gateway:/data/north.fettle .');
  expect(existsSync(here('/data/first-login.txt'))).toBe(true);
  expect(await running.stop()).toBe(0);
}, 180_000);

it('a device gets a user of its own, by the lines of the guide, and writes where it may', async ({ skip }) => {
  if (requirePeer('mosquitto_passwd') === undefined) return skip();
  const { shell, here } = machine();
  const line = all.find((one) => one.startsWith('docker compose run')) ?? '';
  const [, command = ''] = /-c '(.*)'$/.exec(line) ?? [];
  const typed = spawn('/bin/sh', ['-c', here(command)], { stdio: ['pipe', 'inherit', 'inherit'] });
  typed.stdin.end('secret of press 4\n');
  await once(typed, 'exit');
  const secret = here('/secrets/mosquitto/press4');
  expect(statSync(secret).mode & 0o007).toBe(0);
  const [user = '', right = ''] = guide.inline('').filter((text) => /^(user|topic) /.test(text));
  const folder = temporaryDirectory();
  const acl = `${readFileSync(join(root, 'packaging/compose/mosquitto.acl'), 'utf8')}\n${user}\n${right}\n`;
  // What mosquitto.sh does with the files of setup.
  const script = readFileSync(join(root, 'packaging/compose/mosquitto.sh'), 'utf8')
    .replaceAll('/secrets/', `${here('/secrets')}/mosquitto/`)
    .replaceAll('/tmp/accounts', join(folder, 'accounts'))
    .replace(/^exec .*$/m, '');
  await shell.run(script);
  const files = { accounts: readFileSync(join(folder, 'accounts'), 'utf8'), acl };
  const config = ['password_file {folder}/accounts', 'acl_file {folder}/acl'];
  const broker = (await startMosquitto({ anonymous: false, config, files, witness: false, port: await freePort() })) ?? skip();
  onTestFinished(() => broker.dispose());
  const client = await mqtt.connectAsync(broker.url, { username: 'press4', password: 'secret of press 4', protocolVersion: 5 });
  onTestFinished(() => client.endAsync(true));
  await client.publishAsync('press4/flow', '1', { qos: 1 });
  await expect(client.publishAsync('fettle/plant/cmd/acknowledge', '{}', { qos: 1 })).rejects.toThrow();
}, 60_000);
