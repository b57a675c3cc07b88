import type { Config } from '../config/schema.ts';
import { Journal } from '../journal/journal.ts';
import { type HistoryBatch, type HistoryQuery, historySamples } from './history-samples.ts';
import { Names } from './names.ts';
import { textTagsOf } from './text-tags.ts';

/** The history of a gateway that does not run. Throws FETTLE_DATA_LOCKED while one does, FETTLE_DATA_TOO_NEW. */
export async function* historyOf(config: Config, query: HistoryQuery): AsyncGenerator<HistoryBatch> {
  const journal = await Journal.open({
    directory: config.data,
    // Nothing is written, so nothing is dropped.
    maxBytes: Number.MAX_SAFE_INTEGER,
    maxAgeMs: Number.MAX_SAFE_INTEGER,
    upgrade: 'never',
  });
  try {
    const names = new Names(journal.opened.names, config.limits);
    yield* historySamples(journal, names, textTagsOf(config, names), query);
  } finally {
    await journal.close();
  }
}
