import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { isNewer } from '../../src/core/gateway-version.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { readFacts, unpackBackup } from '../../src/gateway/backup.ts';
import { backupAtRest } from '../../src/gateway/backup-of.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { readSavedFold } from '../../src/gateway/saved-fold.ts';
import { schemaVersion } from '../../src/journal/schema.ts';
import { modbusSource } from '../../src/sources/modbus/index.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { contentOf, oldConfiguration, oldData } from '../support/old-data.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const asset = 'line1/press';
const bundle = 'models/line1/press/0.0.1795446125';
const nobody = 'mqtt://127.0.0.1:1';

const start = (data: string): Promise<Gateway> => startGateway(oldConfiguration(data, nobody));
const standing = (gateway: Gateway): string[] =>
  gateway.status().assets[0]?.alarms.map(({ rule, tag, state }) => `${rule} ${tag} ${state}`) ?? [];
const waiting = (gateway: Gateway): string => {
  const lanes = gateway.status().sinks.cloud?.delivery.lanes;
  return `${lanes?.results.points} ${lanes?.samples.points}`;
};
const asItWas = [`anomaly null unacknowledged`, `hi ${asset}/a unacknowledged`];

function inDatabase(data: string, change: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(join(data, 'fettle.db'));
  change(database);
  database.close();
}

function snapshotOf(data: string) {
  const database = new DatabaseSync(join(data, 'fettle.db'));
  const { data: bytes } = database.prepare('SELECT data FROM snapshots').get() as { data: Uint8Array };
  database.close();
  return readSavedFold(bytes);
}

describe('a gateway on data of the version before', () => {
  it('goes on where that one was: alarms, model, what waits, history', async () => {
    const data = oldData(temporaryDirectory());
    const gateway = await start(data);
    expect(standing(gateway)).toEqual(expect.arrayContaining(asItWas));
    expect(gateway.status().assets[0]?.sequence).toBeGreaterThanOrEqual(2);
    expect(gateway.models.learner.all()[asset]?.stage).toBe('provisional');
    expect(gateway.counters.recoveredSegments).toBe(0);
    await eventually(() => waiting(gateway) === '53 1590', 'what waits is counted');
    let kept = 0;
    for await (const { value } of gateway.history({ fromMs: 0, toMs: Number.MAX_SAFE_INTEGER })) kept += value.length;
    expect(kept).toBe(1590);
    expect(gateway.status().journal.upgraded).toMatchObject({
      fromVersion: null,
      copy: join(data, 'before-upgrade', 'fettle-schema-1.db'),
    });
  });

  it('whose saved state it cannot read makes it anew from the journal', async () => {
    const data = oldData(temporaryDirectory());
    inDatabase(data, (database) =>
      database.exec(`UPDATE snapshots SET data = CAST(replace(CAST(data AS TEXT), '"version":1', '"version":2') AS BLOB);
        UPDATE transitions SET sequence = sequence + 40`),
    );
    const gateway = await start(data);
    expect(gateway.counters.recoveredSegments).toBe(194);
    expect(standing(gateway)).toEqual(expect.arrayContaining(asItWas));
    // More had happened than the journal still holds: who listens must not see the count go back.
    expect(gateway.status().assets[0]?.sequence).toBeGreaterThanOrEqual(42);
    expect(gateway.models.learner.all()[asset]?.stage).toBe('provisional');
    // It was all heard before: nothing is raised or sent a second time.
    await eventually(() => waiting(gateway) === '53 1590', 'what waits is counted');
    await gateway.stop();
    const again = await start(data);
    expect(again.counters.recoveredSegments).toBe(0);
    expect(standing(again)).toEqual(expect.arrayContaining(asItWas));
  });

  it('whose saved state only looks right makes it anew too', async () => {
    const data = oldData(temporaryDirectory());
    inDatabase(data, (database) => {
      const { data: bytes } = database.prepare('SELECT data FROM snapshots').get() as { data: Uint8Array };
      const state = JSON.parse(Buffer.from(bytes).toString()) as { alarms: Record<string, unknown> };
      database
        .prepare('UPDATE snapshots SET data = ?')
        .run(Buffer.from(JSON.stringify({ ...state, alarms: { [asset]: { sequence: 9 } } })));
    });
    const gateway = await start(data);
    expect(gateway.counters.recoveredSegments).toBe(194);
    expect(standing(gateway)).toEqual(expect.arrayContaining(asItWas));
    expect(gateway.models.learner.all()[asset]?.stage).toBe('provisional');
  });

  it('whose model needs another version does not forget it', async () => {
    const data = oldData(temporaryDirectory());
    const file = join(data, bundle, 'manifest.json');
    const manifest = readFileSync(file, 'utf8');
    writeFileSync(file, manifest.replace(/"minimumGatewayVersion": ?"[^"]+"/, '"minimumGatewayVersion":"99.0.0"'));
    const messages: string[] = [];
    const log = { ...silentLogger, error: (_: object, message: string) => void messages.push(message) };
    const without = await startGateway(oldConfiguration(data, nobody), { log: { ...log, child: () => log } });
    expect(messages).toContainEqual(
      expect.stringMatching(/^the model of line1\/press cannot be used: .* needs 99\.0\.0 or newer; this is/),
    );
    expect(without.models.learner.all()[asset]?.stage).toBe('none');
    await without.stop();
    expect(snapshotOf(data).bundles[asset]?.bundle).toBe(bundle);
    writeFileSync(file, manifest);
    const back = await start(data);
    expect(back.models.learner.all()[asset]?.stage).toBe('provisional');
  });
});

it('a backup of data at rest keeps the schema they have, and is upgraded where it is restored', async () => {
  const directory = temporaryDirectory();
  const data = oldData(join(directory, 'data'));
  const file = join(directory, 'fettle.yaml');
  const text = JSON.stringify({ server: { listen: '127.0.0.1:0' }, ...oldConfiguration('./data', nobody) });
  writeFileSync(file, text);
  const before = contentOf(join(data, 'fettle.db'));
  const facts = await backupAtRest(join(directory, 'kept'), parseConfig(text, file, {}), '0.2.0');
  expect(facts).toMatchObject({ schema: 1 });
  expect(readFacts(join(directory, 'kept')).schema).toBe(1);
  expect(contentOf(join(data, 'fettle.db'))).toEqual(before);
  const restored = unpackBackup(join(directory, 'kept'), join(directory, 'elsewhere'));
  expect(contentOf(join(restored.data, 'fettle.db'))).toEqual(before);
  const gateway = await start(restored.data);
  expect(standing(gateway)).toEqual(expect.arrayContaining(asItWas));
  await gateway.stop();
  expect(contentOf(join(restored.data, 'fettle.db')).schema).toBe(schemaVersion);
});

it('what a newer version learnt of devices is found out anew', () => {
  const saved = { version: 1, idleMs: 0, units: {} };
  expect(modbusSource.readsMemory(saved)).toBe(true);
  expect(modbusSource.readsMemory({ ...saved, version: 2 })).toBe(false);
  expect(modbusSource.readsMemory({ ...saved, units: { 1: { lengths: {}, cuts: [], gapMs: 0, temper: 'bad' } } })).toBe(false);
});

it('versions are compared by their numbers', () => {
  const later = [
    ['0.10.0', '0.9.3'],
    ['1.0.0', '0.99.99'],
    ['1.2.4', '1.2.3'],
    ['1.0.0', 'no version'],
  ] as const;
  for (const [a, b] of later) expect([isNewer(a, b), isNewer(b, a)]).toEqual([true, false]);
  expect(isNewer('1.2.3', '1.2.3-beta.1')).toBe(false);
});
