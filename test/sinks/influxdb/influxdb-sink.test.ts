import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OutboxEntry } from '../../../src/core/sink.ts';
import { influxdbSink } from '../../../src/sinks/influxdb/index.ts';
import { type Influxd, startInfluxd } from '../../support/influxd.ts';
import { type RecordingProxy, startRecordingProxy } from '../../support/recording-proxy.ts';
import { entryOf, namedSamples, score, sinkContext, transition } from '../fixtures.ts';

const never = new AbortController().signal;
const makeSink = (url: string, changes: object = {}) =>
  influxdbSink.create(influxdbSink.schema.parse({ id: 'cloud', type: 'influxdb', url, ...changes }), sinkContext('cloud'));
const lines = (...texts: string[]): OutboxEntry => entryOf('results', Buffer.from(texts.join('\n')), texts.length);
const many = (count: number, measurement = 'm') =>
  Array.from({ length: count }, (_, index) => `${measurement},n=${index} value=${index} 1${index}`);

describe('influxdb sink', () => {
  let influxd: Influxd | undefined;
  let proxy: RecordingProxy;
  beforeAll(async () => {
    influxd = await startInfluxd({ http: ['max-body-size = 100000'] });
    if (influxd) proxy = await startRecordingProxy(influxd.url);
  });
  afterEach(() => {
    if (proxy) proxy.answer = () => undefined;
    proxy?.records.splice(0);
  });
  afterAll(async () => {
    await proxy?.close();
    await influxd?.dispose();
  });

  it('creates the database and stores scores, alarms and samples', async ({ skip }) => {
    if (!influxd) return skip('influxd is not installed');
    const sink = makeSink(proxy.url, { database: 'new one', gzip: true, tags: { plant: 'north' } });
    const alarm = transition({
      message: 'two\nlines "quoted" \\',
      comment: 'seen',
      verb: 'acknowledge',
      advice: 'Check the oil filter',
      consequence: 'It runs dry, and stops',
    });
    await sink.deliver([entryOf('alarms', sink.encodeTransition(alarm))], never);
    await sink.deliver([entryOf('results', sink.encodeScores([score(), score({ asset: 'b' })]), 2)], never);
    const samples = sink.encodeSamples(namedSamples([{ tag: 'p/flow', timeMs: 1000, value: 1.5 }]));
    expect(await sink.deliver([entryOf('samples', samples)], never)).toEqual({ rejected: [] });
    expect(await influxd.query('new one', 'SELECT * FROM fettle_alarm')).toMatchObject([
      {
        asset: 'line1/pump3',
        rule: 'anomaly',
        tag: '-',
        plant: 'north',
        state: 'unacknowledged',
        sequence: 1,
        message: 'two\\nlines "quoted" \\',
        advice: 'Check the oil filter',
        consequence: 'It runs dry, and stops',
        comment: 'seen',
        verb: 'acknowledge',
      },
    ]);
    expect(await influxd.query('new one', 'SELECT score, contribution_vibration FROM fettle_score GROUP BY asset')).toMatchObject([
      { asset: 'b', score: 0.25, contribution_vibration: 0.125 },
      { asset: 'line1/pump3', score: 0.25 },
    ]);
    expect(await influxd.query('new one', 'SELECT value FROM fettle_sample')).toMatchObject([{ value: 1.5 }]);
    expect(proxy.records.find((record) => record.path.startsWith('/write'))?.path).toBe('/write?db=new+one&precision=ns');
    expect(sink.status()).toMatchObject({ state: 'good', counters: { delivered: 4, rejected: 0 } });
  });

  it('pauses and says so where the database is missing and may not be created', async ({ skip }) => {
    if (!influxd) return skip('influxd is not installed');
    const sink = makeSink(proxy.url, { database: 'nowhere', createDatabase: false });
    await expect(sink.deliver([lines('m v=1 1')], never)).rejects.toMatchObject({
      code: 'FETTLE_INFLUXDB_DENIED',
      hint: expect.stringContaining('createDatabase'),
    });
    expect(sink.status().state).toBe('failed');
  });

  it('does not repeat a partial write, and names the entry and the line', async ({ skip }) => {
    if (!influxd) return skip('influxd is not installed');
    const sink = makeSink(proxy.url);
    await sink.deliver([lines('conflict value=1 1')], never);
    proxy.records.splice(0);
    const good = lines('conflict value=2 2', 'conflict,t=x other="y" 3');
    const bad = lines('conflict value=3 4', 'conflict value="text" 5', 'conflict value=4 6');
    const { rejected } = await sink.deliver([good, bad], never);
    expect(rejected).toEqual([
      { entryId: bad.id, count: 1, reason: expect.stringContaining('field type conflict'), example: 'conflict value="text" 5' },
    ]);
    expect(proxy.records).toHaveLength(1);
    expect(await influxd.query('fettle', 'SELECT value FROM conflict')).toHaveLength(4);
    expect(sink.status()).toMatchObject({ state: 'degraded', lastError: expect.stringContaining('conflict'), counters: { rejected: 1 } });
  });

  it('finds the unreadable lines by halving where the receiver takes all or nothing', async ({ skip }) => {
    if (!influxd) return skip('influxd is not installed');
    // As QuestDB does: one bad line, and nothing of the request is stored.
    proxy.answer = ({ body }) => (body.includes('bad') ? { kind: 'status', status: 400, body: 'error in line' } : undefined);
    const sink = makeSink(proxy.url);
    const all = many(100, 'halved');
    all[17] = 'bad one=1 1';
    all[63] = 'bad two=2 1';
    const entries = [lines(...all.slice(0, 50)), lines(...all.slice(50))];
    const { rejected } = await sink.deliver(entries, never);
    expect(rejected).toEqual([
      { entryId: entries[0]?.id, count: 1, reason: 'error in line', example: 'bad one=1 1' },
      { entryId: entries[1]?.id, count: 1, reason: 'error in line', example: 'bad two=2 1' },
    ]);
    expect(await influxd.query('fettle', 'SELECT value FROM halved')).toHaveLength(98);
  });

  it('does not refuse points for what the request itself did wrong', async ({ skip }) => {
    if (!influxd) return skip('influxd is not installed');
    proxy.answer = () => ({ kind: 'status', status: 400, body: '{"error":"database is required"}' });
    const sink = makeSink(proxy.url);
    await expect(sink.deliver([lines(...many(50))], never)).rejects.toMatchObject({ code: 'FETTLE_INFLUXDB_DENIED' });
    expect(proxy.records).toHaveLength(2);
  });

  it('sends what is too large in parts, and remembers the size', async ({ skip }) => {
    if (!influxd) return skip('influxd is not installed');
    const sink = makeSink(proxy.url);
    const filler = 'x'.repeat(90);
    const large = many(3000, `large,filler=${filler}`);
    expect(await sink.deliver([lines(...large.slice(0, 1000)), lines(...large.slice(1000))], never)).toEqual({ rejected: [] });
    expect(await influxd.query('fettle', 'SELECT count(value) FROM large')).toMatchObject([{ count: 3000 }]);
    proxy.records.splice(0);
    await sink.deliver([lines(...large)], never);
    expect(proxy.records.every((record) => record.status === 204)).toBe(true);
  });

  it('refuses a single line that is too large for good', async ({ skip }) => {
    if (!influxd) return skip('influxd is not installed');
    const sink = makeSink(proxy.url);
    const huge = lines('m v=1 1', `m text="${'x'.repeat(120_000)}" 2`, 'm v=2 3');
    const { rejected } = await sink.deliver([huge], never);
    expect(rejected).toMatchObject([{ entryId: huge.id, count: 1 }]);
    expect(rejected[0]?.example.length).toBe(500);
  });

  it('makes requests smaller when answers come too late, and larger again', async ({ skip }) => {
    if (!influxd) return skip('influxd is not installed');
    const sink = makeSink(proxy.url, { timeout: '600ms' });
    proxy.answer = ({ body }) => (body.length > 20_000 ? { kind: 'stall' } : undefined);
    const entry = lines(...many(2500, 'slow'));
    let failures = 0;
    for (;;) {
      const done = await sink.deliver([entry], never).catch((error) => {
        expect(error).toMatchObject({ code: 'FETTLE_INFLUXDB_UNREACHABLE' });
        failures++;
      });
      if (done) break;
    }
    expect(failures).toBe(2);
    expect(await influxd.query('fettle', 'SELECT count(value) FROM slow')).toMatchObject([{ count: 2500 }]);
    proxy.answer = () => undefined;
    proxy.records.splice(0);
    for (let repeat = 0; repeat < 65; repeat++) await sink.deliver([entry], never);
    expect(proxy.records.at(-1)?.body.length).toBe(entry.payload.length);
  });

  it.each([
    [
      { kind: 'status', status: 429, headers: { 'retry-after': '3' } },
      { code: 'FETTLE_INFLUXDB_BUSY', retryAfterMs: 3000 },
    ],
    [{ kind: 'status', status: 500 }, { code: 'FETTLE_INFLUXDB_FAILED' }],
    [{ kind: 'status', status: 301, headers: { location: 'http://127.0.0.1:1/' } }, { code: 'FETTLE_INFLUXDB_DENIED' }],
    [{ kind: 'drop' }, { code: 'FETTLE_INFLUXDB_UNREACHABLE' }],
    [{ kind: 'dropAnswer' }, { code: 'FETTLE_INFLUXDB_UNREACHABLE' }],
  ] as const)('keeps everything after %j', async (answer, error) => {
    if (!influxd) return;
    proxy.answer = () => answer;
    const sink = makeSink(proxy.url);
    await expect(sink.deliver([lines('m v=1 1')], never)).rejects.toMatchObject(error);
    proxy.answer = () => undefined;
    expect(await sink.deliver([lines('m v=1 1')], never)).toEqual({ rejected: [] });
  });
});

