import { writeFile } from 'node:fs/promises';
import { freePort, type Peer, PeerProcess, peerOf, temporaryFolder } from './peer-process.ts';
import { requirePeer } from './peers.ts';
import { type ScrapeTarget, scrapeConfig } from './prometheus.ts';

export interface VictoriaMetrics extends Peer {
  readonly url: string;
  /** Every stored sample of the series that match, e.g. `{__name__="fettle_sample_value"}`. */
  exportSeries(match: string): Promise<{ metric: Record<string, string>; values: number[]; timestamps: number[] }[]>;
}

/**
 * Starts the real VictoriaMetrics, which drops duplicates within a millisecond; undefined where it is not installed. `scrape`: what it
 * fetches by itself, as for Prometheus.
 */
export async function startVictoriaMetrics(scrape?: ScrapeTarget): Promise<VictoriaMetrics | undefined> {
  const path = requirePeer('victoria-metrics');
  if (!path) return undefined;
  const folder = await temporaryFolder('victoria-metrics');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [
    `-storageDataPath=${folder}/data`,
    `-httpListenAddr=127.0.0.1:${port}`,
    '-retentionPeriod=100y',
    '-dedup.minScrapeInterval=1ms',
    '-search.latencyOffset=0s',
    '-memory.allowedBytes=200000000',
  ];
  if (scrape !== undefined) {
    await writeFile(`${folder}/scrape.yml`, scrapeConfig(scrape));
    args.push(`-promscrape.config=${folder}/scrape.yml`);
  }
  const ready = async () => (await fetch(`${url}/health`)).status === 200;
  const server = new PeerProcess('victoria-metrics', path, args, folder, ready);
  return {
    ...(await peerOf(server)),
    url,
    exportSeries: async (match) => {
      // Fresh samples are searchable only after a flush.
      await fetch(`${url}/internal/force_flush`);
      const response = await fetch(`${url}/api/v1/export?${new URLSearchParams({ 'match[]': match, start: '0', end: '4102444800' })}`);
      const lines = (await response.text()).split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as { metric: Record<string, string>; values: number[]; timestamps: number[] });
    },
  };
}
