import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import mqtt from 'mqtt';
import { expect, it, onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import { root } from '../house/sources.ts';
import { eventually } from '../support/eventually.ts';
import { fettle, runFettle } from '../support/fettle.ts';
import { passwordFile, startMosquitto } from '../support/mosquitto.ts';
import { freePort } from '../support/peer-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

interface Said {
  readonly event: 'running' | 'fault' | 'mended' | 'stopped';
  readonly asset?: string;
  readonly kind?: string;
}

/** `fettle plant` as a process, and what it says. */
function startPlant(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [join(root, 'bin/fettle.js'), 'plant', '--json', ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said: Said[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => said.push(JSON.parse(line) as Said));
  const stop = (): Promise<number | null> =>
    new Promise((resolve) => {
      child.once('exit', resolve);
      child.kill('SIGTERM');
    });
  return { said, stop };
}

it('a gateway elsewhere watches it by the configuration it prints, and finds the fault it announces', async (context) => {
  const password = 'of the plant';
  const accounts = (await passwordFile({ plant: password })) ?? context.skip();
  const mosquitto =
    (await startMosquitto({ anonymous: false, files: { accounts }, config: ['password_file {folder}/accounts'] })) ?? context.skip();
  onTestFinished(() => mosquitto.dispose());
  const directory = temporaryDirectory();
  const secret = join(directory, 'password');
  writeFileSync(secret, `${password}\n`);
  const port = await freePort();
  const where = ['--modbus', `127.0.0.1:${port}`, '--mqtt', mosquitto.url, '--mqtt-user', 'plant', '--seed', '3'];
  const plant = startPlant([...where, '--mqtt-password-file', secret, '--first-fault', '6s', '--fault-every', '10m', '--fault-for', '12s']);
  await eventually(() => plant.said.length > 0, 'the plant runs');
  expect(plant.said[0]).toMatchObject({ event: 'running', modbus: `127.0.0.1:${port}`, seed: 3 });

  const printed = await fettle('plant', '--configuration', ...where);
  expect(printed).toMatchObject({ code: 0, stderr: '' });
  expect(printed.stdout).not.toContain(password);
  const file = join(directory, 'fettle.yaml');
  writeFileSync(file, stringify({ ...(parse(printed.stdout) as object), server: { listen: '127.0.0.1:0' } }));
  process.env.FETTLE_PLANT_MQTT_PASSWORD = password;
  onTestFinished(() => void delete process.env.FETTLE_PLANT_MQTT_PASSWORD);
  expect((await fettle('check', file)).stdout).toContain('is fine: 2 sources, 4 assets');
  const gateway = await runFettle(file);
  const listener = await mqtt.connectAsync(mosquitto.url, { username: 'plant', password });
  onTestFinished(() => listener.endAsync(true));
  const raised: string[] = [];
  listener.on('message', (_, payload) => {
    const { asset, to } = JSON.parse(payload.toString()) as { asset: string; to: string };
    if (to === 'unacknowledged') raised.push(asset);
  });
  await listener.subscribeAsync('fettle/plant/+/+/alarm/event', { qos: 1 });
  await eventually(() => plant.said.some(({ event }) => event === 'fault'), 'a fault begins');
  const { asset } = plant.said.find(({ event }) => event === 'fault') as Said;
  await eventually(() => raised.length > 0, 'it is found', 30_000);
  expect(new Set(raised)).toEqual(new Set([asset]));
  await eventually(() => plant.said.some(({ event }) => event === 'mended'), 'it is mended', 30_000);
  expect(await gateway.stop()).toBe(0);
  expect(await plant.stop()).toBe(0);
  expect(plant.said.at(-1)).toMatchObject({ event: 'stopped', unpublished: 0 });
}, 90_000);

it('waits for a broker that comes later, and brings one of its own where none is named', async (context) => {
  const [modbus, broker] = [await freePort(), await freePort()];
  const later = startPlant(['--modbus', `127.0.0.1:${modbus}`, '--mqtt', `mqtt://127.0.0.1:${broker}`]);
  await eventually(() => later.said.length > 0, 'it runs without a broker');
  const mosquitto = (await startMosquitto({ port: broker })) ?? context.skip();
  onTestFinished(() => mosquitto.dispose());
  const heard = async (url: string): Promise<string> => {
    const client = await mqtt.connectAsync(url);
    const topic = new Promise<string>((resolve) => client.once('message', (name) => resolve(name)));
    await client.subscribeAsync('plant/#');
    return topic.finally(() => client.endAsync(true));
  };
  expect(await heard(mosquitto.url)).toMatch(/^plant\/line2\/(conveyor|oven)\/telemetry$/);
  const [second, own] = [await freePort(), await freePort()];
  const alone = startPlant(['--modbus', `127.0.0.1:${second}`, '--broker', `127.0.0.1:${own}`]);
  await eventually(() => alone.said.length > 0, 'it runs');
  expect(await heard(`mqtt://127.0.0.1:${own}`)).toMatch(/^plant\//);
  expect((await fettle('plant', '--modbus', 'nonsense')).stderr).toContain('must be host:port');
});