describe('influxdb sink with authentication', () => {
  let influxd: Influxd | undefined;
  beforeAll(async () => {
    influxd = await startInfluxd({ http: ['auth-enabled = true'] });
    await influxd?.query('', `CREATE USER admin WITH PASSWORD 'pass:word' WITH ALL PRIVILEGES`);
    process.env.FETTLE_TEST_INFLUXDB_PASSWORD = 'pass:word';
  });
  afterAll(() => influxd?.dispose());

  it('is denied without, and writes with user name and password', async ({ skip }) => {
    if (!influxd) return skip('influxd is not installed');
    await expect(makeSink(influxd.url).deliver([lines('m v=1 1')], never)).rejects.toMatchObject({ code: 'FETTLE_INFLUXDB_DENIED' });
    const sink = makeSink(influxd.url, { username: 'admin', password: '${env:FETTLE_TEST_INFLUXDB_PASSWORD}' });
    expect(await sink.deliver([lines('m v=1 1')], never)).toEqual({ rejected: [] });
    expect(JSON.stringify(sink.status())).not.toContain('pass:word');
  });
});

describe('influxdb configuration', () => {
  it('has the documented defaults', () => {
    const config = influxdbSink.schema.parse({ id: 'cloud', type: 'influxdb', url: 'http://influxdb:8086' });
    expect(config).toMatchObject({ database: 'fettle', gzip: 'auto', timeout: 10_000, createDatabase: true });
    expect(config.batch).toEqual({ points: 5000, bytes: 5_000_000, wait: 1000 });
    expect(config.send).toEqual(['scores', 'alarms', 'samples']);
  });

  it.each([
    [{ url: 'ftp://x' }],
    [{ url: 'http://x', password: 'in the clear' }],
    [{ url: 'http://x', tags: { asset: 'mine' } }],
    [{ url: 'http://x', precision: 's' }],
  ])('refuses %j', (keys) => expect(influxdbSink.schema.safeParse({ id: 'cloud', type: 'influxdb', ...keys }).success).toBe(false));

  it('sends only what it is told to', () => {
    const sink = makeSink('http://x', { send: ['alarms'] });
    expect([...sink.wants]).toEqual(['alarms']);
    expect(sink.encodeScores([score()])).toBeUndefined();
    expect(sink.encodeSamples(namedSamples([{ tag: 'a', timeMs: 1, value: 1 }]))).toBeUndefined();
  });
});
