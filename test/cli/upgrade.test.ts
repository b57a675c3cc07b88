import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { UpgradeReport } from '../../src/gateway/upgrade-report.ts';
import { schemaVersion } from '../../src/journal/schema.ts';
import { fettle, runFettle } from '../support/fettle.ts';
import { contentOf, oldConfiguration, oldData } from '../support/old-data.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const bundle = 'models/line1/press/0.0.1795446125';

interface Site {
  readonly file: string;
  readonly data: string;
}

function oldSite(): Site {
  const directory = temporaryDirectory();
  const file = join(directory, 'fettle.yaml');
  const data = oldData(join(directory, 'data'));
  writeFileSync(file, JSON.stringify({ server: { listen: '127.0.0.1:0' }, ...oldConfiguration(data, 'mqtt://127.0.0.1:1') }, null, 2));
  return { file, data };
}

/** Every file below with its content. */
const stateOf = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true })
      .map(String)
      .filter((name) => statSync(join(directory, name)).isFile())
      .sort()
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(directory, name)))
          .digest('hex'),
      ]),
  );

async function reportOf({ file }: Site): Promise<UpgradeReport & { readonly code: number }> {
  const { code, stdout } = await fettle('upgrade', 'check', '-c', file, '--json');
  return { ...(JSON.parse(stdout) as UpgradeReport), code };
}

const manifestOf = ({ data }: Site): Record<string, unknown> =>
  JSON.parse(readFileSync(join(data, bundle, 'manifest.json'), 'utf8')) as Record<string, unknown>;
const writeManifest = ({ data }: Site, manifest: object): void =>
  writeFileSync(join(data, bundle, 'manifest.json'), JSON.stringify(manifest));

