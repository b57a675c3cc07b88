import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTimestamp } from '../../../src/core/timestamp.ts';
import { compileJsonPath, jsonPathProblem } from '../../../src/sources/mqtt/json-path.ts';
import { compileTopicTemplate, mayGive, topicTemplateProblem } from '../../../src/sources/mqtt/topic-template.ts';
import { readMessage as read } from './read-message.ts';

describe('topic templates', () => {
  it.each([
    ['plant/{area}/{machine}/telemetry', 'plant/+/+/telemetry', 'plant/line1/pump/telemetry', { area: 'line1', machine: 'pump' }],
    ['plant/sensor-{id}/+/v', 'plant/+/+/v', 'plant/sensor-7/x/v', { id: '7' }],
    ['a/{b}/#', 'a/+/#', 'a/x/y/z', { b: 'x' }],
    ['a/{b}/#', 'a/+/#', 'a/x', { b: 'x' }],
  ])('%s subscribes %s', (template, filter, topic, levels) => {
    const compiled = compileTopicTemplate(template);
    expect(compiled.filter).toBe(filter);
    expect(compiled.match(topic)).toEqual(levels);
    expect(compiled.match(`${topic}x/other/level`.replace('plant', 'other').replace(/^a/, 'b'))).toBeUndefined();
  });

  it.each([
    ['a/{b', 'brace'],
    ['a/#/b', '#'],
    ['a/x+/b', '+'],
    ['{a}/{a}', 'twice'],
  ])('%s is refused', (template, word) => {
    expect(topicTemplateProblem(template)).toContain(word);
  });

  it('tell whether a tag can come from them', () => {
    expect(mayGive('{area}/{machine}/flow', 'line1/pump/flow')).toBe(true);
    expect(mayGive('{area}/{machine}/flow', 'line1/pump/flows')).toBe(false);
    expect(mayGive('{area}/{machine}/flow', 'flow')).toBe(false);
  });
});

describe('paths', () => {
  const document = { flow: 1, a: { b: [{ v: 2 }, { v: 3 }] }, 'odd name': 4, list: [5, 6], none: null };
  it.each([
    ['$', document],
    ['$.flow', 1],
    ['$.a.b[1].v', 3],
    ["$['odd name']", 4],
    ['$.list[*]', [5, 6]],
    ['$.a.b[*].v', [2, 3]],
    ['$.missing', undefined],
    ['$.flow.deeper.still', undefined],
    ['$.none.x', undefined],
    ['$.flow[*]', undefined],
  ])('%s', (path, value) => expect(compileJsonPath(path)(document)).toEqual(value));

  it.each(['flow', '$.', '$.a[', '$.a[*].b[*]', '$..a'])('%s is refused with a word of help', (path) => {
    expect(jsonPathProblem(path)).toMatch(/path|read from|more than one/);
  });
});

describe('time stamps', () => {
  const at = Date.UTC(2026, 10, 23, 6, 12, 30, 250);
  it.each([
    [at / 1000],
    [at],
    [at * 1000],
    [at * 1e6],
    [String(at)],
    ['2026-11-23T06:12:30.250Z'],
    ['2026-11-23T06:12:30.250'],
    ['2026-11-23 06:12:30.250'],
    ['2026-11-23T07:12:30.250+01:00'],
  ])('%s', (value) => expect(parseTimestamp(value)).toBeCloseTo(at, 0));
  it.each([['yesterday'], [null], [{}], ['']])('%s is none', (value) => expect(parseTimestamp(value)).toBeNaN());
});

