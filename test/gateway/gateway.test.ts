import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { startServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const windowMs = 100;

function configuration(mosquitto: Mosquitto, data: string, more: { version?: 4 | 5; qos?: 0 | 1; journal?: object } = {}): object {
  return {
    site: 'north',
    data,
    ...(more.journal !== undefined && { journal: more.journal }),
    sources: [
      {
        id: 'shopfloor',
        type: 'mqtt',
        url: mosquitto.url,
        qos: more.qos ?? 1,
        protocolVersion: more.version ?? 'auto',
        topics: [{ topic: 'plant/{machine}', time: { path: '$.ts' }, tags: { 'line1/{machine}/flow': '$.flow' } }],
      },
    ],
    tags: { 'line1/pump/flow': { limits: { hi: 10 }, engineeringUnit: 'l/min' } },
    assets: [
      {
        id: 'line1/pump',
        tags: ['line1/pump/flow'],
        window: { step: `${windowMs}ms`, length: 4, slide: 2, allowedLateness: '0s' },
        alarm: { notWatchedAfter: '1h', acknowledge: 'required' },
      },
    ],
    alerts: { url: mosquitto.url },
  };
}

/** The real broker; without it the test is skipped (and fails where peers are required). */
async function broker(context: TestContext, config: readonly string[] = []): Promise<Mosquitto> {
  const mosquitto = (await startMosquitto({ config: ['max_inflight_messages 50', ...config] })) ?? context.skip();
  onTestFinished(() => mosquitto.dispose());
  return mosquitto;
}

async function client(mosquitto: Mosquitto): Promise<mqtt.MqttClient> {
  const connected = await mqtt.connectAsync(mosquitto.url, { protocolVersion: 5 });
  onTestFinished(() => connected.endAsync(true));
  return connected;
}

const message = (row: number, flow: number): string => JSON.stringify({ ts: 1_790_000_000_000 + row * windowMs, flow });

describe('the gateway', () => {
  it.for([4, 5] as const)('takes MQTT %i to alert, journal and acknowledgement', async (version, context) => {
    const mosquitto = await broker(context);
    const gateway = await startGateway(configuration(mosquitto, temporaryDirectory(), { version }));
    const plant = await client(mosquitto);
    const events: { from: string; to: string; message: string }[] = [];
    plant.on('message', (_, payload) => events.push(JSON.parse(payload.toString())));
    await plant.subscribeAsync('fettle/north/line1/pump/alarm/event', { qos: 1 });
    for (let row = 0; row < 20; row++) await plant.publishAsync('plant/pump', message(row, row >= 8 && row < 12 ? 12 : 5), { qos: 1 });
    await eventually(() => events.length === 2, 'raised and cleared');
    expect(events.map(({ from, to }) => `${from} → ${to}`)).toEqual(['normal → unacknowledged', 'unacknowledged → returnedUnacknowledged']);
    expect(events[0]?.message).toBe('line1/pump/flow 12 l/min is above its high limit of 10 l/min');
    await eventually(() => gateway.status().sources.shopfloor?.counters.unacknowledged === 0, 'all acknowledged');
    const [{ samples }] = (await gateway.query<{ samples: number }>('SELECT sum(samples) AS samples FROM segments')) as [
      { samples: number },
    ];
    expect(samples).toBe(20);
    const transitions = await gateway.query<{ id: string }>('SELECT id FROM transitions ORDER BY sequence');
    expect(transitions.map(({ id }) => id)).toEqual([
      'line1/pump:hi:line1/pump/flow:1790000000900:normal>unacknowledged',
      'line1/pump:hi:line1/pump/flow:1790000001300:unacknowledged>returnedUnacknowledged',
    ]);
    const reply = new Promise<object>((resolve) => plant.once('message', (_, payload) => resolve(JSON.parse(payload.toString()))));
    await plant.unsubscribeAsync('fettle/north/line1/pump/alarm/event');
    await plant.subscribeAsync('fettle/north/cmd/acknowledge/response');
    await plant.publishAsync('fettle/north/cmd/acknowledge', JSON.stringify({ asset: 'line1/pump', by: 'ada' }));
    expect(await reply).toMatchObject({ ok: true });
    expect(gateway.status().assets[0]?.state).toBe('normal');
  });

  it('acknowledges what it cannot read, counts it, and keeps the last example', async (context) => {
    const mosquitto = await broker(context);
    const gateway = await startGateway(configuration(mosquitto, temporaryDirectory()));
    const plant = await client(mosquitto);
    await plant.publishAsync('plant/pump', 'not json', { qos: 1 });
    await plant.publishAsync('plant/pump', '{"other":1}', { qos: 1 });
    await plant.publishAsync('plant/pump', message(1, 5), { qos: 1 });
    await eventually(() => gateway.counters.samples === 1, 'the good message');
    const status = gateway.status().sources.shopfloor;
    expect(status?.counters).toMatchObject({ messages: 3, rejected: 2 });
    expect(status?.lastRejected).toMatchObject({
      topic: 'plant/pump',
      payload: '{"other":1}',
      reason: 'none of the configured paths is there',
    });
    await eventually(() => gateway.status().sources.shopfloor?.counters.unacknowledged === 0, 'all acknowledged');
  });

  it('journals a redelivered message once', async (context) => {
    const mosquitto = await broker(context, ['persistence true']);
    const data = temporaryDirectory();
    const plant = await client(mosquitto);
    let known = 0;
    let row = 0;
    for (let round = 0; round < 6; round++) {
      const gateway = await startGateway(configuration(mosquitto, data));
      await eventually(() => gateway.status().sources.shopfloor?.state === 'good', 'connected');
      const published = Array.from({ length: 40 }, () => plant.publishAsync('plant/pump', message(row++, 5), { qos: 1 }));
      // Stopped with samples in the fold and no acknowledgement sent: the broker has to send them again.
      const deadline = Date.now() + 5_000;
      while (gateway.counters.samples === 0 && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
      await gateway.stop();
      await Promise.all(published);
      known += gateway.counters.redeliveredKnown;
    }
    const last = await startGateway(configuration(mosquitto, data));
    const samples = async () =>
      ((await last.query<{ samples: number }>('SELECT sum(samples) AS samples FROM segments'))[0] as { samples: number }).samples;
    await eventually(async () => (await samples()) >= row, 'all of them');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await samples()).toBe(row);
    expect(known + last.counters.redeliveredKnown).toBeGreaterThan(0);
  });

  it('goes on after a restart with the state it had', async (context) => {
    const mosquitto = await broker(context);
    const data = temporaryDirectory();
    const plant = await client(mosquitto);
    const first = await startGateway(configuration(mosquitto, data));
    for (let row = 0; row < 10; row++) await plant.publishAsync('plant/pump', message(row, row > 5 ? 12 : 5), { qos: 1 });
    await eventually(() => first.counters.raised === 1, 'raised');
    await first.stop();
    // Published while the gateway is away: the broker keeps it, nothing of it is late.
    for (let row = 10; row < 20; row++) await plant.publishAsync('plant/pump', message(row, row > 14 ? 5 : 12), { qos: 1 });
    const second = await startGateway(configuration(mosquitto, data));
    expect(second.status().assets[0]?.alarms.map(({ state }) => state)).toEqual(['unacknowledged']);
    await eventually(() => second.counters.cleared === 1, 'cleared');
    expect(second.status().counters).toMatchObject({ late: 0, raised: 0 });
  });

  it('sets a damaged database aside and starts', async (context) => {
    const mosquitto = await broker(context);
    const data = temporaryDirectory();
    writeFileSync(join(data, 'fettle.db'), Buffer.alloc(50_000, 'x'));
    const gateway = await startGateway(configuration(mosquitto, data));
    expect(gateway.status().journal.setAside).toContain('damaged');
    expect(readdirSync(data).some((name) => name.includes('damaged'))).toBe(true);
  });

  it('refuses a model that is damaged before anything is opened', async (context) => {
    const mosquitto = await broker(context);
    const config = configuration(mosquitto, temporaryDirectory()) as { assets: Record<string, unknown>[] };
    (config.assets[0] as Record<string, unknown>).detector = { model: join(temporaryDirectory(), 'nothing') };
    await expect(startGateway(config)).rejects.toMatchObject({ code: 'FETTLE_MODEL_INVALID' });
  });

  it('finds the broker again by itself, and loses nothing of what it kept', async (context) => {
    const mosquitto = await broker(context, ['persistence true']);
    const gateway = await startGateway(configuration(mosquitto, temporaryDirectory()));
    await mosquitto.stop();
    await eventually(() => gateway.status().state === 'degraded', 'told');
    expect(gateway.status().sources.shopfloor?.units[0]?.lastError).toMatch(/connection/);
    await mosquitto.start();
    await eventually(() => gateway.status().sources.shopfloor?.state === 'good', 'back', 15_000);
    const plant = await client(mosquitto);
    await plant.publishAsync('plant/pump', message(1, 5), { qos: 1 });
    await eventually(() => gateway.counters.samples === 1, 'samples again');
  });

  it('survives a clock that is set back: nothing that was judged is judged again', async (context) => {
    const mosquitto = await broker(context);
    let offsetMs = 0;
    const clock = { wallMs: () => Date.now() + offsetMs, monotonicMs: () => performance.now() };
    const gateway = await startGateway(configuration(mosquitto, temporaryDirectory()), { clock });
    await eventually(() => gateway.status().sources.shopfloor?.state === 'good', 'connected');
    const plant = await client(mosquitto);
    // No time stamps: the gateway's own clock is the event time.
    const publish = async (flow: number, count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        await plant.publishAsync('plant/pump', JSON.stringify({ flow }), { qos: 1 });
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
    };
    await publish(5, 10);
    await publish(12, 10);
    await eventually(() => gateway.counters.raised === 1, 'raised');
    const before = await gateway.query('SELECT id, document FROM transitions');
    offsetMs = -3_600_000;
    await publish(5, 15);
    await eventually(() => gateway.status().counters.late >= 10, 'an hour too old: history only');
    expect(await gateway.query('SELECT id, document FROM transitions')).toEqual(before);
    expect(gateway.status().sources.shopfloor?.counters.unacknowledged).toBe(0);
    offsetMs = 0;
    await publish(5, 15);
    await eventually(() => gateway.counters.cleared === 1, 'goes on when the clock is right again');
  });

  it('answers over HTTP, to those who have the token', async (context) => {
    const mosquitto = await broker(context);
    const gateway = await startGateway(configuration(mosquitto, temporaryDirectory()));
    const server = await startServer(gateway);
    const ask = (path: string, init: RequestInit = {}, token = server.token) =>
      fetch(`${server.url}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } });
    expect((await fetch(`${server.url}/api/v1/health`)).status).toBe(200);
    const refused = await ask('/api/v1/status', {}, 'wrong');
    expect(refused.status).toBe(401);
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(await (await ask('/api/v1/status')).json()).toMatchObject({ site: 'north', counters: { samples: 0 } });
    expect(await (await ask('/api/v1/assets')).json()).toMatchObject([{ asset: 'line1/pump' }]);
    const unknown = await ask('/api/v1/commands/acknowledge', { method: 'POST', body: JSON.stringify({ asset: 'line9/none' }) });
    expect([unknown.status, ((await unknown.json()) as { code: string }).code]).toEqual([404, 'FETTLE_ASSET_UNKNOWN']);
    expect(
      (
        await ask('/api/v1/commands/shelve', {
          method: 'POST',
          body: JSON.stringify({ asset: 'line1/pump', rule: 'hi', by: 'ada', for: '1h' }),
        })
      ).status,
    ).toBe(200);
    expect(gateway.status().assets[0]?.alarms[0]?.state).toBe('shelved');
    expect((await ask('/api/v1/nothing')).status).toBe(404);
  });
});
