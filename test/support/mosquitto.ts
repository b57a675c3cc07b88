import { execFileSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MessageWitness } from './message-witness.ts';
import { freePort, listens, type Peer, PeerProcess, peerOf, temporaryFolder } from './peer-process.ts';
import { requirePeer } from './peers.ts';

export interface MosquittoOptions {
  /** Further lines of mosquitto.conf: `max_inflight_messages 1`, `persistence true`, `cafile …`, `acl_file …`. */
  readonly config?: readonly string[];
  /** Files to put into the server's folder first; `{folder}` in `config` stands for that folder. */
  readonly files?: Readonly<Record<string, string>>;
  readonly anonymous?: boolean;
  readonly port?: number;
  /** False where the test itself writes what no gateway would; else every message below `fettle/` is held against its JSON Schema, and `dispose` rejects. */
  readonly witness?: boolean;
}

export interface Mosquitto extends Peer {
  readonly url: string;
  readonly port: number;
}

/** The text of a password file with these accounts; undefined where mosquitto is not installed. */
export async function passwordFile(accounts: Readonly<Record<string, string>>): Promise<string | undefined> {
  const path = requirePeer('mosquitto_passwd');
  if (path === undefined) return undefined;
  const file = join(await temporaryFolder('accounts'), 'accounts');
  await writeFile(file, '', { mode: 0o600 });
  for (const [name, password] of Object.entries(accounts)) execFileSync(path, ['-b', file, name, password], { stdio: 'pipe' });
  const text = await readFile(file, 'utf8');
  await rm(dirname(file), { recursive: true });
  return text;
}

/** Starts the real broker on a port of its own; undefined where it is not installed. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto | undefined> {
  const path = requirePeer('mosquitto');
  if (!path) return undefined;
  const folder = await temporaryFolder('mosquitto');
  const port = options.port ?? (await freePort());
  for (const [name, text] of Object.entries(options.files ?? {})) await writeFile(join(folder, name), text);
  const lines = [
    `listener ${port} 127.0.0.1`,
    `allow_anonymous ${options.anonymous ?? true}`,
    'set_tcp_nodelay true',
    'log_type error',
    'log_type warning',
    'log_type notice',
    // Started as root it would drop to the user mosquitto, who cannot read our folder.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    `persistence_location ${folder}/`,
    ...(options.config ?? []).map((line) => line.replaceAll('{folder}', folder)),
  ];
  await writeFile(join(folder, 'mosquitto.conf'), `${lines.join('\n')}\n`);
  const server = new PeerProcess('mosquitto', path, ['-c', join(folder, 'mosquitto.conf')], folder, () => listens(port));
  const peer = await peerOf(server);
  const url = `mqtt://127.0.0.1:${port}`;
  const open = options.anonymous !== false && !lines.some((line) => /^(cafile|password_file|acl_file)/.test(line));
  const witness = open && options.witness !== false ? new MessageWitness(url) : undefined;
  const dispose = (): Promise<void> => (witness === undefined ? peer.dispose() : witness.end().finally(() => peer.dispose()));
  return { ...peer, dispose, url, port };
}
