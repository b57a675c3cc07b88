/** A recording as text: the same plant, told in another way. */
export interface Sheet {
  readonly channels: readonly string[];
  /** Seconds. */
  readonly time: readonly number[];
  /** `[row][channel]`; NaN: nothing. */
  readonly values: readonly (readonly number[])[];
  readonly label: readonly number[];
}

type Normal = () => number;
/** Uniform between 0 and 1. */
type Random = () => number;

export const csvOf = ({ channels, time, values, label }: Sheet): string =>
  [
    ['datetime', ...channels, 'anomaly'].join(','),
    ...time.map((at, i) =>
      [
        new Date(at * 1000).toISOString(),
        ...(values[i] as readonly number[]).map((value) => (Number.isNaN(value) ? '' : String(value))),
        label[i] as number,
      ].join(','),
    ),
  ].join('\n');

export const mapValues = (sheet: Sheet, change: (value: number, channel: number, row: number) => number): Sheet => ({
  ...sheet,
  values: sheet.values.map((row, i) => row.map((value, c) => change(value, c, i))),
});

/** Rows by number, in the order given, at other times. */
export const pick = (sheet: Sheet, rows: readonly number[], time: readonly number[]): Sheet => ({
  ...sheet,
  time,
  values: rows.map((row) => sheet.values[row] as readonly number[]),
  label: rows.map((row) => sheet.label[row] as number),
});

const timeAt = ({ time }: Sheet, row: number): number => time[row] as number;
const valueAt = ({ values }: Sheet, row: number, channel: number): number => values[row]?.[channel] as number;

export function shuffled(count: number, random: Random): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}

/** Over the first rows. */
export const deviationsOf = ({ values }: Sheet, rows: number): number[] => {
  const learnt = values.slice(0, rows);
  return (values[0] ?? []).map((_, c) => {
    const mean = learnt.reduce((sum, row) => sum + (row[c] as number), 0) / learnt.length;
    return Math.sqrt(learnt.reduce((sum, row) => sum + ((row[c] as number) - mean) ** 2, 0) / learnt.length);
  });
};

/** Channels in another order, under other names. */
export function permuted(sheet: Sheet, random: Random): Sheet {
  const order = shuffled(sheet.channels.length, random);
  return { ...sheet, channels: order.map((_, c) => `x${c}`), values: sheet.values.map((row) => order.map((c) => row[c] as number)) };
}

/** Every channel in units of its own: × e^(3N), shifted by a thousand of its deviations. */
export function inOtherUnits(sheet: Sheet, normal: Normal, deviations: readonly number[]): Sheet {
  const units = sheet.channels.map((_, c) => [Math.exp(3 * normal()), 1_000 * (deviations[c] as number) * normal()] as const);
  return mapValues(sheet, (value, c) => (value + (units[c]?.[1] as number)) * (units[c]?.[0] as number));
}

/** `times` as many rows as the device refreshes. */
export function polled(sheet: Sheet, times: number): Sheet {
  const distance = (timeAt(sheet, 1) - timeAt(sheet, 0)) / times;
  const rows = Array.from({ length: Math.floor(sheet.time.length * times) }, (_, i) => Math.floor(i / times));
  return pick(
    sheet,
    rows,
    rows.map((_, i) => timeAt(sheet, 0) + i * distance),
  );
}

/** Every row twice. */
export function twice(sheet: Sheet): Sheet {
  const half = (timeAt(sheet, 1) - timeAt(sheet, 0)) / 2;
  const rows = sheet.time.flatMap((_, i) => [i, i]);
  return pick(
    sheet,
    rows,
    rows.map((row, i) => timeAt(sheet, row) + (i % 2) * half),
  );
}

/** Of the label that of the first of the two counts. */
export function meansOfTwo(sheet: Sheet): Sheet {
  const rows = Array.from({ length: Math.floor(sheet.time.length / 2) }, (_, i) => 2 * i);
  const meaned = pick(
    sheet,
    rows,
    rows.map((row) => timeAt(sheet, row)),
  );
  return mapValues(meaned, (value, c, i) => (value + valueAt(sheet, 2 * i + 1, c)) / 2);
}

/** `times` as many rows, on straight lines between the recorded ones. */
export function drawn(sheet: Sheet, times: number): Sheet {
  const shorter = pick(sheet, [...sheet.time.keys()].slice(0, -1), sheet.time.slice(0, -1));
  return mapValues(polled(shorter, times), (value, c, i) => {
    const row = Math.floor(i / times);
    return value + (i / times - row) * (valueAt(sheet, row + 1, c) - value);
  });
}

/** Polled `times` as fast, and each channel refreshes at a moment of its own. */
export function refreshedApart(sheet: Sheet, times: number): Sheet {
  const most = sheet.time.length * times - times + 1;
  const fast = polled(sheet, times);
  const cut = pick(fast, [...fast.time.keys()].slice(0, most), fast.time.slice(0, most));
  return mapValues(cut, (_, c, i) => valueAt(sheet, Math.max(0, Math.floor((i - (c % times)) / times)), c));
}

/** Channels 1, 4, 7 … refresh every so many rows only, and stand in between. */
export const partlyHeld = (sheet: Sheet, every: number): Sheet =>
  mapValues(sheet, (value, c, i) => (c % 3 === 1 ? valueAt(sheet, i - (i % every), c) : value));

/** A share of all values is lost, from a row on. */
export const withLosses = (sheet: Sheet, share: number, from: number, random: Random): Sheet =>
  mapValues(sheet, (value, _, i) => (i >= from && random() < share ? Number.NaN : value));

/** A fifth of one channel is lost in bursts of ten rows, from a row on. */
export function withBursts(sheet: Sheet, from: number, random: Random): Sheet {
  const channel = Math.floor(random() * sheet.channels.length);
  const lost = sheet.time.map(() => 0);
  for (let i = from; i < lost.length; i++) if (random() < 0.022) lost.fill(1, i, i + 10);
  return mapValues(sheet, (value, c, i) => (c === channel && lost[i] === 1 ? Number.NaN : value));
}

/** One channel is gone from a row on. */
export function withoutChannel(sheet: Sheet, from: number, random: Random): Sheet {
  const channel = Math.floor(random() * sheet.channels.length);
  return mapValues(sheet, (value, c, i) => (c === channel && i >= from ? Number.NaN : value));
}

/** One channel stands on its value from a row on. */
export function stuck(sheet: Sheet, from: number, random: Random): Sheet {
  const channel = Math.floor(random() * sheet.channels.length);
  return mapValues(sheet, (value, c, i) => (c === channel && i > from ? valueAt(sheet, from, c) : value));
}

/** Two channels drift by two deviations in so many rows, from the first row on. */
export function drifting(sheet: Sheet, inRows: number, deviations: readonly number[], random: Random): Sheet {
  const [a, b] = shuffled(sheet.channels.length, random);
  return mapValues(sheet, (value, c, i) => (c === a || c === b ? value + ((2 * i) / inRows) * (deviations[c] as number) : value));
}

/** A single value of twenty deviations now and then, in one row of 200, from a row on. */
export const withSpikes = (sheet: Sheet, from: number, deviations: readonly number[], random: Random): Sheet =>
  mapValues(sheet, (value, c, i) =>
    i >= from && random() < 1 / 200 / sheet.channels.length ? value + 20 * (deviations[c] as number) : value,
  );
