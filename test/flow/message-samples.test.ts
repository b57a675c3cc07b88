import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { samplesOfMessage } from '../../src/flow/message-samples.ts';

const at = Date.UTC(2026, 2, 1, 6);

describe('samples of a message', () => {
  it.each<[string, unknown, object, object[]]>([
    [
      'an object of values',
      { temperature: 71.5, running: true },
      {},
      [
        { tag: 'temperature', value: 71.5 },
        { tag: 'running', value: true },
      ],
    ],
    ['an object with a time', { t: 1, ts: at }, {}, [{ tag: 't', value: 1, time: at }]],
    [
      'a duration called time',
      { t: 1, time: 12 },
      {},
      [
        { tag: 't', value: 1 },
        { tag: 'time', value: 12 },
      ],
    ],
    ['an ISO time', { t: 1, timestamp: '2026-03-01T06:00:00Z' }, {}, [{ tag: 't', value: 1, time: at }]],
    [
      'levels',
      { pump: { flow: 3, motor: { current: 4 } } },
      {},
      [
        { tag: 'pump/flow', value: 3 },
        { tag: 'pump/motor/current', value: 4 },
      ],
    ],
    ['a named value', { tag: 'pump/flow', value: 3, time: at }, {}, [{ tag: 'pump/flow', value: 3, time: at }]],
    [
      'several named values',
      [
        { name: 'a', value: 1 },
        { topic: 'b', value: '2.5' },
      ],
      {},
      [
        { tag: 'a', value: 1 },
        { tag: 'b', value: 2.5 },
      ],
    ],
    [
      'a value and a quality, named by the topic',
      { value: 3, status: 'BadCommunicationError' },
      { topic: 'a' },
      [{ tag: 'a', value: 3, quality: 'bad' }],
    ],
    [
      'an OPC UA status code',
      { nodeId: 'ns=1;s=a', value: 3, status: 0x40000000, sourceTimestamp: new Date(at) },
      {},
      [{ tag: 'ns=1;s=a', value: 3, time: at, quality: 'uncertain' }],
    ],
    [
      'Sparkplug metrics',
      {
        timestamp: at,
        metrics: [
          { name: 'a', value: 1 },
          { name: 'b', value: 2, timestamp: at + 5 },
        ],
      },
      {},
      [
        { tag: 'a', value: 1, time: at },
        { tag: 'b', value: 2, time: at + 5 },
      ],
    ],
    [
      'registers with names',
      [10, 20, 30],
      { names: ['a', '', 'c'] },
      [
        { tag: 'a', value: 10 },
        { tag: 'c', value: 30 },
      ],
    ],
    ['a number', 4, { topic: 'a/b' }, [{ tag: 'a/b', value: 4 }]],
    ['a number as bytes', Buffer.from(' -4.5e1 '), { topic: 'a' }, [{ tag: 'a', value: -45 }]],
    [
      'JSON as text',
      '{"a":1,"b":[{"tag":"c","value":2}]}',
      {},
      [
        { tag: 'a', value: 1 },
        { tag: 'b/c', value: 2 },
      ],
    ],
    [
      'no value',
      { a: null, b: Number.NaN },
      {},
      [
        { tag: 'a', value: null },
        { tag: 'b', value: null },
      ],
    ],
  ])('%s', (_, payload, hints, samples) => {
    expect(samplesOfMessage(payload, hints)).toEqual({ samples, unread: [] });
  });

  it.each<[string, unknown, string]>([
    ['a number without a name', 4, 'a value has no name: set msg.topic, or send {name: value}'],
    ['a word', { state: 'running' }, 'state "running" is no number'],
    ['registers without names', [1], '[0] has no name: give the names of the values in the node'],
    ['broken JSON', '{"a":', 'the payload is no JSON: {"a":'],
    ['nothing', undefined, 'the payload undefined is no value'],
  ])('%s is said', (_, payload, words) => {
    expect(samplesOfMessage(payload)).toEqual({ samples: [], unread: [words] });
  });

  it('what comes beside an unreadable part is read', () => {
    expect(samplesOfMessage({ state: 'run', flow: 3 }).samples).toEqual([{ tag: 'flow', value: 3 }]);
  });

  it('whatever comes, nothing is thrown and every sample has a name and a value', () => {
    fc.assert(
      fc.property(
        fc.anything({ maxDepth: 9, withBigInt: true, withDate: true, withTypedArray: true, withNullPrototype: true }),
        (payload) => {
          const { samples, unread } = samplesOfMessage(payload, { topic: 'x' });
          expect(unread.length).toBeLessThanOrEqual(5);
          for (const { tag, value } of samples) {
            expect(tag).not.toBe('');
            expect(value === null || typeof value === 'boolean' || Number.isFinite(value)).toBe(true);
          }
        },
      ),
    );
  });
});
