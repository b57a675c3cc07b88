import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, type Peer, PeerProcess, peerOf, temporaryFolder } from './peer-process.ts';
import { requirePeer } from './peers.ts';

export interface InfluxdOptions {
  /** Lines for the `[http]` section: `auth-enabled = true`, `max-body-size = 100000`. */
  readonly http?: readonly string[];
}

export interface Influxd extends Peer {
  readonly url: string;
  readonly port: number;
  /** Runs InfluxQL; one record a row, the tags of `GROUP BY` among its keys, `time` in nanoseconds as text. */
  query(database: string, influxql: string): Promise<Record<string, unknown>[]>;
  /** The bare `/write`, for comparison. */
  write(database: string, lines: string): Promise<{ status: number; text: string }>;
}

/** Starts the real InfluxDB 1.6 with its own config, folder and ports; undefined where it is not installed. */
export async function startInfluxd(options: InfluxdOptions = {}): Promise<Influxd | undefined> {
  const path = requirePeer('influxd');
  if (!path) return undefined;
  const folder = await temporaryFolder('influxd');
  const [port, backupPort] = [await freePort(), await freePort()];
  const config = `reporting-disabled = true
bind-address = "127.0.0.1:${backupPort}"
[meta]
dir = "${folder}/meta"
logging-enabled = false
[data]
dir = "${folder}/data"
wal-dir = "${folder}/wal"
query-log-enabled = false
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:${port}"
log-enabled = false
${(options.http ?? []).join('\n')}
[subscriber]
enabled = false
[continuous_queries]
enabled = false
`;
  const file = join(folder, 'influxdb.conf');
  await writeFile(file, config);
  const url = `http://127.0.0.1:${port}`;
  const ready = async () => (await fetch(`${url}/ping`)).status === 204;
  const server = new PeerProcess('influxd', path, ['run', '-config', file], folder, ready);
  return {
    ...(await peerOf(server)),
    url,
    port,
    query: (database, influxql) => query(url, database, influxql),
    write: async (database, lines) => {
      const answer = await fetch(`${url}/write?db=${encodeURIComponent(database)}&precision=ns`, { method: 'POST', body: lines });
      return { status: answer.status, text: await answer.text() };
    },
  };
}

interface QueryAnswer {
  results?: { error?: string; series?: { tags?: Record<string, string>; columns: string[]; values?: unknown[][] }[] }[];
  error?: string;
}

async function query(url: string, database: string, influxql: string): Promise<Record<string, unknown>[]> {
  const response = await fetch(`${url}/query?db=${encodeURIComponent(database)}&epoch=ns`, {
    method: 'POST',
    body: new URLSearchParams({ q: influxql }),
  });
  // Nanoseconds do not fit a double: keep long integers as text.
  const text = (await response.text()).replace(/([[,])(-?\d{16,})(?=[,\]])/g, '$1"$2"');
  const answer = JSON.parse(text) as QueryAnswer;
  const error = answer.error ?? answer.results?.[0]?.error;
  if (error) throw new Error(`${influxql}: ${error}`);
  const rows: Record<string, unknown>[] = [];
  for (const series of answer.results?.[0]?.series ?? []) {
    for (const values of series.values ?? []) {
      rows.push({ ...series.tags, ...Object.fromEntries(series.columns.map((column, index) => [column, values[index]])) });
    }
  }
  return rows;
}
