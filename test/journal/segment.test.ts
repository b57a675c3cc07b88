import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SampleBlockBuilder } from '../../src/core/sample-block.ts';
import { readSegment, SegmentWriter } from '../../src/journal/segment.ts';

const sample = fc.record({
  tag: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 200_000 })),
  timeMs: fc.oneof(fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }), fc.double({ min: 0, max: 4e12, noNaN: true })),
  value: fc.oneof(fc.double(), fc.integer({ min: -1000, max: 1000 }), fc.constant(Number.NaN)),
  quality: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 })),
});
const entry = fc.oneof(
  fc.record({
    kind: fc.constant('samples' as const),
    source: fc.integer({ min: 0, max: 65_535 }),
    samples: fc.array(sample, { minLength: 1, maxLength: 40 }),
  }),
  fc.record({ kind: fc.constant('control' as const), atMs: fc.integer({ min: 0 }) }),
);

describe('a journal segment', () => {
  it('gives back every entry, bit for bit and in order', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), (entries) => {
        const writer = new SegmentWriter();
        for (const given of entries) {
          if (given.kind === 'control') writer.appendControl({ kind: 'idle', atMs: given.atMs, sources: [1, 2] });
          else {
            const block = new SampleBlockBuilder();
            for (const { tag, timeMs, value, quality } of given.samples) block.append(tag, timeMs, value, quality);
            writer.appendBlock(given.source, block);
          }
        }
        const read = [...readSegment(writer.take())].map((found) =>
          found.kind === 'control'
            ? { kind: 'control', atMs: found.row.atMs }
            : {
                kind: 'samples',
                source: found.source,
                samples: Array.from({ length: found.block.length }, (_, i) => ({
                  tag: found.block.tag[i],
                  timeMs: found.block.timeMs[i],
                  value: found.block.value[i],
                  quality: found.block.quality[i],
                })),
              },
        );
        expect(read).toEqual(entries);
        expect(writer.isEmpty).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('spends ten bytes on an ordinary sample', () => {
    const writer = new SegmentWriter();
    const block = new SampleBlockBuilder();
    for (let i = 0; i < 1000; i++) block.append(i % 8, 1_700_000_000_000 + i, Math.fround(20.5 + i), 0);
    writer.appendBlock(0, block);
    expect(writer.take().byteLength / 1000).toBeLessThan(10.1);
  });

  it('refuses bytes no writer made', () => {
    expect(() => [...readSegment(Buffer.from([9, 0, 0, 0, 0, 0, 0, 0]))]).toThrow('version 9');
  });
});
