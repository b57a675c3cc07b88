import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AlarmTransition } from '../../../src/core/alarm.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import type { OutboxEntry, Sink } from '../../../src/core/sink.ts';
import { emailSink } from '../../../src/sinks/email/index.ts';
import { isQuiet } from '../../../src/sinks/notices/selection.ts';
import { webhookSink } from '../../../src/sinks/webhook/index.ts';
import { MailServer } from '../../support/mail-server.ts';

const raisedMs = Date.UTC(2026, 2, 1, 12);
const never = new AbortController().signal;
let sequence = 0;

function transition(change: Partial<AlarmTransition> = {}): AlarmTransition {
  sequence++;
  return {
    id: `t-${sequence}`,
    sequence,
    asset: 'line1/press',
    rule: 'anomaly',
    tag: null,
    kind: 'alert',
    priority: 'medium',
    from: 'normal',
    to: 'unacknowledged',
    atMs: raisedMs,
    ratio: 2.3,
    message: 'oil-temp 71.4 °C, expected 58 to 63',
    findings: [],
    advice: 'Check the "oil" filter',
    consequence: null,
    provisional: false,
    model: 'press@1',
    by: null,
    comment: null,
    ...change,
  };
}

const context = (nowMs = raisedMs) => ({
  id: 'people',
  site: 'north',
  clock: { wallMs: () => nowMs, monotonicMs: () => nowMs },
  log: silentLogger,
});

/** What the outbox would hold of them. */
const entriesOf = (sink: Sink, transitions: readonly AlarmTransition[]): OutboxEntry[] =>
  transitions.flatMap((one, i) => {
    const payload = sink.encodeTransition(one);
    return payload === undefined ? [] : [{ id: i, lane: 'alarms' as const, count: 1, enqueuedMs: 0, payload }];
  });
const deliver = (sink: Sink, transitions: readonly AlarmTransition[]) => sink.deliver(entriesOf(sink, transitions), never);

