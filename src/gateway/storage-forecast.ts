import { statfs } from 'node:fs/promises';
import type { Journal } from '../journal/journal.ts';

/** What the journal takes and how far back it will reach, from what has really come. */
export interface StorageForecast {
  /** In the database now. */
  readonly bytes: number;
  /** Event time of the oldest samples kept; null where there are none. */
  readonly oldestMs: number | null;
  /** Over the last day, or what there is of it; null before there is an hour of it. */
  readonly bytesPerDay: number | null;
  readonly samplesPerDay: number | null;
  /** Days of history there will be once the journal is full, by size or by age. */
  readonly daysOfHistory: number | null;
  /** What ends it: `journal.maxBytes`, `journal.maxAge`, or the disk. */
  readonly bound: 'maxBytes' | 'maxAge' | 'disk' | null;
  readonly freeBytes: number;
}

const dayMs = 86_400_000;
const leastMs = 3_600_000;

export async function storageForecast(
  journal: Journal,
  limits: { readonly maxBytes: number; readonly maxAge: number } | undefined,
  directory: string,
): Promise<StorageForecast> {
  const [bounds] = await journal.query<{ first: number | null; last: number | null; oldest: number | null }>(
    'SELECT min(wall_ms) AS first, max(wall_ms) AS last, min(first_ms) AS oldest FROM segments',
  );
  const [used] = await journal.query<{ bytes: number }>(
    'SELECT (p.page_count - f.freelist_count) * s.page_size AS bytes FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s',
  );
  const { bavail, bsize } = await statfs(directory);
  const freeBytes = bavail * bsize;
  const bytes = used?.bytes ?? 0;
  const { first, last, oldest } = bounds ?? { first: null, last: null, oldest: null };
  const unknown = { bytes, oldestMs: oldest, bytesPerDay: null, samplesPerDay: null, daysOfHistory: null, bound: null, freeBytes };
  if (first === null || last === null || last - first < leastMs || limits === undefined) return unknown;
  const span = Math.min(dayMs, last - first);
  const [recent] = await journal.query<{ bytes: number; samples: number; all: number }>(
    `SELECT sum(length(data)) FILTER (WHERE wall_ms > ?) AS bytes, sum(samples) FILTER (WHERE wall_ms > ?) AS samples, sum(length(data)) AS "all" FROM segments`,
    last - span,
    last - span,
  );
  // Scores, states and indexes grow with the samples.
  const rest = bytes / Math.max(1, recent?.all ?? 1);
  const bytesPerDay = ((recent?.bytes ?? 0) * rest * dayMs) / span;
  const ends = [
    { bound: 'maxBytes' as const, days: limits.maxBytes / bytesPerDay },
    { bound: 'maxAge' as const, days: limits.maxAge / dayMs },
    { bound: 'disk' as const, days: (bytes + freeBytes) / bytesPerDay },
  ].sort((a, b) => a.days - b.days);
  return {
    ...unknown,
    bytesPerDay,
    samplesPerDay: ((recent?.samples ?? 0) * dayMs) / span,
    daysOfHistory: ends[0]?.days ?? null,
    bound: ends[0]?.bound ?? null,
  };
}
