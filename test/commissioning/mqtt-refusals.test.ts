import { expect, it, onTestFinished } from 'vitest';
import type { Broker } from '../../src/commissioning/mqtt-listen/listen.ts';
import { listen } from '../../src/commissioning/mqtt-listen/report.ts';
import { FettleError } from '../../src/core/errors.ts';
import { makeCertificates } from '../support/certificates.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { freePort } from '../support/peer-process.ts';

const listenTo = (broker: Broker) => listen({ broker, filters: ['plant/#'], forMs: 100, qos: 0, signal: new AbortController().signal });

it('why a broker cannot be heard is said with what to do', async (context) => {
  const certificates = (await makeCertificates()) ?? context.skip();
  const files = Object.fromEntries(['ca.pem', 'server.pem', 'server.key'].map((name) => [name, certificates.read(name).toString()]));
  const config = ['cafile {folder}/ca.pem', 'certfile {folder}/server.pem', 'keyfile {folder}/server.key'];
  const secure = (await startMosquitto({ config, files })) ?? context.skip();
  onTestFinished(() => secure.dispose());
  const mutual = (await startMosquitto({ config: [...config, 'require_certificate true'], files })) ?? context.skip();
  onTestFinished(() => mutual.dispose());
  const strict = (await startMosquitto({ anonymous: false })) ?? context.skip();
  onTestFinished(() => strict.dispose());
  const tls = (url: string): string => url.replace('mqtt:', 'mqtts:');
  const ca = certificates.path('ca.pem');
  const serverName = 'plc.test';
  const own = { cert: certificates.path('client.pem'), key: certificates.path('client.key') };

  const cases: [Broker, string, RegExp, RegExp][] = [
    [{ url: `mqtt://127.0.0.1:${await freePort()}` }, 'FETTLE_MQTT_UNREACHABLE', /ECONNREFUSED/, /nobody listens on this port/],
    [{ url: 'mqtt://no-such-host.invalid' }, 'FETTLE_MQTT_UNREACHABLE', /no-such-host/, /no such name/],
    [{ url: strict.url }, 'FETTLE_MQTT_REFUSED', /refused the login/, /--username and --password-file/],
    [{ url: strict.url, username: 'me', password: 'wrong' }, 'FETTLE_MQTT_REFUSED', /refused the login/, /--username/],
    [{ url: tls(secure.url) }, 'FETTLE_MQTT_UNREACHABLE', /self-signed|unable to/, /--ca/],
    [{ url: tls(secure.url), ca }, 'FETTLE_MQTT_UNREACHABLE', /127\.0\.0\.1/, /certificate is for another name.*--server-name/],
    [{ url: tls(mutual.url), ca, serverName }, 'FETTLE_MQTT_UNREACHABLE', /no connection/, /--cert/],
    [{ url: secure.url }, 'FETTLE_MQTT_UNREACHABLE', /no connection/, /port for TLS/],
    [{ url: tls(strict.url) }, 'FETTLE_MQTT_UNREACHABLE', /no connection/, /nobody speaks TLS there|does the broker speak TLS/],
    [{ url: tls(secure.url), ca: '/nowhere.pem' }, 'FETTLE_COMMAND_INVALID', /nowhere\.pem cannot be read/, /^$/],
  ];
  for (const [broker, code, message, hint] of cases) {
    const error = await listenTo(broker).catch((reason: unknown) => reason);
    if (!(error instanceof FettleError)) throw new Error(`${broker.url}: ${String(error)}`);
    expect.soft(error.code).toBe(code);
    expect.soft(error.message).toMatch(message);
    expect.soft(error.hint ?? '').toMatch(hint);
    expect.soft(error.message).not.toContain('wrong');
  }
  expect((await listenTo({ url: tls(secure.url), ca, serverName })).protocol).toBe('5');
  expect((await listenTo({ url: tls(mutual.url), ca, serverName, ...own })).protocol).toBe('5');
});

it('a broker that goes away ends it, with what was heard', async (context) => {
  const broker = (await startMosquitto()) ?? context.skip();
  onTestFinished(() => broker.dispose());
  const heard = listen({ broker, filters: ['#'], forMs: 60_000, qos: 0, signal: new AbortController().signal });
  setTimeout(() => void broker.stop('SIGKILL'), 500);
  expect(await heard).toMatchObject({
    endedBy: 'closed',
    messages: 0,
    hints: [expect.stringContaining('the broker closed the connection'), expect.anything(), expect.anything(), expect.anything()],
  });
});
