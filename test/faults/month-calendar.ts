/** The month and the clock on its wall: October 2026 in Berlin, in which summer time ends. */
export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
export const minuteMs = 60_000;

const summerMs = 2 * hourMs;
const winterMs = hourMs;
/** Sunday the 25th, 03:00 becomes 02:00. */
const summerEndsMs = Date.UTC(2026, 9, 25, 1);
/** Monday the 5th, 00:00 by the clock on the wall. */
export const monthStartMs = Date.UTC(2026, 9, 4, 22);
export const monthDays = 30;

const zoneMs = (ms: number): number => (ms < summerEndsMs ? summerMs : winterMs);

/** By the clock on the wall: day of the month counted from 0 (a Monday), and the hour with its fraction. */
export function wallClock(ms: number): { readonly day: number; readonly hour: number; readonly weekend: boolean } {
  const local = ms + zoneMs(ms) - (monthStartMs + summerMs);
  const day = Math.floor(local / dayMs);
  return { day, hour: (local - day * dayMs) / hourMs, weekend: ((day % 7) + 7) % 7 >= 5 };
}

/** When the clock on the wall shows this. */
export function at(day: number, hour: number): number {
  const summer = monthStartMs + day * dayMs + hour * hourMs;
  return summer < summerEndsMs ? summer : summer + summerMs - winterMs;
}

/** As a device writes it that knows its zone: `2026-10-25T02:59:00.000+02:00`, and a minute later `2026-10-25T02:00:00.000+01:00`. */
export const localStamp = (ms: number): string => new Date(ms + zoneMs(ms)).toISOString().replace('Z', `+0${zoneMs(ms) / hourMs}:00`);
