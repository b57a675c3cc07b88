import { webcrypto } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { errorText, FettleError } from '../core/errors.ts';

export interface TlsFiles {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

const validMs = 397 * 86_400_000;
const renewMs = 30 * 86_400_000;
/** A box that boots with a wrong clock must not find its certificate not valid yet. */
const earlierMs = 86_400_000;

/** What the server shows; undefined: plain HTTP. `directory`: of the configuration file. Throws FETTLE_CONFIG_INVALID. */
export async function loadTls({ server, data }: Config, directory: string, nowMs: number): Promise<TlsFiles | undefined> {
  const { tls, names } = server;
  if (tls === undefined) return undefined;
  if (tls === 'auto') return ownCertificate(join(data, 'tls'), names, nowMs);
  const read = (key: keyof TlsFiles): string => {
    const path = resolve(directory, tls[key]);
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw new FettleError('FETTLE_CONFIG_INVALID', `server.tls.${key}: ${path} cannot be read: ${errorText(error)}`, { cause: error });
    }
  };
  return { cert: read('cert'), key: read('key') };
}

/** One the gateway signed itself, kept in `folder` as long as it is valid and has the names. */
async function ownCertificate(folder: string, names: readonly string[], nowMs: number): Promise<TlsFiles> {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const dns = [...new Set(['localhost', hostname().toLowerCase(), ...names])];
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  try {
    const files = { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
    const known = new x509.X509Certificate(files.cert);
    const named = known.getExtension(x509.SubjectAlternativeNameExtension)?.names.items.map(({ value }) => value) ?? [];
    const fits =
      dns.every((name) => named.includes(name)) && known.notAfter.getTime() - nowMs > renewMs && known.notBefore.getTime() <= nowMs;
    if (fits) return files;
  } catch {
    // Not there yet, or damaged: made anew.
  }
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address.replace(/%.*/, '')) ?? []);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=Fettle gateway ${hostname()}`,
      notBefore: new Date(nowMs - earlierMs),
      notAfter: new Date(nowMs + validMs),
      signingAlgorithm: algorithm,
      keys: keys as never,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([
          ...dns.map((value) => ({ type: 'dns' as const, value })),
          ...[...new Set(['127.0.0.1', '::1', ...addresses])].map((value) => ({ type: 'ip' as const, value })),
        ]),
      ],
    },
    webcrypto as never,
  );
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  const files = { cert: `${certificate.toString('pem')}\n`, key: `${key}\n` };
  mkdirSync(dirname(certFile), { recursive: true, mode: 0o700 });
  writeFileSync(keyFile, files.key, { mode: 0o600 });
  writeFileSync(certFile, files.cert);
  return files;
}
