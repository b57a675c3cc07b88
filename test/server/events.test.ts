import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { GatewayService } from '../../src/gateway/service.ts';
import { LiveEvents } from '../../src/server/live-events.ts';
import { readRuntimeFile } from '../../src/server/runtime-file.ts';
import { serve } from '../../src/server/serve.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { startServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const configuration = (data = temporaryDirectory()) => ({
  site: 'north',
  data,
  sources: [{ id: 'plc', type: 'modbus', url: 'tcp://127.0.0.1:1', tags: [{ tag: 'a/flow', reference: '40001', type: 'int16' }] }],
  assets: ['a', 'b'].map((id) => ({ id, tags: ['a/flow'] })),
});

interface Event {
  readonly id: number | undefined;
  readonly event: string;
  readonly data: { readonly asset: string; readonly comment: string };
}

/** Reads a stream of server-sent events until it is closed. */
async function listen(url: string, headers: Record<string, string>) {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const response = await fetch(url, { headers, signal: abort.signal });
  const events: Event[] = [];
  const done = (async () => {
    let text = '';
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      const parts = text.split('\n\n');
      text = parts.pop() as string;
      for (const part of parts) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1];
        const id = field('id');
        if (field('event') !== undefined)
          events.push({
            id: id === undefined ? undefined : Number(id),
            event: field('event') as string,
            data: JSON.parse(field('data') ?? '{}') as Event['data'],
          });
      }
    }
  })().catch(() => {});
  const close = (): Promise<void> => {
    abort.abort();
    return done;
  };
  return { events, close };
}

describe('live events', () => {
  it('tell each alarm once, in order, also to a client that was away', async () => {
    const live = new LiveEvents(silentLogger);
    const gateway = await startGateway(configuration(), { listener: live });
    const server = await startServer(gateway, { live });
    const headers = { authorization: `Bearer ${server.token}` };
    const url = `${server.url}/api/v1/events?events=alarm`;
    let said = 0;
    const say = async (asset = 'a') => {
      said++;
      await gateway.command({ verb: said % 2 === 1 ? 'shelve' : 'unshelve', asset, rule: 'anomaly', by: 'ada', comment: String(said) });
    };
    await say();
    const first = await listen(url, headers);
    await eventually(() => first.events[0]?.event === 'hello', 'it is greeted');
    await say();
    await say();
    await eventually(() => first.events.length === 3, 'both are told');
    expect(first.events.slice(1).map(({ data }) => data.comment)).toEqual(['2', '3']);
    await first.close();
    const lastId = String(first.events.at(-1)?.id);
    for (let i = 0; i < 5; i++) await say();
    const second = await listen(url, { ...headers, 'last-event-id': lastId });
    const together = say();
    await eventually(() => second.events.length === 7, 'what was missed, and what is new');
    await together;
    expect(second.events.slice(1).map(({ data }) => data.comment)).toEqual(['4', '5', '6', '7', '8', '9']);
    const ids = second.events.slice(1).map(({ id }) => id as number);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    // From another journal, or one that has been emptied: from the beginning rather than nothing.
    const third = await listen(url, { ...headers, 'last-event-id': '999999' });
    await eventually(() => third.events.length === 10, 'all of them');
    await gateway.command({ verb: 'shelve', asset: 'b', rule: 'anomaly', by: 'ada' });
    const filtered = await listen(`${url}&assets=b&lastEventId=0`, headers);
    await eventually(() => filtered.events.length === 2, 'one asset only');
    expect(filtered.events[1]?.data.asset).toBe('b');
    expect(live.listeners).toBe(3);
    await second.close();
    await eventually(() => live.listeners === 2, 'who is gone is not told any more');
    expect((await fetch(url, { headers: { ...headers, 'last-event-id': 'x' } })).status).toBe(400);
    expect((await fetch(`${server.url}/api/v1/events?events=nonsense`, { headers })).status).toBe(400);
  });

  it('tell how the gateway is, and end with it', async () => {
    const gateway = await startGateway(configuration());
    const server = await startServer(gateway);
    const stream = await listen(`${server.url}/api/v1/events?events=status`, { authorization: `Bearer ${server.token}` });
    await eventually(() => stream.events.some(({ event }) => event === 'status'), 'a status');
    expect(stream.events[1]?.data).toMatchObject({ site: 'north', sources: { plc: {} } });
    await server.stop();
    await stream.close();
  });
});

describe('a gateway with a certificate of its own', () => {
  it('serves over TLS, keeps the certificate, and tells the command line which it is', async () => {
    const data = temporaryDirectory();
    const loaded = parseConfig(
      JSON.stringify({ ...configuration(data), server: { listen: '127.0.0.1:0', tls: 'auto', names: ['gateway.plant'] } }),
      'test.yaml',
      {},
    );
    const live = new LiveEvents(silentLogger);
    const ask = async () => {
      const service = await GatewayService.start(loaded, { log: silentLogger, listener: live });
      const server = await serve(service, loaded, { log: silentLogger, live, isTerminal: false });
      const runtime = readRuntimeFile(data);
      const answer = await new Promise<{ status: number | undefined; cookie: string | undefined }>((resolve, reject) => {
        const first = readFileSync(`${data}/first-login.txt`, 'utf8');
        const [, password] = /password: (.*)/.exec(first) ?? [];
        request(
          `${server.url}/api/v1/session`,
          { method: 'POST', ca: runtime?.certificate, servername: 'gateway.plant', headers: { 'content-type': 'application/json' } },
          (response) => {
            response.resume();
            resolve({ status: response.statusCode, cookie: response.headers['set-cookie']?.[0] });
          },
        )
          .on('error', reject)
          .end(JSON.stringify({ user: 'admin', password }));
      });
      await server.stop();
      await service.stop();
      return { url: server.url, answer, certificate: runtime?.certificate };
    };
    const first = await ask();
    expect(first.url).toMatch(/^https:/);
    expect(first.answer).toMatchObject({ status: 200, cookie: expect.stringContaining('Secure') });
    expect((await ask()).certificate).toBe(first.certificate);
    expect(readRuntimeFile(data)).toBeUndefined();
  });
});

describe('/metrics', () => {
  it('has names, help and values that Prometheus reads', async () => {
    const gateway = await startGateway(configuration());
    const server = await startServer(gateway);
    const scrape = async () => (await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.token}` } })).text();
    const text = await scrape();
    expect(text).toMatch(/^fettle_gateway_info\{version="[^"]+",site="north"\} 1$/m);
    expect(text).toContain('fettle_asset_watching{asset="a",watching="learning",site="north"} 0');
    expect(text).toMatch(/^fettle_samples_total\{site="north"\} 0$/m);
    expect(text).toMatch(/^fettle_source_up\{source="plc",site="north"\} 0$/m);
    expect(text).not.toMatch(/^fettle_(journal_history|autonomy)_seconds\S* \d/m);
    // The same again: nothing adds up.
    const counts = (scraped: string) => /^fettle_journal_commits_total\S* (\d+)$/m.exec(scraped)?.[1];
    expect(counts(await scrape())).toBe(String(gateway.status().journal.commits));
    for (const [, name] of text.matchAll(/^# TYPE (fettle_\w+) counter$/gm)) expect(name).toMatch(/_total$/);
    for (const [, name] of text.matchAll(/^# TYPE (fettle_\w+) gauge$/gm)) expect(name).not.toMatch(/_total$/);
  });
});