async function receiver() {
  const requests: { headers: Record<string, unknown>; body: string }[] = [];
  const answers: (readonly [number, object?])[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      requests.push({ headers: request.headers, body });
      const [status, headers = {}] = answers.shift() ?? [204];
      response.writeHead(status, headers as Record<string, string>).end(status >= 400 ? 'no such hook' : '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const start = (more: object = {}, nowMs = raisedMs): Sink =>
    webhookSink.create(
      webhookSink.schema.parse({ id: 'people', type: 'webhook', url: `http://127.0.0.1:${port}/hook`, ...more }),
      context(nowMs),
    );
  return { requests, answers, start };
}

describe('who is told', () => {
  it('goes by what happened, how urgent it is, where, and how well it is known', async () => {
    const { start } = await receiver();
    const sink = start({ priority: 'medium', assets: ['line1/press'] });
    const told = (change: Partial<AlarmTransition>): boolean => sink.encodeTransition(transition(change)) !== undefined;
    expect(told({})).toBe(true);
    expect(told({ from: 'unacknowledged', to: 'normal' })).toBe(true);
    expect(told({ from: 'acknowledged', to: 'latchedAcknowledged' })).toBe(true);
    expect(told({ from: 'unacknowledged', to: 'acknowledged' })).toBe(false);
    expect(told({ from: 'normal', to: 'shelved' })).toBe(false);
    expect(told({ priority: 'low' })).toBe(false);
    expect(told({ asset: 'line1/oven' })).toBe(false);
    expect(told({ provisional: true })).toBe(false);
    expect(told({ withdrawn: true })).toBe(false);
    const seen = start({ when: ['raised', 'acknowledged', 'over'] });
    expect(seen.encodeTransition(transition({ from: 'unacknowledged', to: 'acknowledged' }))).toBeDefined();
    // What somebody says of it is no news of it.
    expect(seen.encodeTransition(transition({ from: 'acknowledged', to: 'acknowledged', verb: 'comment' }))).toBeUndefined();
  });

  it('rests in quiet hours, but for what cannot wait; afterwards says how much there was', async () => {
    const quiet = { from: '22:00', to: '06:00', timeZone: 'Europe/Berlin' };
    const at = (text: string): number => Date.parse(text);
    // Winter time, and over the night in which the clock goes forward.
    expect(isQuiet(at('2026-03-01T21:30:00Z'), { ...quiet, except: 'critical' })).toBe(true);
    expect(isQuiet(at('2026-03-01T20:59:00Z'), { ...quiet, except: 'critical' })).toBe(false);
    expect(isQuiet(at('2026-03-29T03:59:00Z'), { ...quiet, except: 'critical' })).toBe(true);
    expect(isQuiet(at('2026-03-29T04:00:00Z'), { ...quiet, except: 'critical' })).toBe(false);
    const { start, requests } = await receiver();
    const sink = start({ quiet }, at('2026-03-01T23:00:00Z'));
    const night = at('2026-03-01T22:30:00Z');
    await deliver(sink, [
      transition({ atMs: night }),
      transition({ atMs: night, asset: 'oven' }),
      transition({ atMs: night, asset: 'pump', priority: 'critical' }),
    ]);
    expect(requests.map(({ body }) => (JSON.parse(body) as { asset: string }).asset)).toEqual(['pump']);
    await deliver(sink, [transition({ atMs: at('2026-03-02T07:00:00Z'), asset: 'fan' })]);
    expect(JSON.parse(requests[1]?.body ?? '')).toMatchObject({ asset: 'fan', keptBackInQuietHours: 2 });
    expect(sink.status().counters).toMatchObject({ told: 2, quiet: 2 });
  });

  it('is not told the same again and again, nor what is long over', async () => {
    const { start, requests } = await receiver();
    const sink = start({ repeatAfter: '15m', maxAge: '1d' }, raisedMs + 3_600_000);
    const flutter = [0, 60_000, 120_000, 900_000].map((ms) => transition({ atMs: raisedMs + ms }));
    await deliver(sink, [...flutter, transition({ atMs: raisedMs - 86_400_000 })]);
    expect(requests).toHaveLength(2);
    expect(sink.status()).toMatchObject({ state: 'good', counters: { told: 2, repeated: 2, tooOld: 1 } });
  });
});

describe('a webhook', () => {
  it('gets the whole event, signed, each once; or a body of its own, safe in JSON', async () => {
    const { start, requests } = await receiver();
    process.env.HOOK_SECRET = 'between us';
    const sink = start({ secret: '${env:HOOK_SECRET}', headers: { 'x-team': 'maintenance' }, dashboard: 'https://gateway.plant/' });
    const one = transition();
    await deliver(sink, [one]);
    const [request] = requests;
    expect(JSON.parse(request?.body ?? '')).toMatchObject({
      site: 'north',
      id: one.id,
      message: one.message,
      link: 'https://gateway.plant/#/assets/line1%2Fpress',
    });
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'idempotency-key': one.id,
      'x-team': 'maintenance',
      'x-fettle-signature': `sha256=${createHmac('sha256', 'between us')
        .update(request?.body ?? '')
        .digest('hex')}`,
    });
    await deliver(start({ body: '{"text": "{what} {asset}: {message} → {advice}"}' }), [transition()]);
    expect(JSON.parse(requests[1]?.body ?? '')).toEqual({
      text: 'ALARM line1/press: oil-temp 71.4 °C, expected 58 to 63 → Check the "oil" filter',
    });
  });

  it('that is busy is tried again from where it stopped; one that refuses is named, and keeps nobody waiting', async () => {
    const { start, requests, answers } = await receiver();
    const sink = start();
    const three = ['a', 'b', 'c'].map((asset) => transition({ asset }));
    answers.push([204], [503, { 'retry-after': '7' }]);
    await expect(deliver(sink, three)).rejects.toMatchObject({ code: 'FETTLE_NOTICE_FAILED', retryAfterMs: 7000 });
    expect(sink.status()).toMatchObject({ state: 'degraded', lastError: expect.stringContaining('answered 503 no such hook') });
    expect(await deliver(sink, three)).toEqual({ rejected: [] });
    expect(requests.map(({ body }) => (JSON.parse(body) as { asset: string }).asset)).toEqual(['a', 'b', 'b', 'c']);
    answers.push([404]);
    expect(await deliver(sink, [transition({ asset: 'd' })])).toMatchObject({
      rejected: [{ reason: expect.stringContaining('answered 404') }],
    });
    expect(sink.status().state).toBe('failed');
    answers.push([302, { location: 'http://127.0.0.1:1/' }]);
    await expect(deliver(sink, [transition({ asset: 'e' })])).rejects.toThrow();
  });

  it('with a word nobody knows is refused at the start', () => {
    const { error } = webhookSink.schema.safeParse({ id: 'a', type: 'webhook', url: 'http://x', body: '{assset}' });
    expect(error?.issues[0]?.message).toContain('nothing is called assset');
  });
});

