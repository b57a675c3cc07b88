import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderListen } from '../../src/cli/mqtt-view.ts';
import { HeardTopics } from '../../src/commissioning/mqtt-listen/heard-topics.ts';
import { dissect } from '../../src/commissioning/mqtt-listen/payload.ts';
import { type ListenReport, reportOf } from '../../src/commissioning/mqtt-listen/report.ts';
import { parseConfig } from '../../src/config/load.ts';
import { Interner } from '../../src/core/interner.ts';
import type { MqttSourceConfig } from '../../src/sources/mqtt/config.ts';
import { TopicRule } from '../../src/sources/mqtt/topic-reader.ts';
import { compileTopicTemplate } from '../../src/sources/mqtt/topic-template.ts';
import { collectingInlet, type Taken } from '../sources/mqtt/read-message.ts';

const startMs = Date.now();

interface Said {
  readonly topic: string;
  readonly payload: string | object;
  readonly atMs?: number;
  readonly retained?: boolean;
}

const bytes = (payload: string | object): Buffer =>
  Buffer.isBuffer(payload) ? payload : Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));

function reportOn(messages: Iterable<Said>, heard = new HeardTopics()): ListenReport {
  for (const { topic, payload, atMs = 0, retained = false } of messages)
    heard.add({ topic, payload: bytes(payload), arrivalMs: startMs + atMs, retained, qos: 0 });
  return reportOf(
    { heard, protocol: '5', seconds: 30, endedBy: undefined, elsewhere: undefined },
    { broker: { url: 'mqtt://broker:1883' }, filters: ['#'], qos: 0, passwordFile: undefined },
  );
}

/** `times` rounds of messages, one after the other. */
const rounds = (times: number, everyMs: number, say: (round: number, nowMs: number) => Said[]): Said[] =>
  Array.from({ length: times }, (_, k) => say(k, startMs + k * everyMs).map((said) => ({ atMs: k * everyMs, ...said }))).flat();

/** The proposal through the loader of the configuration, then the messages through the readers of the source. */
function readAsProposed({ yaml = '' }: ListenReport, messages: readonly Said[]): Taken[] {
  const { config } = parseConfig(`site: test\n${yaml}`, 'fettle.yaml', {});
  const [source] = config.sources as MqttSourceConfig[];
  const tags = new Interner(1000);
  const taken: Taken[] = [];
  const rules = source?.topics.map((topic) => new TopicRule(topic)) ?? [];
  for (const { topic, payload, atMs = 0, retained = false } of messages) {
    const buffer = bytes(payload);
    for (const rule of rules)
      rule
        .readerOf(topic, { tags, unitOf: (tag) => config.tags[tag]?.engineeringUnit })
        ?.read({ buffer, start: 0, end: buffer.length, arrivalMs: startMs + atMs, retained }, collectingInlet(tags, taken));
  }
  return taken;
}

const valuesOf = (taken: readonly Taken[]): Record<string, (number | string)[]> => {
  const values: Record<string, (number | string)[]> = {};
  for (const { tag, value, quality } of taken) values[tag] = [...(values[tag] ?? []), quality === 'good' ? value : quality];
  return values;
};

describe('a payload is taken apart', () => {
  const paths = (payload: string | object): unknown[][] => dissect('t', bytes(payload)).leaves.map(({ path, value }) => [path, value]);

  it.each([
    ['{"a":{"b c":1},"t":2}', 'json', ["$.a['b c']", '$.t']],
    ['[1,2]', 'json', ['$[0]', '$[1]']],
    ['{"w":[1,2,3,4,5]}', 'json', ['$.w[*]']],
    [`{"s":[{"t":${startMs},"v":1},{"t":${startMs + 5},"v":2}]}`, 'json', ['$.s[*].t', '$.s[*].v']],
    ['{"__proto__":{"x":1}}', 'json', ['$.__proto__.x']],
    ['23,4 °C', 'scalar', ['$']],
    ['ON', 'scalar', ['$']],
    ['stopped', 'word', ['$']],
    ['1;2;3', 'csv', ['$[0]', '$[1]', '$[2]']],
    ['time,flow\n2026-11-23T06:00:00Z,4', 'csv', ['$.time', '$.flow']],
    ['pump,host=a flow=3 1795000000000000000', 'influx', ['$.pump.flow']],
    ['{"broken":', 'text', []],
    ['', 'empty', []],
  ])('%s', (payload, kind, expected) => {
    expect(dissect('t', bytes(payload)).kind).toBe(kind);
    expect(paths(payload).map(([path]) => path)).toEqual(expected);
  });

  it('or told to be unreadable', () => {
    expect(dissect('t', Buffer.from([0x1f, 0x8b, 8, 0]))).toMatchObject({ kind: 'binary', remark: 'gzip' });
    expect(dissect('t', Buffer.from([8, 150, 1, 200, 3])).kind).toBe('binary');
    expect(dissect('spBv1.0/g/DDATA/n', Buffer.from('{}')).kind).toBe('sparkplug');
    expect(dissect('spBv1.0/STATE/host', Buffer.from('{"online":true}')).kind).toBe('json');
  });
});

