import { describe, expect, it } from 'vitest';
import { mqttSourceSchema } from '../../../src/sources/mqtt/config.ts';
import { readMessage, readMessages } from './read-message.ts';

const ts = 1_795_000_000_000;
const iso = new Date(ts).toISOString();
const values = (topic: object, payload: string, options = {}): (string | number)[][] =>
  readMessage({ topic: 't', ...topic }, 't', payload, options).taken.map(({ tag, timeMs, value, quality }) =>
    quality === 'good' ? [tag, timeMs - ts, value] : [tag, timeMs - ts, quality],
  );

describe('numbers that come as text', () => {
  const json = { tags: { v: '$.v' } };
  it.each([
    ['23.4', 23.4],
    [' -1e3 ', -1000],
    ['+0.5', 0.5],
    ['.5', 0.5],
    ['7.', 7],
    ["1'234.5", 1234.5],
    ['1,234.5', 1234.5],
    ['23.4 °C', 23.4],
    ['65%', 65],
    ['12.5 m3/h', 12.5],
    ['1450 1/min', 1450],
    ['ON', 1],
    ['false', 0],
    ['\u22125', -5],
  ])('%j is %d', (text, value) => expect(values(json, JSON.stringify({ v: text }))).toEqual([['v', 0, value]]));

  it.each(['', 'n/a', 'NaN', '---', 'unavailable', 'Infinity'])('%j says that there is none', (text) =>
    expect(values(json, JSON.stringify({ v: text }))).toEqual([['v', 0, 'badNotAvailable']]),
  );

  it.each(['warm', '12:30', '10.0.0.7', '0x1F', '1,234', '5 apples and 3', '1.2.3', '3e', '2026-11-23'])(
    '%j is none, and said so',
    (text) => {
      const { taken, rejection } = readMessage({ topic: 't', ...json }, 't', JSON.stringify({ v: text }));
      expect(taken).toMatchObject([{ quality: 'badNotAvailable' }]);
      expect(rejection).toMatchObject({ kind: 'part', reason: expect.stringContaining('is not a number') });
    },
  );

  it('have the decimal comma and the words a person names', () => {
    const german = { ...json, decimal: 'comma', words: { Auf: 1, zu: 0 } };
    expect(values(german, '{"v":"1.234,5 kWh"}')).toEqual([['v', 0, 1234.5]]);
    expect(values(german, '{"v":"0,5"}')).toEqual([['v', 0, 0.5]]);
    expect(values(german, '{"v":"auf"}')).toEqual([['v', 0, 1]]);
    expect(values(german, '{"v":"ZU"}')).toEqual([['v', 0, 0]]);
  });

  it('in another unit than the tag are bad: 25 °F is not 25 °C', () => {
    const read = (text: string, units: Record<string, string>) =>
      readMessage({ topic: 't', ...json }, 't', JSON.stringify({ v: text }), { units });
    expect(read('25 °C', { v: '°C' }).taken1).toMatchObject({ value: 25, quality: 'good' });
    expect(read('25 C', { v: '°C' }).taken1?.quality).toBe('good');
    const wrong = read('77 °F', { v: '°C' });
    expect(wrong.taken1?.quality).toBe('badConfigurationError');
    expect(wrong.rejection?.reason).toBe('v comes in °F, its engineeringUnit is °C');
    // Nobody said which: the first unit stands.
    const { taken } = readMessages({ topic: 't', ...json }, 't', ['{"v":"5 mW"}', '{"v":"5 MW"}', '{"v":"6 mW"}']);
    expect(taken.map(({ quality }) => quality)).toEqual(['good', 'badConfigurationError', 'good']);
  });
});

describe('JSON', () => {
  it('may have a time for each element, nested, in the order it likes', () => {
    const topic = { time: { path: '$.d.s[*].t' }, tags: { a: '$.d.s[*].a', b: '$.d.s[*].b', mode: '$.mode' } };
    const s = [
      { t: iso, a: 1, b: true },
      { t: ts - 500, a: '2', b: false },
      { t: 'soon', a: 3 },
      { t: ts - 1500, b: null },
    ];
    expect(values(topic, JSON.stringify({ mode: 4, d: { s } }))).toEqual([
      ['a', 0, 1],
      ['a', -500, 2],
      ['b', 0, 1],
      ['b', -500, 0],
      ['b', -1500, 'badNotAvailable'],
      ['mode', 0, 4],
    ]);
    const uneven = readMessage({ topic: 't', time: { path: '$.t' }, tags: { a: '$.a[*]' } }, 't', `{"t":[${ts},${ts + 1}],"a":[1,2,3]}`);
    expect(uneven).toMatchObject({ taken: [], rejection: { reason: 'a has 3 values for 2 times' } });
  });

  it('of Python and C may have NaN', () => {
    expect(values({ tags: { a: '$.a', b: '$.b' } }, '{"a": NaN, "b": 2, "s": "NaN, nan"}')).toEqual([
      ['a', 0, 'badNotAvailable'],
      ['b', 0, 2],
    ]);
  });
});

