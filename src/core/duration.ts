const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const unitBytes: Record<string, number> = {
  B: 1,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** `"250ms"`, `"10s"`, `"5m"`, `"2h"`, `"30d"` → milliseconds; undefined when it is none of these. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d|w)$/.exec(text.trim());
  return match ? Number(match[1]) * (unitMs[match[2] as string] as number) : undefined;
}

const daysOf: Readonly<Record<string, number>> = { hour: 1 / 24, day: 1, week: 7, month: 30, year: 365 };

/** `"1/week"`, `"0.5/day"` → times a day; undefined when it is none of these. */
export function parseTimesADay(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*\/\s*(hour|day|week|month|year)$/.exec(text.trim());
  const times = match === null ? 0 : Number(match[1]) / (daysOf[match[2] as string] as number);
  return times > 0 ? times : undefined;
}

/** `"2GB"`, `"500MB"`, `"64MiB"` → bytes; undefined when it is none of these. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|TB|KiB|MiB|GiB)$/.exec(text.trim());
  return match ? Math.round(Number(match[1]) * (unitBytes[match[2] as string] as number)) : undefined;
}

/** For people: 1500 → "1.5 s", 250 → "250 ms", 7_200_000 → "2 h". */
export function formatDuration(ms: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ] as const) {
    if (ms >= size) return `${Number((ms / size).toFixed(ms / size < 10 ? 1 : 0))} ${unit}`;
  }
  return `${Math.round(ms)} ms`;
}

/** For people: 20_900 → "20.9 kB". */
export function formatBytes(bytes: number): string {
  for (const [unit, size] of [
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const) {
    if (bytes >= size) return `${Number((bytes / size).toFixed(bytes / size < 100 ? 1 : 0))} ${unit}`;
  }
  return `${bytes} B`;
}