describe('a mail', () => {
  async function start(more: object = {}) {
    const server = new MailServer();
    await server.start();
    onTestFinished(() => server.stop());
    const config = emailSink.schema.parse({
      id: 'people',
      type: 'email',
      url: `smtp://127.0.0.1:${server.port}`,
      from: 'Fettle <fettle@plant.test>',
      to: ['shift@plant.test', 'chief@plant.test'],
      ...more,
    });
    const sink = emailSink.create(config, context());
    onTestFinished(() => sink.stop());
    return { server, sink };
  }

  it('says what, where and what to do; what comes together is one mail', async () => {
    const { server, sink } = await start({ dashboard: 'https://gateway.plant' });
    await deliver(sink, [transition()]);
    const [mail] = server.mails;
    expect(mail).toMatchObject({ from: 'fettle@plant.test', to: ['shift@plant.test', 'chief@plant.test'] });
    const decoded = (text: string): string =>
      text.includes('quoted-printable')
        ? text.replaceAll('=\n', '').replaceAll(/(?:=[0-9A-F]{2})+/g, (bytes) => Buffer.from(bytes.replaceAll('=', ''), 'hex').toString())
        : text;
    const text = decoded(mail?.text ?? '');
    expect(text).toMatch(/^Subject: .*ALARM/m);
    expect(text).toContain('What to do: Check the "oil" filter');
    expect(text).not.toContain('Otherwise:');
    expect(text).toContain('https://gateway.plant/#/assets/line1%2Fpress');
    expect(mail?.text).toMatch(/^Message-ID: <[0-9a-f]{32}@fettle>$/im);
    await deliver(
      sink,
      ['a', 'b', 'c'].map((asset) => transition({ asset, message: 'evil\r\nBcc: all@plant.test' })),
    );
    expect(server.mails).toHaveLength(2);
    expect(server.mails[1]?.text).toMatch(/^Subject: \[north\] 3 changes of alarms: a, b, c$/m);
    expect(server.mails[1]?.text.split('\n\n')[0]).not.toMatch(/^Bcc/m);
  });

  it('logs in, waits while the server is away, and says what the server said', async () => {
    process.env.MAIL_PASSWORD = 'secret';
    const { server, sink } = await start({ username: 'fettle', password: '${env:MAIL_PASSWORD}', requireTls: false });
    await deliver(sink, [transition()]);
    expect(server.logins).toEqual(['fettle secret']);
    server.answers = { AUTH: '535 wrong' };
    await expect(deliver(sink, [transition({ asset: 'a' })])).rejects.toMatchObject({
      code: 'FETTLE_NOTICE_FAILED',
      hint: 'check username and password',
    });
    server.answers = { RCPT: '450 later' };
    await expect(deliver(sink, [transition({ asset: 'a' })])).rejects.toMatchObject({ code: 'FETTLE_NOTICE_FAILED' });
    server.answers = { RCPT: '550 no such person' };
    expect(await deliver(sink, [transition({ asset: 'a' })])).toMatchObject({
      rejected: [{ reason: expect.stringContaining('550 no such person') }],
    });
    server.answers = {};
    await server.stop();
    await expect(deliver(sink, [transition({ asset: 'b' })])).rejects.toMatchObject({ code: 'FETTLE_NOTICE_FAILED' });
    await server.start();
    expect(await deliver(sink, [transition({ asset: 'b' })])).toEqual({ rejected: [] });
    expect(server.mails).toHaveLength(2);
  });

  it('with a password goes over TLS or not at all, unless a person says so', async () => {
    process.env.MAIL_PASSWORD = 'secret';
    const { server, sink } = await start({ username: 'fettle', password: '${env:MAIL_PASSWORD}' });
    await expect(deliver(sink, [transition()])).rejects.toThrow(/TLS/i);
    expect(server.logins).toEqual([]);
  });
});