describe('messages', () => {
  const ts = 1_795_000_000_000;
  const json = { topic: 'plant/{m}/telemetry', time: { path: '$.ts' }, tags: { '{m}/flow': '$.flow', '{m}/vibration': '$.values[*]' } };

  it('become samples under names from the topic', () => {
    const { taken } = read(json, 'plant/pump/telemetry', JSON.stringify({ ts, flow: 4.5, values: [1, 2, 3] }));
    expect(taken).toEqual([
      { tag: 'pump/flow', timeMs: ts, value: 4.5, quality: 'good' },
      { tag: 'pump/vibration', timeMs: ts - 2, value: 1, quality: 'good' },
      { tag: 'pump/vibration', timeMs: ts - 1, value: 2, quality: 'good' },
      { tag: 'pump/vibration', timeMs: ts, value: 3, quality: 'good' },
    ]);
  });

  it('may carry a time stamp for each element, or an interval', () => {
    const each = read(
      { topic: 't', time: { path: '$.s[*].t' }, tags: { v: '$.s[*].v' } },
      't',
      JSON.stringify({
        s: [
          { t: ts, v: 1 },
          { t: ts + 50, v: 2 },
        ],
      }),
    );
    expect(each.taken.map(({ timeMs, value }) => [timeMs, value])).toEqual([
      [ts, 1],
      [ts + 50, 2],
    ]);
    const spaced = read(
      { topic: 't', time: { path: '$.ts', interval: '10ms' }, tags: { v: '$.v[*]' } },
      't',
      JSON.stringify({ ts, v: [1, 2] }),
    );
    expect(spaced.taken.map(({ timeMs }) => timeMs)).toEqual([ts - 10, ts]);
  });

  it.each([
    ['null', 'badNotAvailable'],
    ['"n/a"', 'badNotAvailable'],
    ['1e999', 'badNotAvailable'],
    ['{}', 'badNotAvailable'],
    ['true', 'good'],
  ])('with the value %s are %s', (value, quality) => {
    expect(read(json, 'plant/pump/telemetry', `{"ts":${ts},"flow":${value}}`).taken1?.quality).toBe(quality);
  });

  it('from a clock too far ahead are bad, at their time of arrival', () => {
    const { taken1 } = read(json, 'plant/pump/telemetry', JSON.stringify({ ts: ts + 301_000, flow: 1 }), { arrivalMs: ts });
    expect(taken1).toMatchObject({ quality: 'badClockSkew', timeMs: ts });
    expect(read(json, 'plant/pump/telemetry', JSON.stringify({ ts: ts + 299_000, flow: 1 }), { arrivalMs: ts }).taken1?.quality).toBe(
      'good',
    );
  });

  it('without a time stamp take the arrival, unless they are retained or the configuration refuses them', () => {
    expect(read(json, 'plant/pump/telemetry', '{"flow":1}', { arrivalMs: ts + 77 }).taken1?.timeMs).toBe(ts + 77);
    expect(read(json, 'plant/pump/telemetry', '{"flow":1}', { retained: true })).toMatchObject({
      taken: [],
      rejection: { kind: 'retained', reason: 'retained without a time stamp' },
    });
    expect(read({ ...json, time: { path: '$.ts', otherwise: 'reject' } }, 'plant/pump/telemetry', '{"flow":1}').rejection?.reason).toBe(
      'no readable time stamp',
    );
  });

  it.each([
    ['not json', 'not JSON'],
    ['', 'not JSON'],
    ['[1,2]', 'none of the configured paths is there'],
    ['null', 'none of the configured paths is there'],
  ])('%s is rejected: %s', (payload, reason) => expect(read(json, 'plant/pump/telemetry', payload).rejection?.reason).toBe(reason));

  it('may be a bare number', () => {
    const scalar = { topic: 'temp/{m}', payload: 'scalar', tags: { '{m}/temp': '$' } };
    expect(read(scalar, 'temp/oven', ' 21.5 ', { arrivalMs: 5 }).taken).toEqual([
      { tag: 'oven/temp', timeMs: 5, value: 21.5, quality: 'good' },
    ]);
    expect(read(scalar, 'temp/oven', 'on').taken1?.value).toBe(1);
    expect(read(scalar, 'temp/oven', 'warm').rejection?.reason).toBe('not a number');
  });

  it('of any bytes neither throw nor give a good value that is not finite', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.constant('{"__proto__":{"flow":1}}')), (payload) => {
        const { taken } = read(json, 'plant/pump/telemetry', payload);
        for (const { value, quality } of taken) if (quality === 'good') expect(Number.isFinite(value)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