describe('fettle upgrade check', () => {
  it('says what will happen to data of the version before, and touches nothing', async () => {
    const { file, data } = oldSite();
    const before = stateOf(data);
    const { code, stdout, stderr } = await fettle('upgrade', 'check', '-c', file);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(
      stdout
        .replace(/→ \d+\.\d+\.\d+/, '→ <version>')
        .replace(/of [\d.]+ \wB free/, 'of <n> free')
        .replaceAll(data, '<data>'),
    ).toBe(`\
an older Fettle → <version> on <data>

  ▲ data 1 → 2     adds a record of which version of Fettle opened the data, and when; nothing that is there is changed
  ● copy           about 197 kB are kept in <data>/before-upgrade/fettle-schema-1.db first, of <n> free; takes about a second
  ● configuration  every key is known to this version
  ● models         1 model in force: score here as they did where they were learnt
  ● state          alarms, windows and baselines go on where they are
  ● devices        what was learnt of 1 source is kept

Safe. Samples, results, what waits for sinks, models, users and the configuration files stay as they are.
To go back within 30 days: fettle upgrade undo, then the version before.
`);
    expect(stateOf(data)).toEqual(before);
  });

  it('reads data whose last changes stand in the log beside them, as after a kill', async () => {
    const site = oldSite();
    const database = new DatabaseSync(join(site.data, 'fettle.db'));
    database.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; BEGIN; CREATE TABLE x (y); PRAGMA user_version = 77; COMMIT');
    const report = await reportOf(site);
    expect(report).toMatchObject({ code: 1, fromSchema: 77, safe: false, copy: null });
    const killed = oldSite();
    for (const name of ['fettle.db', 'fettle.db-wal']) copyFileSync(join(site.data, name), join(killed.data, name));
    database.close();
    const before = stateOf(killed.data);
    expect(await reportOf(killed)).toMatchObject({ fromSchema: 77, state: 'kept' });
    expect(stateOf(killed.data)).toEqual(before);
    // What was not committed does not count: the log without its last frame.
    const log = readFileSync(join(killed.data, 'fettle.db-wal'));
    writeFileSync(join(killed.data, 'fettle.db-wal'), log.subarray(0, log.length - 8192 - 24));
    expect((await reportOf(killed)).fromSchema).toBe(1);
  });

  it('works while a gateway runs, and leaves it alone', async () => {
    const site = oldSite();
    const running = await runFettle(site.file);
    const report = await reportOf(site);
    expect(report).toMatchObject({
      code: 0,
      running: true,
      fromVersion: report.toVersion,
      fromSchema: schemaVersion,
      migrations: [],
      copy: null,
      models: [{ asset: 'line1/press', bundle, problem: null }],
      state: 'unknown',
    });
    expect(await fettle('upgrade', 'undo', '-c', site.file)).toMatchObject({ code: 1, stderr: expect.stringContaining('stop it first') });
    const status = await fettle('status', '-c', site.file);
    expect(status.stdout).toMatch(
      /upgrade +from an older version on \d{4}-\d\d-\d\d; the data as they were are kept until \d{4}-\d\d-\d\d/,
    );
    expect(await running.stop()).toBe(0);
    expect(existsSync(join(site.data, 'fettle.db-wal'))).toBe(false);
    expect(await reportOf(site)).toMatchObject({ code: 0, running: false, fromVersion: report.toVersion, state: 'kept' });
  }, 40_000);

  it('names keys this version does not know with their lines, and finds the data nevertheless', async () => {
    const site = oldSite();
    writeFileSync(site.file, readFileSync(site.file, 'utf8').replace('"alarm"', '"alert"'));
    const line =
      readFileSync(site.file, 'utf8')
        .split('\n')
        .findIndex((text) => text.includes('"alert"')) + 1;
    const { code, stdout } = await fettle('upgrade', 'check', '-c', site.file);
    expect(code).toBe(1);
    expect(stdout).toContain(`✗ configuration  ${site.file}:${line}:7: assets[0].alert: is not a key here`);
    expect(stdout).toContain('▲ data 1 → 2');
    expect(stdout).toContain('Something needs a person before this version is started');
    writeFileSync(site.file, 'data: [');
    expect(await fettle('upgrade', 'check', '-c', site.file)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--data DIRECTORY'),
    });
    expect(await fettle('upgrade', 'check', '-c', site.file, '--data', site.data)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('data 1 → 2'),
    });
  });

  it('names models that this version cannot use, whatever is wrong with them', async () => {
    const site = oldSite();
    const manifest = manifestOf(site);
    writeManifest(site, { ...manifest, minimumGatewayVersion: '99.1.0', cleverness: 2 });
    const newer = await reportOf(site);
    expect(newer.code).toBe(1);
    expect(newer.models[0]?.problem).toMatch(/was made by Fettle \d+\.\d+\.\d+ and needs 99\.1\.0 or newer; this is /);
    const golden = JSON.parse(readFileSync(join(site.data, bundle, 'golden.json'), 'utf8')) as { scores: number[] };
    const text = JSON.stringify({ ...golden, scores: golden.scores.map((score) => score * 1.5 + 1) });
    writeFileSync(join(site.data, bundle, 'golden.json'), text);
    const files = (manifest.files as { path: string }[]).map((entry) =>
      entry.path === 'golden.json'
        ? { path: entry.path, length: Buffer.byteLength(text), sha256: createHash('sha256').update(text).digest('hex') }
        : entry,
    );
    writeManifest(site, { ...manifest, files });
    const otherRuntime = await reportOf(site);
    expect(otherRuntime.code).toBe(1);
    expect(otherRuntime.models[0]?.problem).toMatch(/golden/);
  });

  it('says what will be made anew: a state of another version, devices', async () => {
    const site = oldSite();
    const database = new DatabaseSync(join(site.data, 'fettle.db'));
    database.exec(`UPDATE snapshots SET data = CAST(replace(CAST(data AS TEXT), '"version":1', '"version":2') AS BLOB)`);
    database.close();
    writeFileSync(join(site.data, 'sources', 'line%202.json'), '{"version":7}');
    const { code, stdout } = await fettle('upgrade', 'check', '-c', site.file);
    expect(code).toBe(0);
    expect(stdout).toContain('▲ state          alarms, windows and baselines are made anew from the journal; the first start takes longer');
    expect(stdout).toContain('▲ devices        what was learnt of the devices of line 2 is found out anew');
    expect(stdout).toContain('● models         1 model in force');
  });

  it('knows data of a newer version by who wrote them; there may be none at all', async () => {
    const site = oldSite();
    const database = new DatabaseSync(join(site.data, 'fettle.db'));
    database.exec(`CREATE TABLE versions (id INTEGER PRIMARY KEY, version TEXT NOT NULL, schema INTEGER NOT NULL, opened_ms REAL NOT NULL, extra TEXT);
      INSERT INTO versions VALUES (1, '9.0.0', 9, 1, 'x'); PRAGMA user_version = 9`);
    database.close();
    const { code, stdout } = await fettle('upgrade', 'check', '-c', site.file);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^Fettle 9\.0\.0 → /);
    expect(stdout).toContain('✗ data           of schema 9; this version knows 2 and will not start on them');
    expect(stdout).toContain('→ start Fettle 9.0.0, or go back to the data of before its upgrade: fettle upgrade undo');
    expect(await fettle('upgrade', 'check', '-c', site.file, '--data', join(site.data, 'nothing'))).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('there are none yet'),
    });
  });
});

describe('fettle upgrade undo', () => {
  it('puts the data back as they were; what came since is set aside', async () => {
    const site = oldSite();
    const database = join(site.data, 'fettle.db');
    const before = contentOf(database);
    const running = await runFettle(site.file);
    await running.stop();
    const newer = contentOf(database);
    expect(newer.schema).toBe(schemaVersion);
    const { code, stdout } = await fettle('upgrade', 'undo', '-c', site.file);
    expect(code).toBe(0);
    const [, aside = ''] = /What came since lies in (.*)/.exec(stdout) ?? [];
    expect(contentOf(database)).toEqual(before);
    expect(contentOf(aside)).toEqual(newer);
    // The copy stays: it may be needed twice.
    expect(await fettle('upgrade', 'undo', '-c', site.file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is of schema 1 already'),
    });
    expect((await reportOf(site)).safe).toBe(true);
  }, 40_000);

  it('says what else there is where nothing is kept', async () => {
    const site = oldSite();
    expect(await fettle('upgrade', 'undo', '-c', site.file)).toMatchObject({ code: 1, stderr: expect.stringContaining('fettle restore') });
  });
});
