import { SampleBlockBuilder } from '../../src/core/sample-block.ts';
import type { CommitBatch } from '../../src/journal/batch.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { SegmentWriter } from '../../src/journal/segment.ts';

export interface Recorded {
  readonly tag: number;
  readonly timeMs: number;
  readonly value: number;
  readonly quality: number;
}

export interface RecordedScore {
  readonly endMs: number;
  readonly value: number;
  /** One element a channel. */
  readonly contributions: readonly number[];
  readonly expected: readonly number[];
}

/** One commit with samples and the scores of asset 0, whose limit is 2. */
export async function record(
  journal: Journal,
  samples: readonly Recorded[],
  scores: readonly RecordedScore[],
  names: CommitBatch['names'] = [],
): Promise<void> {
  const writer = new SegmentWriter();
  const block = new SampleBlockBuilder();
  for (const { tag, timeMs, value, quality } of samples) block.append(tag, timeMs, value, quality);
  writer.appendBlock(0, block);
  const { samples: count, firstMs, lastMs } = writer;
  const channels = scores[0]?.contributions.length ?? 0;
  await journal.commit({
    wallMs: lastMs,
    segment: { data: writer.take(), samples: count, firstMs, lastMs },
    names,
    scores:
      scores.length === 0
        ? null
        : {
            count: scores.length,
            asset: new Uint32Array(scores.length),
            model: new Uint32Array(scores.length),
            endMs: Float64Array.from(scores, ({ endMs }) => endMs),
            value: Float64Array.from(scores, ({ value }) => value),
            threshold: new Float64Array(scores.length).fill(2),
            channels: new Uint16Array(scores.length).fill(channels),
            detail: Float32Array.from(scores.flatMap(({ contributions, expected }) => [...contributions, ...expected, ...expected])),
          },
    invalid: [],
    transitions: [],
    outbox: [],
    snapshot: null,
  });
}
