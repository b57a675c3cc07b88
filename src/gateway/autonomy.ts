import type { StorageForecast } from './storage-forecast.ts';

const dayMs = 86_400_000;

/** What ends an outage that lasts: the limit the user set, or the disk. */
export interface Autonomy {
  readonly ms: number;
  readonly bound: 'maxBytes' | 'disk';
}

export interface AutonomyTerms {
  /** Of the database now. */
  readonly bytes: number;
  readonly freeBytes: number;
  /** `journal.maxBytes`. */
  readonly maxBytes: number;
  /** Of the database, what no sink has confirmed yet. */
  readonly waitingBytes: number;
  /** What an outage adds a day to what waits. */
  readonly waitingBytesPerDay: number;
  /** What an outage adds a day to the database, history included. */
  readonly growthBytesPerDay: number;
}

/**
 * How long the link may stay away from now on before the first that is unsent is dropped. At `journal.maxBytes` history goes first, so
 * all of it but what waits already is room; a disk that is full before takes nothing more, and history stays on it. Age ends nothing:
 * what waits is kept beyond `journal.maxAge`. Undefined where nothing waits, however long it takes.
 */
export function autonomyOf(terms: AutonomyTerms): Autonomy | undefined {
  const { bytes, freeBytes, maxBytes, waitingBytes, waitingBytesPerDay, growthBytesPerDay } = terms;
  if (!(waitingBytesPerDay > 0)) return undefined;
  const end = (roomBytes: number, bytesPerDay: number): number => (Math.max(0, roomBytes) / bytesPerDay) * dayMs;
  return bytes + freeBytes < maxBytes
    ? { ms: end(freeBytes, Math.max(growthBytesPerDay, waitingBytesPerDay)), bound: 'disk' }
    : { ms: end(maxBytes - waitingBytes, waitingBytesPerDay), bound: 'maxBytes' };
}

/** As the forecast has it; undefined until a minute was measured. */
export const autonomyMs = ({ autonomy }: StorageForecast): number | undefined => autonomy?.ms;

/** What a person tries out: another rate, another disk, another limit. */
export interface Supposed {
  readonly samplesPerSecond: number;
  readonly freeBytes: number;
  readonly maxBytes: number;
}

/** What would be, by what a sample has really taken up to now. Undefined until that is known. */
export function supposedAutonomy(storage: StorageForecast, { samplesPerSecond, freeBytes, maxBytes }: Supposed): Autonomy | undefined {
  const { bytes, samplesPerDay, growthBytesPerDay, waitingBytes, waitingBytesPerDay } = storage;
  if (samplesPerDay === null || samplesPerDay <= 0 || waitingBytesPerDay === null || growthBytesPerDay === null) return undefined;
  const times = (samplesPerSecond * (dayMs / 1000)) / samplesPerDay;
  return autonomyOf({
    bytes,
    freeBytes,
    maxBytes,
    waitingBytes,
    waitingBytesPerDay: waitingBytesPerDay * times,
    growthBytesPerDay: growthBytesPerDay * times,
  });
}
