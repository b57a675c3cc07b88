import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import mqtt, { type IClientOptions } from 'mqtt';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import type { ListenReport } from '../../src/commissioning/mqtt-listen/report.ts';
import { fettle } from '../support/fettle.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { freePort } from '../support/peer-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function broker(context: TestContext, ...options: Parameters<typeof startMosquitto>) {
  const mosquitto = (await startMosquitto(...options)) ?? context.skip();
  onTestFinished(() => mosquitto.dispose());
  return mosquitto;
}

/** Publishes every 100 ms until the test is over. */
async function plant(url: string, options: IClientOptions = {}) {
  const client = await mqtt.connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0, ...options });
  await client.publishAsync('plant/p1/status', 'online', { retain: true });
  let k = 0;
  const timer = setInterval(() => {
    k++;
    for (const machine of ['p1', 'p2'])
      client.publish(`plant/${machine}/telemetry`, JSON.stringify({ ts: Date.now(), flow: 4 + (k % 10) / 10 }), { qos: 1 });
    client.publish('plant/hall/temperature', `${20 + (k % 5)},5 °C`);
  }, 100);
  onTestFinished(async () => {
    clearInterval(timer);
    await client.endAsync(true);
  });
  return client;
}

describe('fettle mqtt listen', () => {
  it('says what a broker has, publishes nothing, and proposes what fettle check takes', async (context) => {
    const { url } = await broker(context);
    const client = await plant(url);
    const heard = new Set<string>();
    client.on('message', (topic) => heard.add(topic));
    await client.subscribeAsync('#');
    const { code, stdout, stderr } = await fettle('mqtt', 'listen', url, 'plant/#', '--for', '2s');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain(`plant/# at ${url} (MQTT 5), 2 s\n`);
    expect(stdout).toMatch(/plant\/\{machine\}\/telemetry\n {2}JSON, 2 topics, \d\d messages, \d+\/s, every \d+ ms, .* bytes\n/);
    expect(stdout).toMatch(/time \$\.ts: epoch in ms; clock right\n/);
    expect(stdout).toMatch(/plant\/p1\/status\n {2}words, .*1 retained/);
    expect([...heard].sort()).toEqual(['plant/hall/temperature', 'plant/p1/status', 'plant/p1/telemetry', 'plant/p2/telemetry']);

    const file = join(temporaryDirectory(), 'fettle.yaml');
    const proposed = await fettle('mqtt', 'listen', url, 'plant/#', '--for', '1s', '--yaml');
    writeFileSync(file, `site: north\n${proposed.stdout}`);
    expect((await fettle('check', file)).stdout).toContain('is fine: 1 source');
    expect(proposed.stdout).toContain('availability: { topic: "plant/{machine}/status", online: online, offline: offline }');
  }, 20_000);

  it('tells all of it as JSON, with the QoS where it subscribes with one', async (context) => {
    const { url } = await broker(context);
    await plant(url);
    const { stdout } = await fettle(
      'mqtt',
      'listen',
      url.slice(7),
      'plant/+/telemetry',
      'plant/hall/#',
      '--for',
      '1s',
      '--json',
      '--qos',
      '1',
    );
    const report = JSON.parse(stdout) as ListenReport;
    expect(report).toMatchObject({ url, protocol: '5', filters: ['plant/+/telemetry', 'plant/hall/#'], topics: 3 });
    expect(report.groups.map(({ template, qos }) => [template, qos])).toEqual([
      ['plant/{machine}/telemetry', [1]],
      ['plant/hall/temperature', [0]],
    ]);
    expect(report.proposal.trial.problems).toEqual([]);
  });

  it('ends with Ctrl-C, with what came so far', async (context) => {
    const { url } = await broker(context);
    await plant(url);
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../bin/fettle.js'), 'mqtt', 'listen', url, '#', '--for', '1h']);
    let out = '';
    child.stdout.on('data', (text: Buffer) => (out += text.toString()));
    setTimeout(() => child.kill('SIGINT'), 2500);
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(out).toContain(', interrupted\n');
    expect(out).toContain('plant/{machine}/telemetry');
  });

  it('steps back to MQTT 3.1.1', async () => {
    const aedes = await Aedes.createBroker();
    const server = createServer(aedes.handle);
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    onTestFinished(async () => {
      await new Promise<void>((resolve) => aedes.close(resolve));
      server.close();
    });
    const url = `mqtt://127.0.0.1:${port}`;
    await plant(url);
    const { code, stdout } = await fettle('mqtt', 'listen', url, 'plant/#', '--for', '1s');
    expect(stdout).toContain('(MQTT 3.1.1)');
    expect(code).toBe(0);
  });
});

describe('where nothing comes, it says what to look at', () => {
  it('the filter', async (context) => {
    const { url } = await broker(context, { config: ['sys_interval 1'] });
    await plant(url);
    const { code, stdout } = await fettle('mqtt', 'listen', url, 'Plant/#', '--for', '500ms');
    expect(code).toBe(1);
    expect(stdout).toContain('upper and lower case count');
    expect(stdout).toContain('just now there is traffic under plant/#');
    expect(stdout).toMatch(/the broker counts \d+ clients and [\d.]+ messages in the last minute/);
  });

  it('the access rules', async (context) => {
    const { url } = await broker(context, { config: ['acl_file {folder}/acl'], files: { acl: 'topic read public/#\n' } });
    const { code, stdout } = await fettle('mqtt', 'listen', url, 'plant/#', '--for', '500ms');
    expect(code).toBe(1);
    expect(stdout).toContain('its access rules decide what a client without name may read');
    expect(stdout).toContain('under # nothing came within 2 s either');
  });

  it('the quotation marks', async () => {
    expect((await fettle('mqtt', 'listen', 'mqtt://127.0.0.1')).stderr).toContain(
      'in quotes, for a shell takes # for the beginning of a comment',
    );
    expect((await fettle('mqtt', 'listen', 'mqtt://127.0.0.1', 'a/#/b')).stderr).toContain('"a/#/b" is no topic filter');
  });

  it('the address and the login', async () => {
    const refused = await fettle('mqtt', 'listen', `mqtt://127.0.0.1:${await freePort()}`, 'plant/#');
    expect(refused.stderr).toMatch(/ECONNREFUSED.*\n→ nobody listens on this port.*\n\(FETTLE_MQTT_UNREACHABLE\)/);
    expect(refused.code).toBe(1);
    const inUrl = await fettle('mqtt', 'listen', 'mqtt://user:secret@127.0.0.1', 'plant/#');
    expect(inUrl.stderr).toContain('give --username, and --password-file');
    expect(inUrl.stderr).not.toContain('secret');
  });
});
