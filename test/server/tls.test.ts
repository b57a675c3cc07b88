import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { loadTls, type TlsFiles } from '../../src/server/tls.ts';
import { makeCertificates } from '../support/certificates.ts';
import { startGateway } from '../support/gateway.ts';
import { startServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const dayMs = 86_400_000;
const configWith = (data: string, tls: unknown, names: string[] = []) =>
  parseConfig(JSON.stringify({ site: 'north', data, server: { tls, names } }), join(data, 'fettle.yaml'), {}).config;

/** Status of /api/v1/health over TLS, trusting this authority only; the error where the certificate does not fit. */
const ask = (url: string, ca: Buffer | string, servername: string): Promise<number | string | undefined> =>
  new Promise((resolve) => {
    request(`${url}/api/v1/health`, { ca, servername }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      .end();
  });

async function serveWith(tls: TlsFiles | undefined) {
  const gateway = await startGateway({ site: 'north', data: temporaryDirectory() });
  return startServer(gateway, { ...(tls !== undefined && { tls }), names: ['plc.test'] });
}

describe('a certificate of the site', () => {
  it('is shown as it is, its files found beside the configuration', async ({ skip }) => {
    const certificates = (await makeCertificates()) ?? skip();
    const data = temporaryDirectory();
    for (const name of ['server.pem', 'server.key']) writeFileSync(join(data, name), certificates.read(name));
    const tls = await loadTls(configWith(data, { cert: 'server.pem', key: 'server.key' }), data, Date.now());
    const server = await serveWith(tls);
    expect(await ask(server.url, certificates.read('ca.pem'), 'plc.test')).toBe(200);
    expect(await ask(server.url, certificates.read('ca.pem'), 'other.test')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(await ask(server.url, certificates.read('stranger.pem'), 'plc.test')).toMatch(/UNABLE_TO_|SELF_SIGNED|CERT_/);
    // Without TLS nobody is answered.
    await expect(fetch(server.url.replace('https', 'http'))).rejects.toThrow();
  });

  it('that cannot be read is named with its key and path', async () => {
    const data = temporaryDirectory();
    const config = configWith(data, { cert: 'nowhere.pem', key: 'nowhere.key' });
    await expect(loadTls(config, data, Date.now())).rejects.toMatchObject({
      code: 'FETTLE_CONFIG_INVALID',
      message: expect.stringContaining(`server.tls.cert: ${join(data, 'nowhere.pem')}`),
    });
  });
});

describe('a certificate the gateway signs itself', () => {
  it('is kept; made anew before it ends, for another name, when the clock was wrong, or when it is damaged', async () => {
    const data = temporaryDirectory();
    const nowMs = Date.now();
    const of = (names: string[], atMs = nowMs) => loadTls(configWith(data, 'auto', names), data, atMs) as Promise<TlsFiles>;
    const first = await of(['plc.test']);
    expect(statSync(join(data, 'tls/key.pem')).mode & 0o077).toBe(0);
    expect(await of(['plc.test'])).toEqual(first);
    expect(await of(['plc.test'], nowMs + 360 * dayMs)).toEqual(first);
    const renewed = await of(['plc.test'], nowMs + 380 * dayMs);
    expect(renewed.cert).not.toBe(first.cert);
    const { validFrom, validTo } = new X509Certificate(renewed.cert);
    expect(Date.parse(validFrom)).toBeGreaterThan(nowMs + 370 * dayMs);
    expect(Date.parse(validTo)).toBeGreaterThan(nowMs + 700 * dayMs);
    // The clock was years ahead when it was made.
    const again = await of(['plc.test']);
    expect(again.cert).not.toBe(renewed.cert);
    const named = await of(['plc.test', 'gateway.plant']);
    expect(new X509Certificate(named.cert).subjectAltName).toContain('DNS:gateway.plant');
    // Fewer names are no reason.
    expect(await of([])).toEqual(named);
    writeFileSync(join(data, 'tls/cert.pem'), 'damaged');
    expect((await of([])).cert).not.toBe(named.cert);

    const tls = await of(['plc.test']);
    const server = await serveWith(tls);
    expect(await ask(server.url, readFileSync(join(data, 'tls/cert.pem')), 'plc.test')).toBe(200);
  });
});
