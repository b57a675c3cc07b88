import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './peer-process.ts';
import { requirePeer } from './peers.ts';

export interface Certificates {
  readonly folder: string;
  /** `ca.pem`, `server.pem`, `server.key`, `client.pem`, `client.key`; `stranger.*` are signed by nobody known. */
  path(file: string): string;
  read(file: string): Buffer;
}

/** An authority with a server (plc.test) and a client, by openssl; undefined where it is not installed. */
export async function makeCertificates(): Promise<Certificates | undefined> {
  const openssl = requirePeer('openssl');
  if (openssl === undefined) return undefined;
  const folder = await temporaryFolder('tls');
  const path = (file: string) => join(folder, file);
  const run = (...args: string[]) => execFileSync(openssl, args, { cwd: folder, stdio: 'ignore' });
  const key = (name: string) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`];
  run('req', '-x509', ...key('ca'), '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test authority');
  run('req', '-x509', ...key('stranger'), '-out', 'stranger.pem', '-days', '2', '-subj', '/CN=stranger');
  writeFileSync(path('names'), 'subjectAltName=DNS:plc.test');
  for (const name of ['server', 'client']) {
    run('req', ...key(name), '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    run(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-out',
      `${name}.pem`,
      '-days',
      '2',
      '-extfile',
      'names',
    );
  }
  return { folder, path, read: (file) => readFileSync(path(file)) };
}
