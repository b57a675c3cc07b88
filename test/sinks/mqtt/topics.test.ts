import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Topics } from '../../../src/sinks/mqtt/topics.ts';

const topics = new Topics('fettle', 'hall1');

describe('topics', () => {
  it('are those of the design', () => {
    expect([topics.alarm('line1/pump3'), topics.event('line1/pump3'), topics.score('line1/pump3')]).toEqual([
      'fettle/hall1/line1/pump3/alarm',
      'fettle/hall1/line1/pump3/alarm/event',
      'fettle/hall1/line1/pump3/score',
    ]);
    expect([topics.status, topics.describe, topics.commands, topics.response('shelve')]).toEqual([
      'fettle/hall1/status',
      'fettle/hall1/describe',
      'fettle/hall1/cmd/+',
      'fettle/hall1/cmd/shelve/response',
    ]);
  });

  it('escape what MQTT reserves, and come back', () => {
    expect(topics.alarm('$sys/a+b#c%')).toBe('fettle/hall1/%24sys/a%2Bb%23c%25/alarm');
    expect(topics.alarm('cmd')).toBe('fettle/hall1/%63md/alarm');
    expect(topics.alarm('cmd2/cmd')).toBe('fettle/hall1/cmd2/cmd/alarm');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (asset) => {
        expect(topics.alarm(asset)).not.toMatch(/[+#\p{Cc}]/u);
        expect(topics.assetOfAlarm(topics.alarm(asset))).toBe(asset);
      }),
    );
  });

  it('tell commands from everything else', () => {
    expect(topics.verbOf('fettle/hall1/cmd/shelve')).toBe('shelve');
    for (const other of ['fettle/hall1/cmd', 'fettle/hall1/cmd/shelve/response', 'fettle/hall1/cmd/', topics.alarm('cmd')]) {
      expect(topics.verbOf(other)).toBeUndefined();
    }
    for (const other of ['fettle/hall1/alarm', 'fettle/hall1/a/alarm/event', 'other/hall1/a/alarm', 'fettle/hall1/%/alarm']) {
      expect(topics.assetOfAlarm(other)).toBeUndefined();
    }
  });
});
