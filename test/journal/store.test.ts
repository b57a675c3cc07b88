import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { SampleBlockBuilder } from '../../src/core/sample-block.ts';
import type { CommitBatch } from '../../src/journal/batch.ts';
import { SegmentWriter } from '../../src/journal/segment.ts';
import { JournalStore } from '../../src/journal/store.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const limits = { maxBytes: 1e9, maxAgeMs: 1e12 };

function batchOf(
  samples: readonly (readonly [tag: number, timeMs: number, value: number])[],
  more: Partial<CommitBatch> = {},
): CommitBatch {
  const writer = new SegmentWriter();
  const block = new SampleBlockBuilder();
  for (const [tag, timeMs, value] of samples) block.append(tag, timeMs, value, 0);
  writer.appendBlock(3, block);
  const { samples: count, firstMs, lastMs } = writer;
  const segment = { data: writer.take(), samples: count, firstMs, lastMs };
  return { wallMs: 1_000, segment, names: [], scores: null, invalid: [], transitions: [], outbox: [], snapshot: null, ...more };
}

describe('the journal store', () => {
  it('keeps what was committed, with names, results, outbox and snapshot, across a reopening', () => {
    const directory = temporaryDirectory();
    const first = new JournalStore({ directory, ...limits });
    first.commit(
      batchOf([[7, 10, 1.5]], {
        names: [{ kind: 'tag', index: 0, name: 'line1/pump/flow' }],
        invalid: [{ asset: 1, endMs: 20, reason: 2, tag: 7 }],
        transitions: [{ id: 'x', asset: 1, sequence: 1, atMs: 20, document: '{}' }],
        outbox: [
          { sink: 'cloud', lane: 'results', count: 2, payload: Buffer.from('lines') },
          { sink: 'cloud', lane: 'samples', count: 1, payload: null },
        ],
        scores: {
          count: 1,
          asset: Uint32Array.of(1),
          model: Uint32Array.of(0),
          endMs: Float64Array.of(20),
          value: Float64Array.of(0.5),
          threshold: Float64Array.of(1),
          channels: Uint16Array.of(2),
          detail: Float32Array.of(1, 2, 3, 4, 5, 6),
        },
        snapshot: Buffer.from('state'),
      }),
    );
    first.close();
    const second = new JournalStore({ directory, ...limits });
    expect(second.opened.names.tag).toEqual(['line1/pump/flow']);
    expect(second.opened.lastSeq).toBe(1);
    expect(Buffer.from(second.opened.snapshot?.data ?? []).toString()).toBe('state');
    expect(second.segments(0, 1e6)).toHaveLength(1);
    expect(second.depth('cloud')).toMatchObject({
      results: { entries: 1, points: 2 },
      samples: { entries: 1, points: 1 },
      alarms: { entries: 0 },
    });
    const [entry] = second.readOutbox({ sink: 'cloud', lane: 'results', afterId: 0, maxPoints: 10, maxBytes: 1e6 });
    expect(Buffer.from(entry?.payload ?? []).toString()).toBe('lines');
    expect(second.query('SELECT value, length(detail) AS bytes FROM scores', [])).toEqual([{ value: 0.5, bytes: 24 }]);
    second.removeOutbox([entry?.id ?? 0]);
    expect(second.depth('cloud').results.entries).toBe(0);
    second.close();
  });

  it('counts a window once, however often it is committed', () => {
    const store = new JournalStore({ directory: temporaryDirectory(), ...limits });
    const again = {
      invalid: [{ asset: 1, endMs: 20, reason: 2, tag: null }],
      transitions: [{ id: 'x', asset: 1, sequence: 1, atMs: 20, document: '{}' }],
    };
    store.commit(batchOf([[1, 1, 1]], again));
    store.commit(batchOf([[1, 2, 1]], again));
    expect(store.query('SELECT count(*) AS n FROM invalid_windows', [])).toEqual([{ n: 1 }]);
    expect(store.query('SELECT count(*) AS n FROM transitions', [])).toEqual([{ n: 1 }]);
    store.close();
  });

  it('tells which redelivered samples it holds, by source, tag and time', () => {
    const store = new JournalStore({ directory: temporaryDirectory(), ...limits });
    store.commit(
      batchOf([
        [1, 100, 5],
        [2, 100, 6],
      ]),
    );
    store.commit(batchOf([[1, 200, 5]]));
    const tags = Uint32Array.of(1, 2, 1, 1, 9);
    const times = Float64Array.of(100, 100, 200, 300, 100);
    expect([...store.existing(3, tags, times)]).toEqual([1, 1, 1, 0, 0]);
    expect([...store.existing(4, tags, times)]).toEqual([0, 0, 0, 0, 0]);
    store.close();
  });

  it('refuses a data directory that is in use, and says what to do', () => {
    const directory = temporaryDirectory();
    const store = new JournalStore({ directory, ...limits });
    store.commit(batchOf([[1, 1, 1]]));
    expect(() => new JournalStore({ directory, ...limits })).toThrow(expect.objectContaining({ code: 'FETTLE_DATA_LOCKED' }));
    store.close();
    new JournalStore({ directory, ...limits }).close();
  });

  it('refuses a database of a newer version, untouched', () => {
    const directory = temporaryDirectory();
    new JournalStore({ directory, ...limits }).close();
    const database = new DatabaseSync(join(directory, 'fettle.db'));
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(() => new JournalStore({ directory, ...limits })).toThrow(expect.objectContaining({ code: 'FETTLE_DATA_TOO_NEW' }));
  });

  it('sets a damaged database aside and opens a fresh one', () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'fettle.db'), Buffer.alloc(40_000, 'rubbish'));
    const store = new JournalStore({ directory, ...limits });
    expect(store.opened.setAside).toContain('damaged');
    expect(readdirSync(directory).filter((name) => name.includes('damaged'))).toHaveLength(1);
    expect(store.commit(batchOf([[1, 1, 1]])).seq).toBe(1);
    store.close();
  });

  it('stays within maxBytes: history goes first, what waits for a sink only when nothing else is left, all of it counted', () => {
    const store = new JournalStore({ directory: temporaryDirectory(), maxBytes: 1_500_000, maxAgeMs: 1e15 });
    const payload = Buffer.alloc(20_000, 'x');
    for (let i = 0; i < 200; i++) {
      const samples = Array.from({ length: 1500 }, (_, k) => [1, i * 1500 + k, Math.PI * k] as const);
      store.commit(
        batchOf(samples, {
          wallMs: 1000 + i * 11_000,
          snapshot: Buffer.from('s'),
          outbox: i < 10 ? [{ sink: 'c', lane: 'results', count: 5, payload }] : [],
        }),
      );
    }
    const [{ bytes }] = store.query(
      'SELECT (page_count - freelist_count) * page_size AS bytes FROM pragma_page_count, pragma_freelist_count, pragma_page_size',
      [],
    ) as [{ bytes: number }];
    expect(bytes).toBeLessThan(1_700_000);
    expect(store.retentionCounters().droppedSamples).toBeGreaterThan(100_000);
    expect(store.retentionCounters().droppedOutboxPoints).toBe(0);
    expect(store.depth('c').results.points).toBe(50);
    for (let i = 0; i < 300; i++)
      store.commit(
        batchOf([[1, i, 1]], {
          wallMs: 1e8 + i * 11_000,
          snapshot: Buffer.from('s'),
          outbox: [{ sink: 'c', lane: 'results', count: 5, payload }],
        }),
      );
    const { points } = store.depth('c').results;
    expect(store.retentionCounters().droppedOutboxPoints).toBe(50 + 1500 - points);
    expect(points).toBeGreaterThan(0);
    store.close();
  });

  it('lets results go with the samples they are of, and is not kept from it by a clock that is set back', () => {
    const store = new JournalStore({ directory: temporaryDirectory(), maxBytes: 1_500_000, maxAgeMs: 1e15 });
    const count = 200;
    for (let i = 0; i < 300; i++) {
      const endMs = Float64Array.from({ length: count }, (_, k) => i * count + k + 1);
      const scores = {
        count,
        asset: new Uint32Array(count),
        model: new Uint32Array(count),
        endMs,
        value: new Float64Array(count),
        threshold: new Float64Array(count),
        channels: new Uint16Array(count).fill(5),
        detail: new Float32Array(count * 15),
      };
      const samples = [...endMs].map((ms) => [1, ms, Math.PI * ms] as const);
      const names = i === 0 ? [{ kind: 'asset' as const, index: 0, name: 'pump' }] : [];
      store.commit(batchOf(samples, { wallMs: (i === 100 ? 1e9 : 1000) + i * 11_000, snapshot: Buffer.from('s'), scores, names }));
    }
    const [{ bytes, scored, oldestMs }] = store.query(
      'SELECT (page_count - freelist_count) * page_size AS bytes, (SELECT count(*) FROM scores) AS scored, (SELECT min(end_ms) FROM scores) AS oldestMs FROM pragma_page_count, pragma_freelist_count, pragma_page_size',
      [],
    ) as [{ bytes: number; scored: number; oldestMs: number }];
    expect(bytes).toBeLessThan(1_700_000);
    expect(scored).toBeGreaterThan(1_000);
    expect(store.segments(0, 1e9).length).toBeGreaterThan(scored / count - 2);
    expect(oldestMs).toBeGreaterThan(100 * count);
    store.close();
  });

  it('drops history by age, but nothing a sink still waits for', () => {
    const store = new JournalStore({ directory: temporaryDirectory(), maxBytes: 1e9, maxAgeMs: 60_000 });
    store.commit(batchOf([[1, 1, 1]], { wallMs: 1_000, snapshot: Buffer.from('s') }));
    store.commit(
      batchOf([[1, 2, 1]], {
        wallMs: 2_000,
        snapshot: Buffer.from('s'),
        outbox: [{ sink: 'c', lane: 'samples', count: 1, payload: null }],
      }),
    );
    store.commit(batchOf([[1, 3, 1]], { wallMs: 100_000, snapshot: Buffer.from('s') }));
    expect(store.segments(0, 1e6).map(({ seq }) => seq)).toEqual([2, 3]);
    expect(store.retentionCounters().droppedSegments).toBe(1);
    store.close();
  });

  it('takes out of the outbox what a receiver refused, and keeps its words', () => {
    const directory = temporaryDirectory();
    const store = new JournalStore({ directory, ...limits });
    const payload = new Uint8Array([1]);
    const entry = { sink: 'cloud', lane: 'results', count: 3, payload } as const;
    store.commit(batchOf([], { outbox: [entry, entry] }));
    const [first] = store.readOutbox({ sink: 'cloud', lane: 'results', afterId: 0, maxPoints: 10, maxBytes: 1000 });
    store.quarantine('cloud', [{ entryId: first?.id as number, count: 2, reason: 'type conflict', example: 'm v=1' }], 5);
    expect(store.depth('cloud').results).toMatchObject({ entries: 1, points: 3 });
    expect(store.query('SELECT sink, count, reason FROM quarantine', [])).toMatchObject([
      { sink: 'cloud', count: 2, reason: 'type conflict' },
    ]);
    store.close();
  });
});