describe('csv', () => {
  it('goes by header, position or configured names', () => {
    expect(values({ payload: 'csv', tags: { a: '$.a', b: "$['b c']" } }, 'a,"b c"\r\n1,2\r\n')).toEqual([
      ['a', 0, 1],
      ['b', 0, 2],
    ]);
    expect(values({ payload: 'csv', time: { path: '$[0]' }, tags: { a: '$[2]' } }, `${iso};x;3\n${ts - 100};y;4`)).toEqual([
      ['a', 0, 3],
      ['a', -100, 4],
    ]);
    const named = { payload: 'csv', csv: { columns: ['t', 'a', 'b'] }, time: { path: '$.t' }, tags: { b: '$.b', a: '$.a' } };
    expect(values(named, `${ts}\t5\t\n`)).toEqual([['a', 0, 5]]);
  });

  it('with decimal commas is divided by semicolons', () => {
    expect(values({ payload: 'csv', decimal: 'comma', tags: { a: '$[0]', b: '$[1]' } }, '1,5;2,5 bar')).toEqual([
      ['a', 0, 1.5],
      ['b', 0, 2.5],
    ]);
  });

  it('lines with cells too few or too many are left out: values may stand in wrong columns', () => {
    const { taken, rejection } = readMessage(
      { topic: 't', payload: 'csv', tags: { a: '$.a', b: '$.b' } },
      't',
      'a,b\n1,2\n3\n4,5,6\n7,8,\n',
    );
    expect(taken.map(({ value }) => value)).toEqual([1, 2, 7, 8]);
    expect(rejection).toEqual({ kind: 'part', reason: 'a line has 1 cells, not 2' });
  });

  it.each([
    ['x,y\n1,2', 'no column "a"'],
    ['a,a\n1,2', 'two columns have one name'],
    ['a,b', 'a header without lines'],
    ['a,"b\n1,2', 'not closed'],
    ['', 'empty'],
  ])('%j is rejected: %s', (payload, reason) =>
    expect(readMessage({ topic: 't', payload: 'csv', tags: { a: '$.a' } }, 't', payload).rejection?.reason).toContain(reason),
  );
});

describe('InfluxDB line protocol', () => {
  it('gives fields of measurements, named by topic, measurement, field and tags of the line', () => {
    const topic = {
      topic: 'site/{line}',
      payload: 'influx',
      tags: { '{line}/{machine}/{field}': '$.pump.*', '{line}/rpm': "$.drive['shaft speed']" },
    };
    const lines = [
      `pump,machine=p1,x=a\\ b flow=1.5,running=t,state="on, 1",count=7i ${ts}000000`,
      '# a comment',
      `drive shaft\\ speed=1450 ${ts - 1000}000000`,
      `weather temp=3 ${ts}000000`,
    ].join('\n');
    const { taken } = readMessage(topic, 'site/l1', lines);
    expect(taken.map(({ tag, timeMs, value }) => [tag, timeMs - ts, value])).toEqual([
      ['l1/p1/flow', 0, 1.5],
      ['l1/p1/running', 0, 1],
      ['l1/p1/count', 0, 7],
      ['l1/rpm', -1000, 1450],
    ]);
  });

  it.each([
    ['pump flow', 'without a value'],
    ['pump flow=abc', 'no value that line protocol knows'],
    ['pump flow=1 soon', 'not a time'],
    ['pump flow=1 1 1', 'something stands behind'],
    [',a=1 flow=1', 'without measurement'],
    ['pump other=1', 'none of the configured fields'],
  ])('%j is rejected: %s', (payload, reason) =>
    expect(readMessage({ topic: 't', payload: 'influx', tags: { a: '$.flow' } }, 't', payload).rejection?.reason).toContain(reason),
  );
});