describe('topics', () => {
  it('of one shape are one template, named after what plants have there', () => {
    const messages = rounds(10, 1000, (k, now) =>
      ['line1/pump', 'line1/fan', 'line2/press'].map((machine) => ({
        topic: `plant/${machine}/telemetry`,
        payload: { ts: now, flow: 4 + k, on: k % 2 === 0 },
      })),
    );
    const report = reportOn(messages);
    expect(report.groups).toMatchObject([
      { template: 'plant/{line}/{machine}/telemetry', topicCount: 3, messages: 30, intervalMs: 1000, rhythm: 'regular', perSecond: 1 },
    ]);
    const taken = readAsProposed(report, messages);
    expect(Object.keys(valuesOf(taken)).sort()).toEqual(
      ['line1/fan', 'line1/pump', 'line2/press'].flatMap((machine) => [`${machine}/flow`, `${machine}/on`]),
    );
    expect(valuesOf(taken)['line2/press/flow']).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    expect(taken.every(({ timeMs }, i) => timeMs === startMs + Math.floor(i / 6) * 1000)).toBe(true);
  });

  it('of another shape are never taken by a template', () => {
    const messages = rounds(6, 1000, (k) => [
      ...['a', 'b'].flatMap((area) => ['temp', 'pressure'].map((what) => ({ topic: `x/${area}/${what}`, payload: String(k) }))),
      { topic: 'x/a/state', payload: k % 2 ? 'open' : 'closed' },
      { topic: 'x/b/info', payload: { version: '1.2' } },
    ]);
    const report = reportOn(messages);
    expect(report.proposal.trial.problems).toEqual([]);
    expect(valuesOf(readAsProposed(report, messages))).toEqual({
      'a/temp': [0, 1, 2, 3, 4, 5],
      'b/temp': [0, 1, 2, 3, 4, 5],
      'a/pressure': [0, 1, 2, 3, 4, 5],
      'b/pressure': [0, 1, 2, 3, 4, 5],
      'a/state': [0, 1, 0, 1, 0, 1],
    });
  });

  it('never give one tag from two values', () => {
    const messages = rounds(4, 1000, (k) => [
      { topic: 'hall/data', payload: { a: { b: k }, 'a/b': 100 + k } },
      { topic: 'hall/telemetry', payload: { a: { b: 200 + k }, c: [{ q: 300 + k }] } },
    ]);
    const values = valuesOf(readAsProposed(reportOn(messages), messages));
    expect(Object.values(values).map(([first]) => first)).toEqual([0, 100, 200, 300]);
  });

  it('with several devices on one are not proposed, and the reason is said', () => {
    const { proposal, yaml } = reportOn(rounds(6, 1000, (k) => [{ topic: 'gw/all', payload: { device: k % 2 ? 'p1' : 'p2', flow: k } }]));
    expect(yaml).toBeUndefined();
    expect(proposal.leftOut).toEqual([expect.stringContaining('told apart by $.device (p2, p1)')]);
  });

  it('of clients that say whether they are there become availability', () => {
    const messages = rounds(6, 1000, (k) =>
      ['p1', 'p2'].flatMap((machine) => [
        { topic: `plant/${machine}/flow`, payload: String(k) },
        { topic: `plant/${machine}/status`, payload: 'online', retained: true },
      ]),
    );
    expect(reportOn(messages).proposal.source).toMatchObject({
      topics: [{ topic: 'plant/{machine}/flow', availability: { topic: 'plant/{machine}/status', online: 'online', offline: 'offline' } }],
    });
  });

  it('stay of one shape where there was no room for all their values', () => {
    const messages = rounds(2, 1000, (k) =>
      Array.from({ length: 30 }, (_, i) => ({ topic: `plant/m${i}/data`, payload: { a: k, b: 2, c: 3 } })),
    );
    const { groups, proposal } = reportOn(messages, new HeardTopics({ topics: 100, fields: 20 }));
    expect(groups).toMatchObject([{ template: 'plant/{machine}/data', topicCount: 30 }]);
    expect(proposal.trial).toMatchObject({ messages: 30, samples: 90 });
  });

  it('are bounded: what goes beyond is counted and said', () => {
    const messages = Array.from({ length: 50 }, (_, k) => ({ topic: `t/${k}`, payload: { a: k, b: k } }));
    const report = reportOn(messages, new HeardTopics({ topics: 10, fields: 15 }));
    expect(report).toMatchObject({ messages: 50, topics: 10, beyond: { messages: 40, values: 5 } });
    expect(report.hints).toEqual(
      expect.arrayContaining([expect.stringContaining('only the first 10 topics'), expect.stringContaining('5 were not looked at')]),
    );
  });
});

