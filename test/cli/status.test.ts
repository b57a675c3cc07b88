import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { expect, it, onTestFinished, type TestContext } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { askStatus, fettle, runFettle } from '../support/fettle.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { freePort } from '../support/peer-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const windowMs = 100;

/** A gateway process on a broker of its own, that has read ten good messages, the last of them above the limit, and one it could not read. */
async function busyGateway(context: TestContext, more: object = {}) {
  const mosquitto = (await startMosquitto()) ?? context.skip();
  onTestFinished(() => mosquitto.dispose());
  const directory = temporaryDirectory();
  const file = join(directory, 'fettle.yaml');
  const data = join(directory, 'data');
  const configuration = {
    site: 'north',
    data,
    server: { listen: '127.0.0.1:0' },
    sources: [
      {
        id: 'shopfloor',
        type: 'mqtt',
        url: mosquitto.url,
        qos: 1,
        topics: [{ topic: 'plant/{machine}', time: { path: '$.ts' }, tags: { 'line1/{machine}/flow': '$.flow' } }],
      },
    ],
    tags: { 'line1/pump/flow': { limits: { hi: 10 }, engineeringUnit: 'l/min', advice: 'Open the bypass' } },
    assets: ['line1/pump', 'line1/ventilator'].map((id) => ({
      id,
      tags: [`${id}/flow`],
      window: { step: `${windowMs}ms`, length: 4, slide: 2, allowedLateness: '0s' },
      alarm: { notWatchedAfter: '1h', acknowledge: 'required' },
    })),
    alerts: { url: mosquitto.url },
    ...more,
  };
  writeFileSync(file, JSON.stringify(configuration));
  const running = await runFettle(file);
  const plant = await mqtt.connectAsync(mosquitto.url, { protocolVersion: 5 });
  onTestFinished(() => plant.endAsync(true));
  await eventually(async () => (await askStatus(data)).sources.shopfloor?.state === 'good', 'connected');
  // A source that has been idle for five seconds follows this machine's clock: on a busy machine that may happen before
  // the first of these or after the last, and must make none of them late and no machine unwatched.
  const startMs = Date.now() + 3_000;
  const messages = [{ machine: 'pump', payload: 'not json' }];
  for (let row = 0; row < 10; row++) {
    for (const machine of ['pump', 'ventilator']) {
      const flow = machine === 'pump' && row > 6 ? 12 : 5;
      messages.push({ machine, payload: JSON.stringify({ ts: startMs + row * windowMs, flow }) });
    }
  }
  await Promise.all(messages.map(({ machine, payload }) => plant.publishAsync(`plant/${machine}`, payload, { qos: 1 })));
  return { file, data, running };
}

/** What differs from run to run. */
const steady = (text: string): string =>
  text
    .replace(/^fettle \d+\.\d+\.\d+/, 'fettle <version>')
    .replace(/up [\d.]+ (ms|s)/, 'up <time>')
    .replace(/since (\d{4}-\d\d-\d\d )?\d\d:\d\d/g, 'since <date>')
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:<port>')
    .replace(/\d+ commits?, the last in [\d.]+ ms/, '<n> commits, the last in <time>')
    .replace(/, the oldest for \d+ s/, '');

it('says to a person how machines, sources, sinks and the journal fare', async (context) => {
  const { file, data, running } = await busyGateway(context);
  await expect
    .poll(() => askStatus(data), { timeout: 20_000 })
    .toMatchObject({
      counters: { samples: 20 },
      sinks: { alerts: { delivery: { counters: { delivered: 1 } } } },
      sources: { shopfloor: { counters: { unacknowledged: 0 } } },
    });
  const { code, stdout, stderr } = await fettle('status', '-c', file);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(steady(stdout)).toBe(`\
fettle <version> · site north · up <time> · good · 1 alert

Machines
  ▲ line1/pump        active  watching 1 tag
      line1/pump/flow 12 l/min is above its high limit of 10 l/min
      medium alert, unacknowledged, since <date>
      → Open the bypass
  ● line1/ventilator  normal  watching 1 tag

Sources
  ● shopfloor  good  21 messages, 1 rejected, 2 topics
      last one not read, on plant/pump: not json (not JSON)

Sinks
  ● alerts  good  1 delivered  nothing waiting

Since the start
  samples  20
  windows  0
  alarms   1 raised, 0 over
  journal  <n> commits, the last in <time>
`);
  expect(await running.stop()).toBe(0);
  const gone = await fettle('status', '-c', file);
  expect(gone).toMatchObject({ code: 1, stdout: '' });
  expect(gone.stderr).toMatch(/^no gateway runs on .*\n→ start one with fettle run\n\(FETTLE_API_UNREACHABLE\)\n$/);
});

it('names a sink that cannot be reached, what waits for it and what to do, and exits with 1', async (context) => {
  const cloud = {
    id: 'cloud',
    type: 'influxdb',
    url: `http://127.0.0.1:${await freePort()}`,
    database: 'fettle',
    send: ['alarms', 'samples'],
  };
  const { file, data } = await busyGateway(context, { sinks: [cloud] });
  await expect
    .poll(() => askStatus(data), { timeout: 20_000 })
    .toMatchObject({
      counters: { samples: 20 },
      sinks: {
        cloud: { delivery: { lanes: { alarms: { points: 1 }, samples: { points: 20 } } } },
        alerts: { delivery: { counters: { delivered: 1 } } },
      },
    });
  const { code, stdout } = await fettle('status', '-c', file);
  expect(code).toBe(1);
  const lines = steady(stdout).split('\n');
  expect(lines[0]).toBe('fettle <version> · site north · up <time> · degraded: cloud · 1 alert');
  const at = lines.indexOf('Sinks');
  expect(lines.slice(at + 1, at + 5)).toEqual([
    '  ● alerts  good      1 delivered  nothing waiting',
    '  ▲ cloud   degraded  0 delivered  1 alarm, 20 samples waiting',
    expect.stringMatching(/^ {6}.*127\.0\.0\.1:<port>.*ECONNREFUSED/),
    '      → Check that it runs and that the network leads there; the points stay here until then.',
  ]);
});

it('tells a gateway that was killed from one that was never started', async (context) => {
  const { file, running } = await busyGateway(context);
  await running.stop('SIGKILL');
  const { code, stderr } = await fettle('status', '-c', file);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    new RegExp(`^the gateway at http://127\\.0\\.0\\.1:\\d+ \\(process ${running.pid}\\) does not answer: .*\n→ it may have been killed`),
  );
});
