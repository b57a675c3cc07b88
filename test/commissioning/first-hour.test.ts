import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import mqtt from 'mqtt';
import { expect, it, onTestFinished } from 'vitest';
import { readFacts } from '../../src/gateway/backup.ts';
import type { TagNow } from '../../src/gateway/tag-list.ts';
import { startLibmodbus } from '../support/modbus/libmodbus.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Shell in the folder, `fettle` in its path; what it prints. */
function shell(script: string, folder: string): Promise<{ code: number; out: string }> {
  const path = `${join(folder, 'bin')}${delimiter}${dirname(process.execPath)}${delimiter}${process.env.PATH}`;
  const child = spawn('bash', ['-eu', '-c', script], { cwd: folder, env: { ...process.env, PATH: path, NO_COLOR: '1' } });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (out += text.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve({ code: code ?? -1, out }));
  });
}

/** Two presses and a thermometer, five messages a second each, until the test is over. */
async function startPlant(url: string): Promise<void> {
  const client = await mqtt.connectAsync(url);
  const timer = setInterval(() => {
    for (const press of ['press1', 'press2'])
      client.publish(
        `plant/${press}/telemetry`,
        JSON.stringify({ ts: Date.now(), pressure: press === 'press1' ? 81.5 : 82.5, running: true }),
      );
    client.publish('plant/hall/temperature', '21.5 °C');
  }, 200);
  onTestFinished(async () => {
    clearInterval(timer);
    await client.endAsync(true);
  });
}

it('the guide leads from an empty folder to right values, by its own commands', async (context) => {
  const device = (await startLibmodbus({ floatRamp: true, registers: 300, silentUnits: [1, 3, 4] })) ?? context.skip();
  onTestFinished(() => device.dispose());
  const broker = (await startMosquitto()) ?? context.skip();
  onTestFinished(() => broker.dispose());
  await startPlant(broker.url);
  const folder = temporaryDirectory();
  const guide = readFileSync(join(root, 'docs/guides/commissioning.md'), 'utf8')
    .replaceAll('tcp://10.0.0.21:502', device.url)
    .replaceAll('mqtt://10.0.0.5:1883', broker.url);
  const steps = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, script = '']) => script);
  expect(steps).toHaveLength(7);
  await shell(
    `mkdir bin && printf '#!/bin/sh\\nexec "${process.execPath}" "${root}src/cli/main.ts" "$@"\\n' > bin/fettle && chmod +x bin/fettle`,
    folder,
  );
  onTestFinished(async () => {
    const runtime = join(folder, 'data/gateway.json');
    if (existsSync(runtime)) process.kill((JSON.parse(readFileSync(runtime, 'utf8')) as { pid: number }).pid);
  });
  const [scan = '', read = '', list = '', hear = '', propose = '', run = '', leave = ''] = steps;

  const scanned = await shell(scan, folder);
  expect(scanned).toMatchObject({ code: 0 });
  expect(scanned.out).toMatch(/unit 2, 125 registers in one read\n(.*\n)*? {2}holding registers +0-299\n/);
  expect(scanned.out).not.toContain('unit 1');

  const looked = await shell(read, folder);
  expect(looked.out).toMatch(/\n +102 +40103 .* 51 \* /);

  const imported = await shell(list, folder);
  expect(imported.out).toContain('meter.csv: 3 tags; columns: Parameter as tag, Register as address');
  expect(imported.out).toContain('meter.csv:5: "TEXT20" is not a type Fettle knows');

  const heard = await shell(hear, folder);
  expect(heard.out).toMatch(/plant\/\{press\}\/telemetry\n {2}JSON, 2 topics, \d+ messages, .*every \d+ ms/);
  expect(heard.out).toContain('time $.ts: epoch in ms; clock right');
  expect(heard.out).toMatch(/plant\/hall\/temperature\n {2}bare value, 1 topic/);
  expect((await shell(propose, folder)).out).toBe('');

  // The shell of the guide stays; this one ends, and leaves the gateway running.
  writeFileSync(join(folder, 'run.sh'), run.replace('fettle run &', 'fettle run > run.log 2>&1 &'));
  const ran = await shell('. ./run.sh', folder);
  expect(ran.out).toContain('fettle.yaml is fine: 2 sources, 1 asset, 0 sinks.');
  expect(ran.out).toMatch(/hall\/meter\/voltage-l1 +51 +V +good/);
  expect(ran.out).toMatch(/● meter +127\.0\.0\.1:\d+ answers/);
  const tags = JSON.parse((await shell('fettle tags --json', folder)).out) as TagNow[];
  expect(tags.map(({ tag, value, engineeringUnit }) => [tag, value, engineeringUnit])).toEqual([
    ['hall/meter/current-l1', 5.3, 'A'],
    ['hall/meter/voltage-l1', 51, 'V'],
    ['hall/meter/voltage-l2', 52, 'V'],
    ['hall/temperature', 21.5, '°C'],
    ['press1/pressure', 81.5, null],
    ['press1/running', 1, null],
    ['press2/pressure', 82.5, null],
    ['press2/running', 1, null],
  ]);

  const left = await shell(leave, folder);
  expect(left.out).toContain('hall/meter');
  expect(readFacts(join(folder, 'north.fettle'))).toMatchObject({ site: 'hall', files: 3, left: [] });
}, 120_000);