describe('values', () => {
  it.each([
    ['decimal commas with units', (k: number) => `${k},5 °C`, [0.5, 1.5, 2.5, 3.5], { 'plant/oven': { engineeringUnit: '°C' } }],
    ['words', (k: number) => (k % 2 ? 'Running' : 'Stopped'), [0, 1, 0, 1], {}],
    ['switches', (k: number) => (k % 2 ? 'ON' : 'off'), [0, 1, 0, 1], {}],
  ])('as %s', (_, payload, expected, tags) => {
    const messages = rounds(4, 1000, (k) => [{ topic: 'plant/oven', payload: payload(k) }]);
    const report = reportOn(messages);
    expect(valuesOf(readAsProposed(report, messages))).toEqual({ 'plant/oven': expected });
    expect(report.proposal.tags).toEqual(tags);
  });

  it('in lines of cells, with a header or without', () => {
    const messages = rounds(4, 1000, (k, now) => [
      { topic: 'hall/meter/csv', payload: `time;Power [kW];note\r\n${new Date(now).toISOString()};${k},25;ok\r\n` },
      { topic: 'hall/scale/csv', payload: `${now},${k},${10 * k}` },
    ]);
    const report = reportOn(messages);
    expect(report.groups.map(({ csv }) => csv)).toEqual([
      { separator: ';', columnCount: 3, header: ['time', 'Power [kW]', 'note'] },
      { separator: ',', columnCount: 3 },
    ]);
    const taken = readAsProposed(report, messages);
    expect(valuesOf(taken)).toEqual({
      'meter/csv/Power': [0.25, 1.25, 2.25, 3.25],
      'meter/csv/note': [0, 0, 0, 0],
      'scale/csv/column-1': [0, 1, 2, 3],
      'scale/csv/column-2': [0, 10, 20, 30],
    });
    expect(taken.map(({ timeMs }) => timeMs - startMs).slice(0, 8)).toEqual([0, 0, 0, 0, 1000, 1000, 1000, 1000]);
    expect(report.proposal.tags).toEqual({ 'meter/csv/Power': { engineeringUnit: 'kW' } });
  });

  it('in line protocol, with the tags of the lines in the name', () => {
    const messages = rounds(4, 1000, (k, now) => [
      { topic: 'tele/gw', payload: `air,room=r1 temp=${k} ${now}000000\nair,room=r2 temp=${k + 100},ok=t ${now}000000\n` },
    ]);
    const report = reportOn(messages);
    expect(valuesOf(readAsProposed(report, messages))).toEqual({
      'gw/r1/air/temp': [0, 1, 2, 3],
      'gw/r2/air/temp': [100, 101, 102, 103],
      'gw/r2/air/ok': [1, 1, 1, 1],
    });
  });

  it('in elements that are named, and in arrays', () => {
    const messages = rounds(4, 1000, (k, now) => [
      {
        topic: 'a/press/senml',
        payload: [
          { n: 'flow', u: 'l/min', v: k },
          { n: 'pressure', u: 'bar', v: 2 * k },
        ],
      },
      { topic: 'a/press/wave', payload: { t: now, acceleration: Array.from({ length: 10 }, (_, i) => k * 10 + i) } },
    ]);
    const report = reportOn(messages);
    const taken = readAsProposed(report, messages);
    expect(valuesOf(taken)).toEqual({
      'press/senml/flow': [0, 1, 2, 3],
      'press/senml/pressure': [0, 2, 4, 6],
      'press/wave/acceleration': Array.from({ length: 40 }, (_, i) => i),
    });
    expect(
      taken
        .filter(({ tag }) => tag.endsWith('acceleration'))
        .map(({ timeMs }) => timeMs - startMs)
        .slice(8, 12),
    ).toEqual([-100, 0, 100, 200]);
    expect(report.proposal.tags).toEqual({
      'press/senml/flow': { engineeringUnit: 'l/min' },
      'press/senml/pressure': { engineeringUnit: 'bar' },
    });
  });

  it('whose place in a list moves are not proposed', () => {
    const { proposal } = reportOn(
      rounds(6, 1000, (k) => [
        {
          topic: 'a/b',
          payload: {
            ok: k,
            list:
              k % 2
                ? [
                    { n: 'x', v: 1 },
                    { n: 'y', v: 2 },
                  ]
                : [
                    { n: 'y', v: 2 },
                    { n: 'x', v: 1 },
                  ],
          },
        },
      ]),
    );
    expect(proposal.source).toMatchObject({ topics: [{ tags: { 'a/b/ok': '$.ok' } }] });
  });

  it('that come on change are held, slow ones may be old', () => {
    const irregular = [0, 400, 9000, 9300, 20_000, 20_500, 29_000].map((atMs, k) => ({ topic: 'a/valve', payload: String(k), atMs }));
    const slow = rounds(6, 5000, (k) => [{ topic: 'a/tank', payload: String(k) }]);
    expect(reportOn([...irregular, ...slow]).proposal.tags).toEqual({
      valve: { hold: true, maxAge: '1m' },
      tank: { maxAge: '30s' },
    });
  });
});

