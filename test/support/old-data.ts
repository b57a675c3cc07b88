import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';

/**
 * A data directory as the version before wrote it (test/journal/cases/schema-1, see its README): 1590 samples of a press in 194 segments, a model it learnt, two alarms that stand,
 * and everything waiting for a sink nobody answers for.
 */
export function oldData(directory: string): string {
  const packed = gunzipSync(readFileSync(join(import.meta.dirname, '../journal/cases/schema-1/data.json.gz')));
  for (const [name, content] of Object.entries(JSON.parse(packed.toString()) as Record<string, string>)) {
    const file = join(directory, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, Buffer.from(content, 'base64'));
  }
  return directory;
}

/** What stands in its configuration. */
export const oldConfiguration = (data: string, url: string): object => ({
  site: 'north',
  data,
  sources: [
    {
      id: 'plant',
      type: 'mqtt',
      url,
      qos: 1,
      topics: [
        {
          topic: 'plant/press',
          time: { path: '$.ts' },
          tags: { 'line1/press/running': '$.running', 'line1/press/a': '$.a', 'line1/press/b': '$.b' },
        },
      ],
    },
  ],
  tags: { 'line1/press/a': { limits: { hi: 1000 } } },
  assets: [
    {
      id: 'line1/press',
      tags: ['line1/press/a', 'line1/press/b'],
      window: { step: '100ms', length: 16, allowedLateness: '0s' },
      running: { when: 'line1/press/running == 1' },
      detector: { learn: { provisional: '30s', established: '1d' } },
      alarm: { notWatchedAfter: '1d' },
    },
  ],
  sinks: [{ id: 'cloud', type: 'influxdb', url: 'http://127.0.0.1:9', database: 'fettle', send: ['scores', 'alarms', 'samples'] }],
});

export const tables = [
  'names',
  'segments',
  'scores',
  'invalid_windows',
  'transitions',
  'outbox',
  'quarantine',
  'snapshots',
  'counters',
] as const;

/** Everything in a database that schema 1 has too, row by row; throws where the file is not whole. */
export function contentOf(file: string): { readonly schema: number; readonly rows: Record<string, unknown[]> } {
  const database = new DatabaseSync(file);
  try {
    const said = database.prepare('PRAGMA integrity_check').all();
    if (JSON.stringify(said) !== '[{"integrity_check":"ok"}]') throw new Error(`${file} is damaged: ${JSON.stringify(said)}`);
    const { user_version: schema } = database.prepare('PRAGMA user_version').get() as { user_version: number };
    return {
      schema,
      rows: Object.fromEntries(tables.map((table) => [table, database.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all()])),
    };
  } finally {
    database.close();
  }
}
