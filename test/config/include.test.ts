import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config/load.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const source = (id: string, tag: string): string =>
  `  - { id: ${id}, type: modbus, url: tcp://127.0.0.1:502, tags: [{ tag: ${tag}, table: holdingRegister, address: 0, type: int16 }] }\n`;
const main = `site: north
include: [shared.yaml, lines/*.yaml]
sources:
${source('main', 'hall/temp')}
assets:
  - { id: hall, tags: [hall/temp] }
`;

function written(files: Record<string, string>): string {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'lines'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

function problemsOf(directory: string): string[] {
  try {
    loadConfig(join(directory, 'fettle.yaml'), {});
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map(({ file, line, message }) => `${file.slice(directory.length + 1)}:${line} ${message}`);
    throw error;
  }
  return [];
}

describe('a configuration in several files', () => {
  const line = (n: number): string =>
    `sources:\n${source(`plc${n}`, `line${n}/flow`)}assets:\n  - { id: line${n}, tags: [line${n}/flow], detector: { model: models/m } }\ntags:\n  line${n}/flow: { limits: { hi: 5 } }\n`;

  it('is one; files and secrets are meant from where they are written', () => {
    const shared = 'sinks: [{ id: cloud, type: influxdb, url: http://127.0.0.1:8086, bucket: x, org: y, token: "${file:token.txt}" }]\n';
    const directory = written({
      'fettle.yaml': main,
      'shared.yaml': '{}\n',
      'lines/b.yaml': line(2),
      'lines/a.yaml': line(1),
      'unused.yaml': shared,
    });
    const { config, files } = loadConfig(join(directory, 'fettle.yaml'), {});
    expect(config.sources.map(({ id }) => id)).toEqual(['main', 'plc1', 'plc2']);
    expect(config.assets.map(({ id }) => id)).toEqual(['hall', 'line1', 'line2']);
    expect(config.tags['line2/flow']?.limits).toEqual({ hi: 5 });
    expect(config.assets[1]?.detector?.model).toBe(join(directory, 'lines/models/m'));
    expect(config.data).toBe(join(directory, 'data'));
    expect(files.map((file) => file.slice(directory.length + 1))).toEqual(['fettle.yaml', 'shared.yaml', 'lines/a.yaml', 'lines/b.yaml']);
    expect(loadConfig(join(directory, 'fettle.yaml'), { FETTLE_CONFIG_DATA: './elsewhere' }).config.data).toBe(
      join(directory, 'elsewhere'),
    );
  });

  it('tells a problem with the file and line it stands in', () => {
    const spoilt = line(1).replace('address: 0', 'address: -1');
    const directory = written({
      'fettle.yaml': main,
      'shared.yaml': '{}',
      'lines/a.yaml': spoilt,
      'lines/b.yaml': line(2).replace('id: line2,', ''),
    });
    expect(problemsOf(directory)).toEqual([
      expect.stringMatching(/^lines\/a\.yaml:2 /),
      expect.stringMatching(/^lines\/b\.yaml:4 is missing/),
    ]);
    const twice = written({ 'fettle.yaml': main, 'shared.yaml': '{}', 'lines/a.yaml': line(1), 'lines/b.yaml': line(1) });
    expect(problemsOf(twice)).toEqual(['lines/b.yaml:6 "line1/flow" has settings in another file already']);
    const stray = written({ 'fettle.yaml': main, 'shared.yaml': 'site: south\n', 'lines/a.yaml': line(1) });
    expect(problemsOf(stray)).toEqual([expect.stringMatching(/^shared\.yaml:1 site stands in .*fettle\.yaml/)]);
    const broken = written({ 'fettle.yaml': main, 'shared.yaml': 'tags: [\n', 'lines/a.yaml': line(1) });
    expect(problemsOf(broken)[0]).toMatch(/^shared\.yaml:\d /);
    const missing = written({ 'fettle.yaml': main });
    expect(problemsOf(missing)).toEqual([expect.stringMatching(/^fettle\.yaml:2 there is no file .*shared\.yaml$/)]);
  });
});