describe('the time', () => {
  const withTime = (stamp: (nowMs: number, k: number) => unknown): ListenReport =>
    reportOn(rounds(10, 1000, (k, now) => [{ topic: 'a/b', payload: { ts: stamp(now, k), v: k } }]));
  const sourceTime = ({ proposal }: ListenReport): unknown => (proposal.source as { topics: { time?: unknown }[] }).topics[0]?.time;

  it.each([
    ['epoch in s', (now: number) => now / 1000, { forms: ['s'] }],
    ['epoch in ns', (now: number) => now * 1e6, { forms: ['ns'] }],
    ['ISO 8601', (now: number) => new Date(now).toISOString(), { forms: ['iso'] }],
    ['a slow clock', (now: number) => now - 720_000, { forms: ['ms'], behindMs: 720_000, trouble: 'behind' }],
  ])('is found: %s', (_, stamp, expected) => {
    const report = withTime(stamp);
    expect(report.groups[0]?.time).toMatchObject({ path: '$.ts', ...expected });
    expect(sourceTime(report)).toEqual({ path: '$.ts' });
  });

  it.each([
    ['local time', (now: number) => new Date(now + 3_600_000).toISOString().slice(0, -1), 'zone', 'local time without a zone'],
    ['an uptime', (_: number, k: number) => 5000 + k * 1000, 'uptime', 'no clock'],
    ['a date of people', () => '23.11.2026 06:00', 'foreign', 'a date that Fettle does not read'],
    ['a clock a day ahead', (now: number) => now + 86_400_000, 'ahead', '1 d ahead'],
  ])('is left out, and said why: %s', (_, stamp, trouble, words) => {
    const report = withTime(stamp);
    expect(report.groups[0]?.time).toMatchObject({ path: '$.ts', trouble });
    expect(sourceTime(report)).toBeUndefined();
    expect(report.hints.join('\n')).toContain(words);
    expect(report.yaml).toMatch(/# .*ts.*left out, samples get the time of their arrival|# the clock of a\/b is 1 d ahead; left out/);
  });

  it('is told from a counter by its name, or by being right', () => {
    const { groups } = reportOn(
      rounds(10, 1000, (k, now) => [
        { topic: 'a/b', payload: { energy: 1_700_000_000 + k, installed: '2024-01-01T00:00:00Z', when: now } },
      ]),
    );
    expect(groups[0]?.time?.path).toBe('$.when');
    expect(groups[0]?.fields.find(({ path }) => path === '$.energy')?.role).toBe('value');
  });

  it('of retained messages says nothing of the clock', () => {
    const { groups, hints } = reportOn([{ topic: 'a/b', payload: { ts: startMs - 9e7, v: 1 }, retained: true }]);
    expect(groups[0]?.time).toMatchObject({ behindMs: null });
    expect(hints.join('\n')).toContain('only retained messages');
  });
});

it('a person reads it', () => {
  const report = reportOn(
    rounds(10, 1000, (k, now) => [
      { topic: 'plant/p1/telemetry', payload: { ts: now, flow: 4 + k / 10, unit: 'l/min', state: k % 2 ? 'run' : 'stop' } },
      { topic: 'plant/p2/telemetry', payload: { ts: now - 720_000, flow: 3, unit: 'l/min', state: 'run' } },
      { topic: 'spBv1.0/g/DDATA/n/d', payload: Buffer.from([8, 200]) },
      { topic: 'evil/\u001b[2J', payload: '\u001b[2J' },
    ]),
  );
  const text = renderListen(report, (_, plain) => plain);
  expect(text).toContain('plant/{machine}/telemetry\n  JSON, 2 topics, 20 messages, 0.67/s, every 1 s, ');
  expect(text).toContain('  time $.ts: epoch in ms; clock right, worst 12 min behind (plant/p2/telemetry)\n');
  expect(text).toMatch(/ {2}\$\.flow +number +3 … 4\.9\n/);
  expect(text).toMatch(/ {2}\$\.state +states +stop, run/);
  expect(text).toContain('Sparkplug B (protobuf), cannot be read');
  expect(text).toContain('→ plant/p2/telemetry: its clock is 12 min behind');
  expect(text).toContain('  p1/flow: { engineeringUnit: l/min }');
  expect(text).not.toContain('\u001b');
});

describe('whatever is heard', () => {
  const odd = fc.constantFrom(
    'a',
    'b',
    'A b',
    '',
    '{x}',
    '${env:HOME}',
    '$x',
    "it's",
    '"q"',
    '__proto__',
    'length',
    '1',
    'é',
    'x'.repeat(300),
    '#',
    'true',
    '- a',
    ': ',
    '\u001b[2J',
    'ts',
    'value',
    'unit',
    'id',
    'a/b',
    '~',
  );
  const level = odd.filter((text) => !/[+#/]/.test(text));
  const leaf = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    odd,
    fc.constant(startMs),
    fc.constant(new Date(startMs).toISOString()),
    fc.constant('23,4 °C'),
    fc.constant('${file:/etc/passwd}'),
  );
  const document = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('value'), { maxLength: 6 }),
      fc.array(fc.tuple(odd, tie('value')), { maxLength: 5 }).map(Object.fromEntries),
    ),
  })).value;
  const payload = fc.oneof(
    document.map((value) => JSON.stringify(value)),
    fc.string({ maxLength: 30 }),
    fc
      .array(fc.array(fc.oneof(odd, fc.integer().map(String)), { maxLength: 4 }), { maxLength: 3 })
      .map((rows) => rows.map((row) => row.join(';')).join('\n')),
    fc.tuple(odd, odd, odd, fc.integer()).map(([name, tag, field, value]) => `${name},${tag}=${tag} ${field}=${value}`),
    fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array)),
  );
  const said = fc.array(
    fc.tuple(
      fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/') || 'x'),
      payload,
    ),
    { minLength: 1, maxLength: 12 },
  );

  it('what is proposed is a configuration, no tag has two sources, and nothing steers the terminal', () => {
    fc.assert(
      fc.property(said, (list) => {
        const messages = list.map(([topic, one], i) => ({ topic, payload: one, atMs: i * 100 }));
        const report = reportOn(messages);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
        expect(renderListen(report, (_, text) => text).replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
        if (report.yaml === undefined) return;
        const { config } = parseConfig(`site: test\n${report.yaml}`, 'fettle.yaml', {});
        expect(config.sources).toHaveLength(1);
        for (const message of messages) readAsProposed(report, [message]);
        const topics = [...new Set(messages.map(({ topic }) => topic))];
        const tags = (config.sources as MqttSourceConfig[]).flatMap((source) =>
          source.topics.flatMap(({ topic: template, tags: paths }) =>
            topics.flatMap((topic) => {
              const levels = compileTopicTemplate(template).match(topic);
              // What the lines bring is kept.
              const fill = (pattern: string): string => pattern.replaceAll(/\{(\w+)\}/g, (whole, name: string) => levels?.[name] ?? whole);
              return levels === undefined ? [] : Object.keys(paths).map(fill);
            }),
          ),
        );
        expect(tags.filter((tag, i) => tags.indexOf(tag) !== i)).toEqual([]);
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});
