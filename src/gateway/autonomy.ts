import type { StorageForecast } from './storage-forecast.ts';

const dayMs = 86_400_000;

/** How long the link may stay away before the first unsent sample is dropped: what may still be written, at the rate of the last day. Undefined until there is an hour of it. */
export function autonomyMs({ bytesPerDay, freeBytes, daysOfHistory, bound }: StorageForecast): number | undefined {
  if (bytesPerDay === null || bytesPerDay <= 0 || daysOfHistory === null) return undefined;
  return bound === 'disk' ? (freeBytes / bytesPerDay) * dayMs : daysOfHistory * dayMs;
}
