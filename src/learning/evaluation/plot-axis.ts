const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const timeSteps = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * second),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * minute),
  ...[1, 2, 3, 6, 12].map((n) => n * hour),
  ...[1, 2, 7, 14, 28, 91, 182, 364].map((n) => n * day),
];
const wantedTicks = 8;

export interface Tick {
  readonly at: number;
  readonly text: string;
  /** The day, where it is another than that of the tick before. */
  readonly day?: string;
}

/** Round times (UTC) within a span. */
export function timeTicks(fromMs: number, toMs: number): Tick[] {
  const step = timeSteps.find((size) => (toMs - fromMs) / size <= wantedTicks) ?? 10 * 364 * day;
  let shown = '';
  return multiples(fromMs, toMs, step).map((at) => {
    const iso = new Date(at).toISOString();
    const date = iso.slice(0, 10);
    const clock = step >= minute ? iso.slice(11, 16) : step >= second ? iso.slice(11, 19) : iso.slice(11, 23);
    const tick = { at, text: step >= day ? date : clock, ...(step < day && date !== shown && { day: date }) };
    shown = date;
    return tick;
  });
}

/** Round row numbers, for a recording without times. */
export function rowTicks(fromMs: number, toMs: number, rowMs: number): Tick[] {
  const rows = (toMs - fromMs) / rowMs;
  const power = 10 ** Math.floor(Math.log10(Math.max(1, rows / wantedTicks)));
  const step = [1, 2, 5, 10].map((n) => n * power).find((size) => rows / size <= wantedTicks) ?? 10 * power;
  return multiples(fromMs, toMs, step * rowMs).map((at) => ({ at, text: `row ${Math.round(at / rowMs).toLocaleString('en')}` }));
}

/** Round numbers within a range of positive ones for a scale of logarithms: 1, 2, 5, …, or 1, 3, 10, …, or powers of ten, about five in all. */
export function logTicks(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const within = decades < 1.5 ? [1, 2, 5] : decades < 3 ? [1, 3] : [1];
  const stride = Math.max(1, Math.round(decades / 5));
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    if (power % stride === 0) ticks.push(...within.map((digit) => Number(`${digit}e${power}`)));
  }
  return ticks.filter((tick) => tick >= low && tick <= high);
}

function multiples(from: number, to: number, step: number): number[] {
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.max(0, Math.floor(to / step) - first + 1) }, (_, i) => (first + i) * step);
}
