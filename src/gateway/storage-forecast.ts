import { statfs } from 'node:fs/promises';
import type { Journal } from '../journal/journal.ts';
import { type Autonomy, autonomyOf } from './autonomy.ts';
import { type Outgoing, outboxBytes } from './outgoing.ts';

/** What the journal takes and how far back it will reach, from what has really come. */
export interface StorageForecast {
  /** In the database now. */
  readonly bytes: number;
  /** Event time of the oldest samples kept; null where there are none. */
  readonly oldestMs: number | null;
  /** Over the last day, or what there is of it, while the gateway ran; null before there is a minute of it. */
  readonly bytesPerDay: number | null;
  readonly samplesPerDay: number | null;
  /** The rates are of less than an hour: they may change yet. */
  readonly isEarly: boolean;
  /** Days of history there will be once the journal is full, by size or by age. */
  readonly daysOfHistory: number | null;
  /** What ends the history: `journal.maxBytes`, `journal.maxAge`, or the disk. */
  readonly bound: 'maxBytes' | 'maxAge' | 'disk' | null;
  readonly freeBytes: number;
  /** `journal.maxBytes`. */
  readonly maxBytes: number;
  /** Of `bytes`, what waits for a sink. */
  readonly waitingBytes: number;
  /** What a day without link adds to that; null before a minute was measured. */
  readonly waitingBytesPerDay: number | null;
  /** What a day without link adds to the database, history included; null before a minute was measured. */
  readonly growthBytesPerDay: number | null;
  /** How long the link may stay away before the first that is unsent is dropped; null before a minute was measured, and where no sink has anything that could be dropped. */
  readonly autonomy: Autonomy | null;
}

export interface StorageLimits {
  readonly maxBytes: number;
  readonly maxAge: number;
}

/** Without a journal of samples, what waits for sinks is still bounded. */
const withoutJournal: StorageLimits = { maxBytes: 500_000_000, maxAge: 2_592_000_000 };

export const limitsOf = (journal: StorageLimits | 'off'): StorageLimits => (journal === 'off' ? withoutJournal : journal);

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const leastMs = 60_000;
/** Of a database that holds nothing yet: 16 pages. */
const emptyBytes = 131_072;
/** A stretch this long without a segment is one in which nothing ran. */
const pauseMs = 600_000;

/** `outgoing`: what the sinks are sent; absent where there is none. */
export async function storageForecast(
  journal: Journal,
  limits: StorageLimits,
  directory: string,
  outgoing?: Pick<Outgoing, 'waits' | 'bytesPerDay'>,
): Promise<StorageForecast> {
  const [used] = await journal.query<{ bytes: number }>(
    'SELECT (p.page_count - f.freelist_count) * s.page_size AS bytes FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s',
  );
  const { bavail, bsize } = await statfs(directory);
  const bytes = used?.bytes ?? 0;
  const freeBytes = bavail * bsize;
  const [bounds] = await journal.query<Bounds>(
    'SELECT min(wall_ms) AS first, max(wall_ms) AS last, min(first_ms) AS oldest, sum(length(data)) AS "all" FROM segments',
  );
  const outbox = await waitingIn(journal);
  const [snapshot] = await journal.query<{ bytes: number | null }>('SELECT sum(length(data)) AS bytes FROM snapshots');
  // Scores, states and indexes grow with the samples; a database without any, and the state of the fold, do not.
  const grown = bytes - emptyBytes - outbox.bytes - (snapshot?.bytes ?? 0);
  const perSegmentByte = Math.max(1, grown / Math.max(1, bounds?.all ?? 1));
  const rates = await ratesOf(journal, bounds, perSegmentByte);
  const waitingBytes = Math.min(bytes, outbox.bytes + outbox.segmentBytes * perSegmentByte);
  const sent = outgoing?.bytesPerDay ?? null;
  const waitingBytesPerDay = waitingOf(outgoing, rates?.bytesPerDay);
  const growthBytesPerDay = sent === null ? null : sent + (rates?.bytesPerDay ?? 0);
  const autonomy =
    waitingBytesPerDay === null || growthBytesPerDay === null
      ? undefined
      : autonomyOf({ bytes, freeBytes, maxBytes: limits.maxBytes, waitingBytes, waitingBytesPerDay, growthBytesPerDay });
  const [end] = rates === undefined ? [] : endsOf(limits, rates.bytesPerDay, bytes + freeBytes);
  return {
    bytes,
    oldestMs: bounds?.oldest ?? null,
    bytesPerDay: rates?.bytesPerDay ?? null,
    samplesPerDay: rates?.samplesPerDay ?? null,
    isEarly: (rates?.spanMs ?? 0) < hourMs,
    daysOfHistory: end?.days ?? null,
    bound: end?.bound ?? null,
    freeBytes,
    maxBytes: limits.maxBytes,
    waitingBytes,
    waitingBytesPerDay,
    growthBytesPerDay,
    autonomy: autonomy ?? null,
  };
}

