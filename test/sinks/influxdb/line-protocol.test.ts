import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quality } from '../../../src/core/quality.ts';
import { LineEncoder } from '../../../src/sinks/influxdb/encode.ts';
import { escapeName, lineHead, lineOf, nanoseconds, numberField, textField } from '../../../src/sinks/influxdb/line-protocol.ts';
import { type Influxd, startInfluxd } from '../../support/influxd.ts';
import { atMs, namedSamples, score, transition } from '../fixtures.ts';

const encoder = new LineEncoder({
  site: 'hall 1',
  tags: { plant: 'north' },
  expected: true,
  unitOf: (tag) => (tag === 'p/flow' ? 'l/min' : undefined),
});

describe('line protocol', () => {
  it.each([
    ['plain', 'plain'],
    ['a b', 'a\\ b'],
    ['a,b=c', 'a\\,b\\=c'],
    ['ends\\', 'ends/'],
    ['a\\ b', 'a/\\ b'],
    ['c:\\x', 'c:\\x'],
    ['two\nlines', 'two\\ lines'],
    ['', '-'],
  ])('escapes the name %j', (name, escaped) => expect(escapeName(name)).toBe(escaped));

  it.each([
    [1_700_000_000_123, '1700000000123000000'],
    [1_700_000_000_123.25, '1700000000123250000'],
    [0, '0'],
    [0.5, '500000'],
    [1.9999999, '2000000'],
    [-1.5, '-1500000'],
    [-2, '-2000000'],
  ])('%d ms are %s ns', (ms, ns) => expect(nanoseconds(ms)).toBe(ns));

  it('leaves out what is no number, and a line with no field left', () => {
    expect(numberField('x', Number.NaN) + numberField('y', Number.POSITIVE_INFINITY) + numberField('z', null)).toBe('');
    expect(lineOf('m ', '', '1')).toBe('');
    expect(encoder.score(score({ value: Number.NaN }))).toBe('');
    expect(encoder.samples(namedSamples([{ tag: 'a', timeMs: 1, value: Number.NaN }]))).toEqual({ lines: '', count: 0 });
  });

  it('writes a score with the parts of its channels', () => {
    expect(encoder.score(score({ contributions: Float32Array.of(0.125, Number.NaN) }))).toBe(
      `fettle_score,asset=line1/pump3,model=pump@1.0.0,plant=north,site=hall\\ 1 score=0.25,limit=0.5,ratio=0.5,contribution_oil-temp=0.125,expected_oil-temp=60,expected_vibration=1.25 ${atMs}000000`,
    );
    const without = new LineEncoder({ site: 'x', tags: {}, expected: false });
    expect(without.score(score())).not.toContain('expected_');
  });

  it('writes samples with text, quality and fractions of milliseconds', () => {
    const { lines, count } = encoder.samples(
      namedSamples([
        { tag: 'p/flow', timeMs: atMs, value: 1.5 },
        { tag: 'p/state', timeMs: atMs, value: 'say "go"' },
        { tag: 'p/flow', timeMs: atMs + 0.5, value: Number.NaN, quality: quality.badNoCommunication },
        { tag: 'p/flow', timeMs: atMs + 1, value: 2, quality: quality.uncertainSubNormal },
      ]),
    );
    const head = 'fettle_sample,plant=north,site=hall\\ 1,tag=p/';
    expect(count).toBe(4);
    expect(lines.split('\n')).toEqual([
      `${head}flow value=1.5 ${atMs}000000`,
      `${head}state text="say \\"go\\"" ${atMs}000000`,
      `${head}flow quality="badNoCommunication" ${atMs}500000`,
      `${head}flow value=2,quality="uncertainSubNormal" ${atMs + 1}000000`,
    ]);
  });

  it('says the unit of a tag in about one second of 64, whatever the distance of its samples', () => {
    for (const everyMs of [100, 1000, 16_000, 60_000, 64_000]) {
      const rows = Array.from({ length: 6400 }, (_, i) => ({ tag: 'p/flow', timeMs: atMs + i * everyMs, value: 1 }));
      const { lines } = encoder.samples(namedSamples(rows));
      expect(encoder.samples(namedSamples(rows)).lines).toBe(lines);
      const saying = lines.split('\n').filter((line) => line.includes(' value=1,unit="l/min" ')).length;
      expect(saying).toBeGreaterThan(50);
      expect(saying).toBeLessThan(200);
    }
    expect(
      encoder.samples(namedSamples(Array.from({ length: 99 }, (_, i) => ({ tag: 'q', timeMs: atMs + i * 1000, value: 1 })))).lines,
    ).not.toContain('unit');
  });

  it('writes a stretch where an alarm begins to stand, and its end to the same point', () => {
    const head = 'fettle_alarm_span,asset=line1/pump3,plant=north,rule=anomaly,site=hall\\ 1,tag=-';
    const linesOf = (changes: Parameters<typeof transition>[0]) => encoder.transition(transition(changes)).split('\n');
    expect(linesOf({})[0]).toContain(' state="unacknowledged",state_code=1i,active=1i,from="normal",');
    expect(linesOf({})[1]).toBe(
      `${head} priority="high",title="line1/pump3: anomaly",text="oil-temp 71.4 °C, expected 58–63; 2.3 × the limit" ${atMs}000000`,
    );
    expect(linesOf({ from: 'unacknowledged', to: 'acknowledged' })).toHaveLength(1);
    const ended = linesOf({ from: 'acknowledged', to: 'normal', atMs: atMs + 60_000, stoodSinceMs: atMs });
    expect(ended[0]).toContain(' state="normal",state_code=0i,active=0i,');
    expect(ended[1]).toBe(`${head} priority="high",time_end=${atMs + 60_000}i ${atMs}000000`);
  });

  it('writes what somebody said without a state, so that it hides no change that comes after it with an earlier time', () => {
    const line = encoder.transition(transition({ from: 'acknowledged', to: 'acknowledged', verb: 'comment', by: 'Ann', comment: 'seen' }));
    expect(line).not.toMatch(/state|active/);
    expect(line).toMatch(/^fettle_alarm,\S.* from="acknowledged",to="acknowledged",.*by="Ann",comment="seen",verb="comment" \d+$/);
  });

  it('keeps two transitions of one asset in one millisecond apart', () => {
    const lines = [7, 8].map((sequence) => encoder.transition(transition({ sequence })).split('\n')[0] as string);
    expect(lines.map((line) => line.split(' ').at(-1))).toEqual([`${atMs}000007`, `${atMs}000008`]);
    expect(encoder.transition(transition({ sequence: 7 })).split('\n')[0]).toBe(lines[0]);
  });
});

