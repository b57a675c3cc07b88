import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, type Peer, PeerProcess, peerOf, temporaryFolder } from './peer-process.ts';
import { requirePeer } from './peers.ts';

/** Whom to scrape, as a `scrape_configs` list in YAML. */
export interface ScrapeTarget {
  /** host:port */
  readonly target: string;
  /** File that holds the token; it may come later. */
  readonly tokenFile: string;
}

/** Every second, with the token as bearer; the job is called `fettle`. */
export const scrapeConfig = ({ target, tokenFile }: ScrapeTarget): string => `scrape_configs:
  - job_name: fettle
    scrape_interval: 1s
    scrape_timeout: 1s
    authorization: { credentials_file: '${tokenFile}' }
    static_configs: [{ targets: ['${target}'] }]
`;

export interface Prometheus extends Peer {
  readonly url: string;
}

/** Starts the real Prometheus with its own storage, and a file of rules; undefined where it is not installed. */
export async function startPrometheus(scrape: ScrapeTarget, rules?: string): Promise<Prometheus | undefined> {
  const path = requirePeer('prometheus');
  if (!path) return undefined;
  const folder = await temporaryFolder('prometheus');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = join(folder, 'prometheus.yml');
  const head = rules === undefined ? '' : `global: { evaluation_interval: 1s }\nrule_files: ['${rules}']\n`;
  await writeFile(config, head + scrapeConfig(scrape));
  const args = [`--config.file=${config}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`];
  const ready = async () => (await fetch(`${url}/-/ready`)).status === 200;
  return { ...(await peerOf(new PeerProcess('prometheus', path, args, folder, ready))), url };
}
