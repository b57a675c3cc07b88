import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import mqtt from 'mqtt';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { renderTags } from '../../src/cli/tags.ts';
import { loadConfig } from '../../src/config/load.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { readFacts, unpackBackup } from '../../src/gateway/backup.ts';
import { backupAtRest } from '../../src/gateway/backup-of.ts';
import { GatewayService } from '../../src/gateway/service.ts';
import { storageForecast } from '../../src/gateway/storage-forecast.ts';
import { Journal } from '../../src/journal/journal.ts';
import { eventually } from '../support/eventually.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const fettleYaml = (url: string, more = ''): string => `site: north
server: { listen: "127.0.0.1:0" }
include: [more.yaml]
sources:
  - { id: plant, type: mqtt, url: "${url}", qos: 1, topics: [{ topic: plant/press, time: { path: $.ts }, tags: { press/flow: $.flow } }] }
assets:
  - { id: press, tags: [press/flow], window: { step: 1s } }
${more}`;

async function site(context: TestContext) {
  const mosquitto = (await startMosquitto()) ?? context.skip();
  onTestFinished(() => mosquitto.dispose());
  const directory = temporaryDirectory();
  const file = join(directory, 'fettle.yaml');
  writeFileSync(file, fettleYaml(mosquitto.url));
  writeFileSync(join(directory, 'more.yaml'), '{}\n');
  const start = async (at = file): Promise<GatewayService> => {
    const service = await GatewayService.start(loadConfig(at, {}), { log: silentLogger });
    onTestFinished(() => service.stop());
    await eventually(() => service.gateway.status().sources.plant?.state === 'good', 'the source is connected');
    return service;
  };
  const client = await mqtt.connectAsync(mosquitto.url, { protocolVersion: 5 });
  onTestFinished(() => client.endAsync(true));
  const startMs = Date.now() - 600_000;
  const publish = (i: number): Promise<unknown> =>
    client.publishAsync('plant/press', JSON.stringify({ ts: startMs + i * 100, flow: i }), { qos: 1 });
  return { mosquitto, directory, file, start, publish };
}

const samplesOf = async ({ gateway }: GatewayService): Promise<number[]> => {
  const values: number[] = [];
  for await (const batch of gateway.history({ fromMs: 0, toMs: Number.MAX_SAFE_INTEGER })) values.push(...(batch.value as number[]));
  return values.sort((a, b) => a - b);
};

describe('a changed configuration', () => {
  it('is taken over while samples come in, and none is lost or kept twice', async (context) => {
    const { mosquitto, file, start, publish } = await site(context);
    const service = await start();
    const rows = 400;
    const sent = (async () => {
      for (let i = 0; i < rows; i++) {
        await publish(i);
        if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    await eventually(() => service.gateway.counters.samples > 50, 'samples');
    writeFileSync(file, fettleYaml(mosquitto.url, 'tags:\n  press/flow: { limits: { hi: 1000 } }\n'));
    const reloaded = await service.reload();
    expect(reloaded).toMatchObject({ applied: ['tags changed'], needRestart: [] });
    expect(reloaded.pauseMs).toBeGreaterThan(0);
    await sent;
    await eventually(async () => (await samplesOf(service)).length >= rows, 'all samples are there', 20_000);
    expect(await samplesOf(service)).toEqual(Array.from({ length: rows }, (_, i) => i));
    await publish(2000);
    await eventually(() => service.gateway.status().assets[0]?.alarms.length === 0, 'it goes on');
  }, 40_000);

  it('that is wrong or does not start leaves the old one in force', async (context) => {
    const { mosquitto, file, start, publish } = await site(context);
    const service = await start();
    expect(await service.reload()).toEqual({ applied: [], needRestart: [], pauseMs: 0 });
    writeFileSync(file, fettleYaml(mosquitto.url, 'nonsense: true\n'));
    await expect(service.reload()).rejects.toThrow('nonsense');
    writeFileSync(file, fettleYaml(mosquitto.url, 'data: ./elsewhere\n'));
    expect(await service.reload()).toEqual({ applied: [], needRestart: ['data'], pauseMs: 0 });
    const before = service.gateway.counters.samples;
    await publish(1);
    await eventually(() => service.gateway.counters.samples > before, 'samples go on');
  }, 30_000);
});

describe('what a person looks up', () => {
  it('every tag as it is now, also those that never came, and how far the history will reach', async (context) => {
    const { start, publish } = await site(context);
    const { gateway } = await start();
    expect(gateway.tags()).toMatchObject([
      { tag: 'press/flow', severity: 'waiting', value: null, ageMs: null, source: 'plant', assets: ['press'] },
    ]);
    await publish(3);
    await publish(7);
    await eventually(() => gateway.tags()[0]?.samples === 2, 'two samples');
    const [flow] = gateway.tags();
    expect(flow).toMatchObject({ value: 7, quality: 'good', source: 'plant' });
    expect(flow?.ageMs).toBeGreaterThan(590_000);
    expect(renderTags(gateway.tags(), (_, text) => text)).toMatch(/^tag .*\npress\/flow +7 +good +10 min +2 +plant\n$/);
    const storage = await gateway.storage();
    expect(storage).toMatchObject({ bytesPerDay: null, bound: null });
    expect(storage.bytes).toBeGreaterThan(10_000);
  }, 20_000);

  it('the forecast follows from what has come', async (context) => {
    const { start, directory } = await site(context);
    const service = await start();
    await service.stop();
    const database = new DatabaseSync(join(directory, 'data/fettle.db'));
    const insert = database.prepare('INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?)');
    const nowMs = Date.now();
    database.exec('BEGIN');
    for (let minute = 0; minute < 2880; minute++) {
      const at = nowMs - minute * 60_000;
      insert.run(1000 + 2880 - minute, at, at - 60_000, at, 600, new Uint8Array(10_000));
    }
    database.exec('COMMIT');
    database.close();
    const data = join(directory, 'data');
    const limits = { maxBytes: 2e9, maxAge: 30 * 86_400_000 };
    const journal = await Journal.open({ directory: data, maxBytes: limits.maxBytes, maxAgeMs: limits.maxAge });
    onTestFinished(() => journal.close());
    const { bytesPerDay, samplesPerDay, daysOfHistory, bound } = await storageForecast(journal, limits, data);
    expect(samplesPerDay).toBeCloseTo(864_000, -4);
    expect(bytesPerDay).toBeGreaterThan(1440 * 10_000);
    expect(bytesPerDay).toBeLessThan(1440 * 20_000);
    expect({ bound, daysOfHistory }).toEqual({ bound: 'maxAge', daysOfHistory: 30 });
    const tight = await storageForecast(journal, { ...limits, maxBytes: 100e6 }, data);
    expect(tight.bound).toBe('maxBytes');
    expect(tight.daysOfHistory).toBeCloseTo(100e6 / (bytesPerDay as number), 5);
  }, 20_000);
});

describe('a backup', () => {
  it('of a gateway that runs brings another machine to where it was', async (context) => {
    const { directory, file, start, publish } = await site(context);
    mkdirSync(join(directory, 'data/models/press'), { recursive: true });
    writeFileSync(join(directory, 'data/models/press/note.txt'), 'a model');
    mkdirSync(join(directory, 'data/sources'));
    writeFileSync(join(directory, 'data/sources/plc.json'), '{}');
    const service = await start();
    for (let i = 0; i < 100; i++) await publish(i);
    await eventually(async () => (await samplesOf(service)).length === 100, 'samples are kept');
    const backup = join(temporaryDirectory(), 'north.fettle');
    const facts = await service.gateway.backup(backup);
    expect(facts).toMatchObject({ site: 'north', config: 'fettle.yaml', files: 4, left: [] });
    expect(statSync(backup).mode & 0o077).toBe(0);
    await expect(service.gateway.backup(backup)).rejects.toMatchObject({ code: 'FETTLE_BACKUP_FAILED' });
    await publish(100);
    await service.stop();
    await expect(backupAtRest(backup, loadConfig(file, {}), '0')).rejects.toThrow('is there already');
    const second = await backupAtRest(`${backup}2`, loadConfig(file, {}), '0');
    expect(second.site).toBe('north');

    const spare = temporaryDirectory();
    const { config, data } = unpackBackup(backup, spare);
    expect(readFileSync(join(data, 'models/press/note.txt'), 'utf8')).toBe('a model');
    expect(existsSync(join(data, 'sources/plc.json'))).toBe(true);
    const restored = await start(config);
    expect(await samplesOf(restored)).toEqual(expect.arrayContaining(Array.from({ length: 100 }, (_, i) => i)));
    expect(() => unpackBackup(backup, spare)).toThrow('is there already');
  }, 40_000);

  it('that is none, or of a newer version, is refused and leaves nothing behind', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'x');
    expect(() => readFacts(file)).toThrow('there is no file');
    writeFileSync(file, 'no database');
    expect(() => unpackBackup(file, join(directory, 'to'))).toThrow('is not a backup');
    expect(existsSync(join(directory, 'to'))).toBe(false);
  });
});