/** What a day without link adds to what waits and could be dropped; null while it is not known. */
function waitingOf(outgoing: Pick<Outgoing, 'waits' | 'bytesPerDay'> | undefined, segmentBytesPerDay: number | undefined): number | null {
  if (outgoing?.waits === 'alarms') return 0;
  if (outgoing === undefined || outgoing.bytesPerDay === null) return null;
  // Samples that no sink sends are history only, and history makes room.
  if (outgoing.waits === 'results') return outgoing.bytesPerDay;
  return segmentBytesPerDay === undefined ? null : outgoing.bytesPerDay + segmentBytesPerDay;
}

interface Bounds {
  readonly first: number | null;
  readonly last: number | null;
  readonly oldest: number | null;
  readonly all: number | null;
}

interface Rates {
  readonly bytesPerDay: number;
  readonly samplesPerDay: number;
  readonly spanMs: number;
}

async function ratesOf(journal: Journal, bounds: Bounds | undefined, perSegmentByte: number): Promise<Rates | undefined> {
  const { first, last } = bounds ?? {};
  if (first == null || last == null || last - first < leastMs) return undefined;
  const recentMs = Math.min(dayMs, last - first);
  const [recent] = await journal.query<{ bytes: number | null; samples: number | null; stretches: number }>(
    `SELECT sum(length(data)) AS bytes, sum(samples) AS samples, count(DISTINCT CAST(wall_ms / ${pauseMs} AS INTEGER)) AS stretches
     FROM segments WHERE wall_ms > ?`,
    last - recentMs,
  );
  // A night switched off makes no rate smaller.
  const spanMs = Math.min(recentMs, (recent?.stretches ?? 0) * pauseMs);
  const aDay = (amount: number | null | undefined): number => ((amount ?? 0) * dayMs) / Math.max(1, spanMs);
  return { bytesPerDay: aDay(recent?.bytes) * perSegmentByte, samplesPerDay: aDay(recent?.samples), spanMs };
}

/** What the outbox holds itself, and the segments it points at. */
async function waitingIn(journal: Journal): Promise<{ bytes: number; segmentBytes: number }> {
  const [rows] = await journal.query<{ entries: number; payloads: number | null }>(
    'SELECT count(*) AS entries, sum(length(payload)) AS payloads FROM outbox',
  );
  const [segments] = await journal.query<{ bytes: number | null }>(
    'SELECT sum(length(data)) AS bytes FROM segments WHERE seq IN (SELECT segment FROM outbox WHERE segment IS NOT NULL)',
  );
  return { bytes: outboxBytes(rows?.entries ?? 0, rows?.payloads ?? 0), segmentBytes: segments?.bytes ?? 0 };
}

/** What ends the history, the first first. */
function endsOf({ maxBytes, maxAge }: StorageLimits, bytesPerDay: number, diskBytes: number) {
  return [
    { bound: 'maxBytes' as const, days: maxBytes / bytesPerDay },
    { bound: 'maxAge' as const, days: maxAge / dayMs },
    { bound: 'disk' as const, days: diskBytes / bytesPerDay },
  ].sort((a, b) => a.days - b.days);
}
