import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import mqtt from 'mqtt';
import { expect, it } from 'vitest';
import { root } from '../house/sources.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { problemOf } from '../support/message-witness.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { requirePeer } from '../support/peers.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const guide = readFileSync(join(root, 'docs/guides/mqtt.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...guide.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, text]) => text as string);
const run = promisify(execFile);

it('the messages that the guide shows are as their schemas say', () => {
  const shown = blocks('json').map((text) => /^\/\/ (\S+)\n(.*)$/s.exec(text) as RegExpExecArray);
  expect(shown.map(([, topic = '']) => topic.replace(/.*\/(?=\w+$)/, '')).sort()).toEqual(['alarm', 'event', 'response', 'score']);
  for (const [, topic = '', payload = ''] of shown) expect(problemOf(topic, Buffer.from(payload), {}), topic).toBeUndefined();
});

it('the commands of the guide do what it says of them', async ({ skip }) => {
  if (['mosquitto_sub', 'mosquitto_pub', 'mosquitto_rr'].some((name) => requirePeer(name) === undefined)) return skip();
  const broker = (await startMosquitto()) ?? skip();
  const asset = 'line1/pump';
  const tag = 'line1/pump/bearing-temp';
  const gateway = await startGateway({
    site: 'hall1',
    data: temporaryDirectory(),
    sources: [{ id: 'plc', type: 'mqtt', url: broker.url, topics: [{ topic: 'plc/temp', payload: 'scalar', tags: { [tag]: '$' } }] }],
    tags: { [tag]: { engineeringUnit: '°C', limits: { hi: 80 }, advice: 'Check the lubrication' } },
    assets: [{ id: asset, tags: [tag], window: { step: '100ms', allowedLateness: '0ms' }, alarm: { kind: 'alarm' } }],
    alerts: { url: broker.url },
  });
  const state = () => gateway.status().assets[0]?.alarms.find(({ rule }) => rule === 'hi')?.state;
  const device = await mqtt.connectAsync(broker.url);
  const feed = setInterval(() => device.publish('plc/temp', '91.5'), 100);
  try {
    await eventually(() => state() === 'unacknowledged', 'the limit is raised');
    const lines = blocks('sh')
      .join('\n')
      .split('\n')
      .filter((line) => line.startsWith('mosquitto_'));
    expect(lines).toHaveLength(4);
    const shell = (line = '') => run('/bin/sh', ['-c', line.replace('-h broker', `-h 127.0.0.1 -p ${broker.port}`)], { timeout: 20_000 });
    const [standing, events, acknowledge, shelve] = lines;
    const { stdout: now } = await shell(standing);
    expect(JSON.parse(now)).toMatchObject({ asset, state: 'active', alarms: [{ rule: 'hi', tag, state: 'unacknowledged' }] });
    const heard = shell(`${events} -C 1`);
    // It listens by the time the next one has connected and published.
    await new Promise((resolve) => setTimeout(resolve, 500));
    await shell(acknowledge);
    expect(JSON.parse((await heard).stdout)).toMatchObject({ asset, to: 'acknowledged', by: 'mqtt: K. Weber', verb: 'acknowledge' });
    expect(state()).toBe('acknowledged');
    expect(JSON.parse((await shell(shelve)).stdout)).toEqual({ ok: true });
    expect(state()).toBe('shelved');
  } finally {
    clearInterval(feed);
    await device.endAsync(true);
  }
  await broker.dispose();
});
