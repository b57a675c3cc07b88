import { qualityName } from '../core/quality.ts';
import type { Journal } from '../journal/journal.ts';
import { readSegment } from '../journal/segment.ts';
import type { Names } from './names.ts';

export interface HistoryQuery {
  /** Event time, ms since the epoch, both included. */
  readonly fromMs: number;
  readonly toMs: number;
  /** All when absent. */
  readonly tags?: readonly string[];
}

/** Samples in columns, in order of arrival. `value` is null where the tag has a text, `text` where it has a number; both where the device gave none. */
export interface HistoryBatch {
  readonly timeMs: number[];
  readonly tag: string[];
  readonly value: (number | null)[];
  readonly text: (string | null)[];
  readonly quality: string[];
}

/** What the journal holds of a span, a batch a segment. `textTags`: tags whose values are texts. */
export async function* historySamples(
  journal: Journal,
  names: Names,
  textTags: ReadonlySet<number>,
  { fromMs, toMs, tags }: HistoryQuery,
): AsyncGenerator<HistoryBatch> {
  const wanted = tags === undefined ? undefined : new Set(tags);
  const [bounds] = await journal.query<{ first: number | null; last: number | null }>(
    'SELECT min(seq) AS first, max(seq) AS last FROM segments WHERE last_ms >= ? AND first_ms <= ?',
    fromMs,
    toMs,
  );
  if (bounds === undefined || bounds.first === null || bounds.last === null) return;
  for await (const { seq, data } of journal.replay(bounds.first - 1)) {
    if (seq > bounds.last) return;
    const batch: HistoryBatch = { timeMs: [], tag: [], value: [], text: [], quality: [] };
    for (const entry of readSegment(data)) {
      if (entry.kind !== 'samples') continue;
      const { block } = entry;
      for (let i = 0; i < block.length; i++) {
        const timeMs = block.timeMs[i] as number;
        const tag = names.tag.nameOf(block.tag[i] as number);
        if (timeMs < fromMs || timeMs > toMs || wanted?.has(tag) === false) continue;
        const value = block.value[i] as number;
        const isText = textTags.has(block.tag[i] as number);
        batch.timeMs.push(timeMs);
        batch.tag.push(tag);
        batch.value.push(isText || !Number.isFinite(value) ? null : value);
        batch.text.push(isText ? (names.text.nameOf(value) ?? null) : null);
        batch.quality.push(qualityName(block.quality[i] as number));
      }
    }
    if (batch.timeMs.length > 0) yield batch;
  }
}