describe('a payload of any kind', () => {
  const auto = { payload: 'auto', tags: { flow: '$.flow' } };
  it('is told by its look', () => {
    expect(values(auto, '{"flow":1}')).toEqual([['flow', 0, 1]]);
    expect(values(auto, 'pump flow=2')).toEqual([['flow', 0, 2]]);
    expect(values(auto, 'flow,x\n3,4')).toEqual([['flow', 0, 3]]);
    expect(values({ payload: 'auto', tags: { flow: '$' } }, '5 l/min')).toEqual([['flow', 0, 5]]);
  });

  it('or by its MQTT 5 content type', () => {
    const properties = { contentType: 'text/csv; charset=utf-8', user: new Map() };
    expect(values(auto, 'flow\n7', { properties })).toEqual([['flow', 0, 7]]);
  });
});

describe('clocks of devices', () => {
  const topic = { topic: 't', time: { path: '$.t' }, tags: { v: '$.v' } };
  const arrivalMs = ts + 5000;

  it('that count from their start are no time of day: arrival, and said so', () => {
    const { taken, reader } = readMessages(topic, 't', ['{"t":12345,"v":1}', '{"t":99999999,"v":2}'], { arrivalMs });
    expect(taken.map(({ timeMs }) => timeMs)).toEqual([arrivalMs, arrivalMs]);
    expect(reader.intake.notEpoch).toBe(2);
    const strict = readMessage({ ...topic, time: { path: '$.t', otherwise: 'reject' } }, 't', '{"t":12345,"v":1}');
    expect(strict).toMatchObject({ taken: [], rejection: { reason: 'no readable time stamp' } });
  });

  it('may stand in a user property', () => {
    const property = { topic: 't', payload: 'scalar', time: { property: 'ts' }, tags: { v: '$' } };
    const user = new Map([['ts', String(ts - 250)]]);
    expect(readMessage(property, 't', '5', { properties: { contentType: undefined, user } }).taken1?.timeMs).toBe(ts - 250);
  });

  it('that repeat themselves say nothing new; the same value at another time does', () => {
    const { taken, rejections } = readMessages(topic, 't', [`{"t":${ts},"v":1}`, `{"t":${ts},"v":1}`, `{"t":${ts + 1},"v":1}`], {
      arrivalMs,
    });
    expect(taken).toHaveLength(2);
    expect(rejections.map((rejection) => rejection?.kind)).toEqual([undefined, 'repeated', undefined]);
    // Without a time of its own it is a new value each time.
    expect(readMessages({ topic: 't', tags: { v: '$.v' } }, 't', ['{"v":1}', '{"v":1}']).taken).toHaveLength(2);
  });
});

describe('configuration', () => {
  const problems = (topic: object, source: object = {}): string[] =>
    mqttSourceSchema
      .safeParse({ id: 'm', type: 'mqtt', url: 'mqtt://x', topics: [{ topic: 'p/{m}', tags: {}, ...topic }], ...source })
      .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

  it.each([
    [
      { payload: 'csv', tags: { a: '$.x.y' } },
      'topics.0.tags.a: "$.x.y" is no column; write $.name as in the header, or $[0] for the first',
    ],
    [{ payload: 'csv', csv: { columns: ['b'] }, tags: { a: '$.a' } }, 'topics.0.tags.a: "a" is not one of csv.columns'],
    [{ payload: 'influx', tags: { a: '$' } }, 'topics.0.tags.a: "$" is no field; write $.field, $.measurement.field or $.*'],
    [
      { payload: 'influx', time: { path: '$.t' }, tags: { a: '$.a' } },
      'topics.0.time.path: line protocol has its time at the end of each line; leave the path out',
    ],
    [{ tags: { '{x}/a': '$.a' } }, 'topics.0.tags.{x}/a: {x} does not stand in the topic p/{m}'],
    [{ availability: { topic: 'p/{x}/state' } }, 'topics.0.availability.topic: {x} does not stand in the topic p/{m}'],
  ])('%j is refused', (topic, problem) => expect(problems(topic)).toEqual([problem]));

  it('of groups and certificates is whole', () => {
    expect(problems({}, { share: 'g' })).toEqual(['share: wants a clientId that no other gateway of the group has']);
    expect(problems({}, { cert: 'a.pem' })).toEqual(['key: cert and key come together']);
    expect(problems({}, { share: 'g', clientId: 'a', cert: 'a.pem', key: 'a.key' })).toEqual([]);
  });
});
