import { rm } from 'node:fs/promises';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { TcpTransport } from '../../../src/sources/modbus/tcp-transport.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { answerWell, type RawDevice, registersReply, startRawDevice } from '../../support/modbus/raw-device.ts';
import { runSource, type SourceRun } from '../../support/modbus/source-run.ts';
import { register } from './fixtures.ts';

/** A device that wants a certificate of its clients. */
async function start(context: TestContext): Promise<{ device: RawDevice; files: Certificates }> {
  const files = await makeCertificates();
  if (files === undefined) return context.skip();
  const server = { key: files.read('server.key'), cert: files.read('server.pem'), ca: files.read('ca.pem'), requestCert: true };
  const device = await startRawDevice(answerWell, { tls: server });
  onTestFinished(async () => {
    await device.close();
    await rm(files.folder, { recursive: true });
  });
  return { device, files };
}

async function runWith(device: RawDevice, tls: object): Promise<SourceRun> {
  const run = await runSource({ url: device.url, poll: '50ms', timeout: '200ms', tls, tags: [register(5)] });
  onTestFinished(() => run.stop());
  return run;
}

describe('Modbus in TLS', () => {
  it('is read from a device with a certificate, with one of our own', async (context) => {
    const { device, files } = await start(context);
    const [ca, cert, key] = ['ca.pem', 'client.pem', 'client.key'].map(files.path);
    const run = await runWith(device, { ca, cert, key, serverName: 'plc.test' });
    await eventually(() => run.last('r5')?.quality === 'good');
    expect(run.last('r5')?.value).toBe(5);
  });

  it.for<[string, (files: Certificates) => object, string]>([
    ['another authority', (files) => ({ ca: files.path('stranger.pem'), serverName: 'plc.test' }), 'certificate'],
    ['another name', (files) => ({ ca: files.path('ca.pem'), serverName: 'other.test' }), 'other.test'],
    ['no client certificate', (files) => ({ ca: files.path('ca.pem'), serverName: 'plc.test' }), ''],
    ['a file that is not there', () => ({ ca: 'missing.pem' }), 'missing.pem cannot be read'],
  ])('is not with %s', async ([, tls, text], context) => {
    const { device, files } = await start(context);
    const run = await runWith(device, tls(files));
    await eventually(() => run.source.status().state === 'failed');
    expect(run.source.status().units[0]?.lastError).toContain(text);
    expect(run.samples.every(({ quality }) => quality === 'badNoCommunication')).toBe(true);
    expect(device.requests).toEqual([]);
  });

  it('has the same guard at its door', async (context) => {
    const { device, files } = await start(context);
    device.answer = (request) => request.socket.write(registersReply({ ...request, unit: 9 }));
    const tls = { ca: files.read('ca.pem'), cert: files.read('client.pem'), key: files.read('client.key'), servername: 'plc.test' };
    const transport = await TcpTransport.open({ url: device.url, timeoutMs: 500, tls }, new AbortController().signal);
    onTestFinished(() => transport.close());
    const failure = transport.read({ unit: 1, table: 'holdingRegister', address: 5, count: 1 });
    await expect(failure).rejects.toMatchObject({ code: 'FETTLE_MODBUS_FRAMING' });
    expect(transport.isWorn).toBe(true);
  });
});
