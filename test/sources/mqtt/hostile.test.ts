import { describe, expect, it } from 'vitest';
import { parseTimestamp } from '../../../src/core/timestamp.ts';
import { readMessage } from './read-message.ts';

const elapsed = (read: () => unknown): number => {
  const began = performance.now();
  read();
  return performance.now() - began;
};

describe('a payload that is meant to hold the gateway up', () => {
  it('is looked at once: what kind it is', () => {
    const payload = `m${',a=b'.repeat(200_000)}`;
    expect(elapsed(() => readMessage({ topic: 't', payload: 'auto', tags: { v: '$.v' } }, 't', payload))).toBeLessThan(2000);
  });

  it('is looked at once: where it says NaN, and a text is not closed', () => {
    const payload = `{"v":nan,"${'\\"'.repeat(400_000)}`;
    expect(elapsed(() => readMessage({ topic: 't', tags: { v: '$.v' } }, 't', payload))).toBeLessThan(2000);
  });

  it('may have as many times as it likes', () => {
    const ts = 1_795_000_000_000;
    const { taken } = readMessage(
      { topic: 't', time: { path: '$.ts' }, tags: { v: '$.v' } },
      't',
      `{"ts":[${`${ts - 5},`.repeat(70_000)}${ts}],"v":3}`,
    );
    expect(taken).toEqual([{ tag: 'v', timeMs: ts, value: 3, quality: 'good' }]);
  });
});

describe('what looks like a value and is none', () => {
  it.each(['5 e3', '5 E3', '5 x2', '0xFF', '0xF'])('%j is no number', (text) => {
    const { taken, rejection } = readMessage({ topic: 't', tags: { v: '$.v' } }, 't', JSON.stringify({ v: text }));
    expect(taken).toMatchObject([{ quality: 'badNotAvailable' }]);
    expect(rejection?.reason).toContain('is not a number');
  });

  it('is a unit all the same where it is one', () => {
    expect(readMessage({ topic: 't', tags: { v: '$.v' } }, 't', '{"v":"5 eV"}').taken).toMatchObject([{ value: 5, quality: 'good' }]);
  });

  it('a function that arrays have is no value', () => {
    expect(readMessage({ topic: 't', tags: { v: '$.values' } }, 't', '[1,2]').taken).toEqual([]);
  });

  it.each(['2026-02-30T00:00:00Z', '2026-04-31', '2026-02-29 12:00'])('%s is no day', (text) => expect(parseTimestamp(text)).toBeNaN());
  it('a leap day is one', () => expect(parseTimestamp('2028-02-29T00:00:00Z')).toBe(Date.UTC(2028, 1, 29)));
});

describe('line protocol is known by its look, escapes and all', () => {
  it.each(['weather,host=a temp=3', 'my\\ meter,at=x\\,y temp=3 1795000000000', 'm temp=3,s="a b"', 'm  temp=3'])('%s', (payload) => {
    expect(readMessage({ topic: 't', payload: 'auto', tags: { v: '$.temp' } }, 't', payload).taken).toMatchObject([{ value: 3 }]);
  });
});

describe('lines of line protocol', () => {
  const tags = { '{host}/v': '$.v' };
  const read = (payload: string) =>
    readMessage({ topic: 't', payload: 'influx', tags }, 't', payload).taken.map(({ tag, value }) => [tag, value]);

  it('do not begin their fields with a comma', () => expect(read('m,host=a ,v=1\nm,host=b v=2')).toEqual([['b/v', 2]]));

  it('are not mistaken for others, whatever stands in their names', () =>
    expect(read('m\0,host=a v=1\nm,host=\0a v=2\nm,host=a v=3')).toEqual([
      ['a/v', 1],
      ['a/v', 3],
    ]));
});
