import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { AlarmTransition } from '../../src/core/alarm.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { GatewayService } from '../../src/gateway/service.ts';
import { auditFileOf, readAudit } from '../../src/server/access/audit-log.ts';
import { LiveEvents } from '../../src/server/live-events.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { startServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const asset = 'line1/press';
const configuration = (more: object = {}) => ({
  site: 'north',
  data: temporaryDirectory(),
  // Nobody is there.
  sources: [{ id: 'plc', type: 'modbus', url: 'tcp://127.0.0.1:1', tags: [{ tag: `${asset}/flow`, reference: '40001', type: 'int16' }] }],
  tags: { [`${asset}/flow`]: { limits: { hi: 80 } } },
  assets: [{ id: asset, tags: [`${asset}/flow`] }],
  ...more,
});

/** A gateway with its API, asked in the name of a program called anna. */
async function start(more: object = {}) {
  const data = temporaryDirectory();
  const live = new LiveEvents(silentLogger);
  const gateway = await startGateway(configuration(more), { listener: live });
  const server = await startServer(gateway, { data, live });
  const { secret } = server.access.store.addToken('anna', 'operator', new Date());
  const ask = (path: string, body?: object): Promise<Response> =>
    fetch(`${server.url}/api/v1/${path}`, {
      headers: { authorization: `Bearer ${secret}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
  const journal = async (): Promise<AlarmTransition[]> => (await ask('alarms/journal?from=0')).json() as Promise<AlarmTransition[]>;
  const audit = () => readAudit(readFileSync(auditFileOf(data), 'utf8')).entries;
  return { gateway, server, ask, journal, audit };
}

describe('commands over the API', () => {
  it.each(['real', 'false', 'planned', 'newNormal'] as const)(
    '%s of a stretch that is over leaves a row that says who, when, what and why',
    async (verb) => {
      const { ask, journal, audit } = await start();
      const stretch = verb === 'newNormal' ? {} : { from: '2026-03-01T06:00:00Z', to: '2026-03-01T07:00:00Z' };
      expect((await ask(`commands/${verb}`, { asset, rule: 'anomaly', ...stretch, comment: 'pump was primed' })).status).toBe(200);
      const about = { fromMs: Date.UTC(2026, 2, 1, 6), toMs: Date.UTC(2026, 2, 1, 7) };
      const [row] = await journal();
      expect(row).toMatchObject({ asset, rule: 'anomaly', verb, by: 'anna', comment: 'pump was primed', from: 'normal', to: 'normal' });
      expect(row?.about).toEqual(verb === 'newNormal' ? undefined : about);
      expect(Date.now() - (row?.atMs ?? 0)).toBeLessThan(30_000);
      expect(audit().at(-1)).toMatchObject({
        who: 'anna',
        action: `command.${verb}`,
        detail: {
          asset,
          rule: 'anomaly',
          comment: 'pump was primed',
          ...(verb !== 'newNormal' && { from: '2026-03-01T06:00:00.000Z', to: '2026-03-01T07:00:00.000Z' }),
        },
      });
    },
  );

  it('take a comment, and keep in the audit log for how long something was shelved', async () => {
    const { ask, journal, audit } = await start();
    expect((await ask('commands/comment', { asset, comment: 'seal leaks' })).status).toBe(200);
    const empty = await ask('commands/comment', { asset, comment: ' ' });
    expect([empty.status, await empty.json()]).toMatchObject([409, { detail: expect.stringContaining('says nothing') }]);
    expect((await ask('commands/shelve', { asset, rule: 'hi', for: '90m' })).status).toBe(200);
    expect((await journal()).map(({ verb, rule, comment }) => [verb, rule, comment])).toEqual([
      ['shelve', 'hi', null],
      ['comment', 'anomaly', 'seal leaks'],
    ]);
    expect(audit().map(({ action, detail }) => [action, detail])).toEqual([
      ['command.comment', { asset, comment: 'seal leaks' }],
      ['command.shelve', { asset, rule: 'hi', forMs: 5_400_000 }],
    ]);
  });

  it('say that they know no such asset', async () => {
    const { ask } = await start();
    for (const path of ['assets/nobody', 'assets/nobody/chart']) expect((await ask(path)).status, path).toBe(404);
    const answer = await ask('commands/acknowledge', { asset: 'nobody' });
    expect([answer.status, await answer.json()]).toMatchObject([404, { code: 'FETTLE_ASSET_UNKNOWN', detail: 'there is no asset nobody' }]);
  });
});

describe('commands over MQTT', () => {
  it('are in the audit log, as the claim they are; events say what was asked for', async (context) => {
    const broker = (await startMosquitto()) ?? context.skip();
    const { gateway, audit, journal } = await start({ alerts: { url: broker.url } });
    const client = await mqtt.connectAsync(broker.url, { protocolVersion: 5 });
    onTestFinished(() => client.endAsync(true));
    const heard: { topic: string; json: Record<string, unknown> }[] = [];
    client.on('message', (topic, payload) => heard.push({ topic, json: JSON.parse(payload.toString()) as Record<string, unknown> }));
    await client.subscribeAsync(['fettle/north/+/+/alarm/event', 'fettle/north/+/+/alarm', 'fettle/north/cmd/+/response'], { qos: 1 });
    await eventually(() => gateway.status().sinks.alerts?.sink.state === 'good', 'the broker is reached');
    const on = (end: string) => heard.filter(({ topic }) => topic.endsWith(end)).map(({ json }) => json);
    const say = async (verb: string, command: object) => {
      const before = on(`cmd/${verb}/response`).length;
      await client.publishAsync(`fettle/north/cmd/${verb}`, JSON.stringify(command), { qos: 1 });
      await eventually(() => on(`cmd/${verb}/response`).length > before, `${verb} is answered`);
      return on(`cmd/${verb}/response`).at(-1);
    };
    expect(await say('suppress', { asset, rule: 'hi', by: 'anna', comment: 'transmitter is out' })).toEqual({ ok: true });
    await eventually(() => on('/alarm/event').length === 1, 'the event');
    expect(on('/alarm/event')[0]).toMatchObject({
      rule: 'hi',
      verb: 'suppress',
      by: 'mqtt: anna',
      comment: 'transmitter is out',
      to: 'suppressedByDesign',
      about: null,
    });
    await eventually(
      () => /"state":"suppressedByDesign"/.test(JSON.stringify(on('/alarm').at(-1) ?? {})) && on('/alarm').at(-1)?.state === 'normal',
      'the retained state has it put away',
    );
    expect(await say('unsuppress', { asset, rule: 'hi' })).toEqual({ ok: true });
    expect(await say('outOfService', { asset, rule: 'hi', by: 'anna' })).toEqual({ ok: true });
    expect(await say('inService', { asset, rule: 'hi', by: 'anna' })).toEqual({ ok: true });
    expect(await say('comment', { asset, rule: 'hi', by: 'anna', comment: 'back' })).toEqual({ ok: true });
    expect(await say('planned', { asset, by: 'anna', from: '2026-03-01T06:00:00Z' })).toEqual({ ok: true });
    expect(await say('shelve', { asset: 'nobody' })).toMatchObject({ ok: false, error: { code: 'FETTLE_ASSET_UNKNOWN' } });
    await eventually(() => on('/alarm/event').length === 6, 'all events');
    expect(on('/alarm/event').map(({ verb, from, to }) => `${verb}: ${from} > ${to}`)).toEqual([
      'suppress: normal > suppressedByDesign',
      'unsuppress: suppressedByDesign > normal',
      'outOfService: normal > outOfService',
      'inService: outOfService > normal',
      'comment: normal > normal',
      'planned: normal > normal',
    ]);
    expect(on('/alarm/event').at(-1)?.about).toEqual({ from: '2026-03-01T06:00:00.000Z', to: null });
    expect((await journal()).map(({ by }) => by)).toEqual([
      'mqtt: anna',
      'mqtt: anna',
      'mqtt: anna',
      'mqtt: anna',
      'mqtt: unknown',
      'mqtt: anna',
    ]);
    expect(audit().map(({ who, from, action }) => [who, from, action])).toEqual([
      ['mqtt: anna', 'mqtt', 'command.suppress'],
      ['mqtt: unknown', 'mqtt', 'command.unsuppress'],
      ['mqtt: anna', 'mqtt', 'command.outOfService'],
      ['mqtt: anna', 'mqtt', 'command.inService'],
      ['mqtt: anna', 'mqtt', 'command.comment'],
      ['mqtt: anna', 'mqtt', 'command.planned'],
    ]);
    expect(audit()[0]?.detail).toEqual({ asset, rule: 'hi', comment: 'transmitter is out' });
    // For a time, it comes back by itself; nobody asked for that.
    expect(await say('shelve', { asset, rule: 'hi', for: '500ms', by: 'anna' })).toEqual({ ok: true });
    await eventually(() => on('/alarm/event').length === 8, 'it is back');
    expect(on('/alarm/event').slice(6)).toMatchObject([
      { verb: 'shelve', by: 'mqtt: anna', from: 'normal', to: 'shelved' },
      { verb: null, by: null, comment: null, from: 'shelved', to: 'normal' },
    ]);
    await client.endAsync(true);
    await broker.dispose();
  }, 30_000);
});

describe('a configuration that is taken over', () => {
  it('is in the audit log, with what changed', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'fettle.yaml');
    const write = (limit: number): void =>
      writeFileSync(
        file,
        JSON.stringify({
          ...configuration(),
          data: 'data',
          server: { listen: '127.0.0.1:0' },
          tags: { [`${asset}/flow`]: { limits: { hi: limit } } },
        }),
      );
    write(80);
    const service = await GatewayService.start(loadConfig(file, {}), { log: silentLogger });
    onTestFinished(() => service.stop());
    const data = temporaryDirectory();
    const server = await startServer(service.gateway, { data }, service);
    const { secret } = server.access.store.addToken('eve', 'engineer', new Date());
    write(70);
    const answer = await fetch(`${server.url}/api/v1/reload`, { method: 'POST', headers: { authorization: `Bearer ${secret}` } });
    expect(await answer.json()).toMatchObject({ applied: ['tags changed'] });
    expect(readAudit(readFileSync(auditFileOf(data), 'utf8')).entries.at(-1)).toMatchObject({
      who: 'eve',
      from: '127.0.0.1',
      action: 'configuration.reload',
      detail: { applied: ['tags changed'], needRestart: [] },
    });
  }, 30_000);
});
