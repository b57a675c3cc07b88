import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { root } from '../house/sources.ts';

const folder = join(root, 'grafana/provisioning');
const read = (path: string): string => readFileSync(join(folder, path), 'utf8');

it('data sources hold no password and no address, only where they come from', () => {
  for (const file of readdirSync(join(folder, 'datasources'))) {
    const { apiVersion, datasources } = parse(read(`datasources/${file}`)) as {
      apiVersion: number;
      datasources: {
        uid: string;
        type: string;
        url: string;
        user?: string;
        secureJsonData?: Record<string, string>;
        jsonData: Record<string, string>;
      }[];
    };
    expect(apiVersion).toBe(1);
    for (const { uid, type, url, user, secureJsonData = {}, jsonData } of datasources) {
      expect(uid).toMatch(/^fettle[a-z-]*$/);
      expect(['influxdb', 'prometheus']).toContain(type);
      for (const value of [url, ...(user === undefined ? [] : [user]), ...Object.values(secureJsonData)])
        expect(value).toMatch(/^\$\{[A-Z_]+\}$/);
      if (type === 'influxdb') expect(jsonData).toMatchObject({ version: 'InfluxQL', dbName: '${INFLUXDB_DATABASE}' });
    }
  }
});

it('dashboards come from one folder, whose subfolders become theirs', () => {
  const { providers } = parse(read('dashboards/fettle.yaml')) as {
    providers: { type: string; options: { path: string; foldersFromFilesStructure: boolean } }[];
  };
  expect(providers).toMatchObject([{ type: 'file', options: { path: '/var/lib/grafana/dashboards', foldersFromFilesStructure: true } }]);
  expect(readdirSync(join(root, 'grafana/dashboards')).sort()).toEqual(['influxql', 'promql']);
});

it('the guide names every dashboard, every variable and every rule file there is', () => {
  const guide = readFileSync(join(root, 'docs/guides/grafana.md'), 'utf8');
  for (const family of ['influxql', 'promql'])
    for (const file of readdirSync(join(root, 'grafana/dashboards', family))) {
      const { title } = JSON.parse(readFileSync(join(root, 'grafana/dashboards', family, file), 'utf8')) as { title: string };
      expect(guide).toContain(title.replace(' (PromQL)', ''));
    }
  const used = new Set(
    [
      ...readdirSync(join(folder, 'datasources'))
        .map((file) => read(`datasources/${file}`))
        .join('\n')
        .matchAll(/\$\{([A-Z_]{3,})\}/g),
    ].map(([, name]) => name as string),
  );
  for (const name of used) if (name !== 'NAME') expect(guide).toContain(name);
  for (const file of readdirSync(join(root, 'packaging/prometheus'))) expect(guide).toContain(file);
});