describe('line protocol, read back from InfluxDB', () => {
  let influxd: Influxd | undefined;
  beforeAll(async () => {
    influxd = await startInfluxd();
    await influxd?.query('', 'CREATE DATABASE fettle');
  });
  afterAll(() => influxd?.dispose());

  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.string({ unit: fc.constantFrom('\\', ',', '=', ' ', '"', '\n', '\r', '#', 'a', 'é', '\t', "'"), maxLength: 12 }),
  );
  const shownName = (name: string) => (name === '' ? '-' : name.replace(/\p{Cc}/gu, ' ').replace(/\\(?=[,= ]|$)/g, '/'));
  const shownText = (field: string) => field.replace(/\r?\n|\r/g, '\\n');

  it('gives back what was written', async ({ skip }) => {
    if (!influxd) return skip('influxd is not installed');
    const server = influxd;
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ tag: text, words: text, value: fc.double(), timeMs: fc.double({ min: -1e12, max: 9e12, noNaN: true }) }), {
          minLength: 1,
          maxLength: 40,
        }),
        async (points) => {
          const measurement = `m${run++}`;
          const lines = points.map(({ tag, words, value, timeMs }, index) =>
            lineOf(
              lineHead(measurement, { t: tag, n: `${index}` }),
              `${numberField('value', value)}words=${textField(words)},`,
              nanoseconds(timeMs),
            ),
          );
          expect(await server.write('fettle', lines.join('\n'))).toEqual({ status: 204, text: '' });
          const rows = await server.query('fettle', `SELECT * FROM ${measurement}`);
          const found = new Map(rows.map((row) => [row.n, row]));
          for (const [index, { tag, words, value, timeMs }] of points.entries()) {
            const row = found.get(`${index}`);
            expect(row).toMatchObject({ t: shownName(tag), words: shownText(words) });
            expect(`${row?.time}`).toBe(nanoseconds(timeMs));
            // The helper keeps long integers as text.
            expect(row?.value == null ? null : Number(row.value)).toBe(Number.isFinite(value) ? value + 0 : null);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
