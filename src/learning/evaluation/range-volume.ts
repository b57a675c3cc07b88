import type { Ranking } from './ranking.ts';
import { quantile, type Run, runsOf } from './verdict-series.ts';

/** As the reference implementation: thresholds at equal distances in rank. */
const thresholdCount = 250;
const shortestBuffer = 10;
const longestBuffer = 100;

/** The largest buffer, in rows: the median length of the events, at least 10 and at most 100. It depends on labels only, so every detector has the same. */
export function bufferRows(eventRows: readonly number[]): number {
  const median = quantile(eventRows, 0.5);
  return Number.isNaN(median) ? shortestBuffer : Math.min(longestBuffer, Math.max(shortestBuffer, Math.round(median)));
}

/**
 * VUS-PR: the volume under the range-based precision-recall surface, over buffers of 0 to `buffer` rows round every event (Paparrizos, Boniol,
 * Palpanas, Tsay, Elmore, Franklin: "Volume Under the Surface", PVLDB 15(11), 2022, section 4). It forgives a label that sits some rows off.
 *
 * For a buffer of b rows a normal row d rows off an event, 1 <= d <= b/2, has the soft label sqrt(1 - d/b); two buffers add, up to 1. At a threshold,
 * with S(x) the sum of the soft labels over the rows x:
 *
 *     precision = S(alarmed) / alarmed rows
 *     recall    = min(1, S(alarmed) / P) * existence
 *     P         = events' rows + S(alarmed rows of the buffers) / 2
 *     existence = share of the events (buffers that touch make one) with an alarmed row in event or buffer
 *
 * The area under a buffer's curve is the sum of precision times recall won; the volume is the mean over the buffers. P takes the alarmed rows of the
 * buffers only and the area is of rectangles, as in the evaluation code of TSB-AD (NeurIPS 2024), whose published numbers are of this form.
 *
 * Events and buffers end where a recording ends: `lengths` are the rows of each, in the ranking's order. NaN where anomalous or normal rows are missing. Costs
 * O(rows log rows) once and, for each buffer, the rows near events and the thresholds.
 */
export function vusPrOf(ranking: Ranking, lengths: readonly number[], buffer: number): number {
  const { label } = ranking;
  const events = eventsOf(label, lengths);
  if (events.length === 0 || !label.includes(0)) return Number.NaN;
  const curve = new ThresholdCurve(ranking);
  const eventRows = new Float64Array(curve.count);
  for (const { first, last } of events) for (let i = first; i <= last; i++) curve.add(eventRows, i, 1);
  const labels = new SoftLabels(label);
  let volume = 0;
  for (let width = 0; width <= buffer; width++) {
    const soft = new Float64Array(curve.count);
    labels.visit(events, width, (row, value) => curve.add(soft, row, value));
    const reached = new Float64Array(curve.count);
    const zones = zonesOf(events, width);
    for (const zone of zones) {
      const at = curve.firstIn(zone);
      reached[at] = (reached[at] as number) + 1;
    }
    volume += curve.area(eventRows, soft, reached, zones.length);
  }
  return volume / (buffer + 1);
}

interface Event extends Run {
  /** Rows of the recording the event is in. */
  readonly recording: Run;
}

function eventsOf(label: Uint8Array, lengths: readonly number[]): Event[] {
  const events: Event[] = [];
  let start = 0;
  for (const length of lengths) {
    const recording = { first: start, last: start + length - 1 };
    for (const { first, last } of runsOf(label.subarray(start, start + length))) {
      events.push({ first: first + start, last: last + start, recording });
    }
    start += length;
  }
  return events;
}

/** Soft labels of the normal rows near events, row by row. */
class SoftLabels {
  readonly #label: Uint8Array;
  readonly #value: Float64Array;

  constructor(label: Uint8Array) {
    this.#label = label;
    this.#value = new Float64Array(label.length);
  }

  /** Gives each row in the buffer of an event its label, once. */
  visit(events: readonly Event[], width: number, give: (row: number, value: number) => void): void {
    const reach = width >> 1;
    const touched: number[] = [];
    const add = (row: number, distance: number): void => {
      if (this.#label[row] === 1) return;
      const value = this.#value[row] as number;
      if (value === 0) touched.push(row);
      this.#value[row] = value + Math.sqrt(1 - distance / width);
    };
    for (const { first, last, recording } of events) {
      for (let row = Math.max(first - reach, recording.first); row < first; row++) add(row, first - row);
      for (let row = last + 1; row <= Math.min(last + reach, recording.last); row++) add(row, row - last);
    }
    for (const row of touched) {
      give(row, Math.min(1, this.#value[row] as number));
      this.#value[row] = 0;
    }
  }
}

/** Events with their buffers; those that touch are one. */
function zonesOf(events: readonly Event[], width: number): Run[] {
  const reach = width >> 1;
  const zones: { first: number; last: number; recording: Run }[] = [];
  for (const { first, last, recording } of events) {
    const end = Math.min(last + reach, recording.last);
    const zone = zones.at(-1);
    if (zone !== undefined && zone.recording === recording && zone.last >= first - reach) zone.last = end;
    else zones.push({ first: Math.max(first - reach, recording.first), last: end, recording });
  }
  return zones;
}

/** Thresholds from the highest down, and at which of them each row is first alarmed. */
class ThresholdCurve {
  readonly count: number;
  /** Rows alarmed at each threshold. */
  readonly #alarmed: Float64Array;
  /** By row: the first threshold at which it is alarmed. */
  readonly #entry: Uint16Array;

  constructor({ score, order }: Ranking) {
    const rows = order.length;
    const thresholds: number[] = [];
    for (let k = 0; k < thresholdCount; k++) {
      const value = score[order[Math.floor((k * (rows - 1)) / (thresholdCount - 1))] as number] as number;
      if (value !== thresholds.at(-1)) thresholds.push(value);
    }
    this.count = thresholds.length;
    this.#alarmed = new Float64Array(this.count);
    this.#entry = new Uint16Array(rows);
    let k = 0;
    for (const row of order) {
      while ((score[row] as number) < (thresholds[k] as number)) k++;
      this.#entry[row] = k;
      this.#alarmed[k] = (this.#alarmed[k] as number) + 1;
    }
    for (let i = 1; i < this.count; i++) this.#alarmed[i] = (this.#alarmed[i] as number) + (this.#alarmed[i - 1] as number);
  }

  add(sums: Float64Array, row: number, value: number): void {
    const k = this.#entry[row] as number;
    sums[k] = (sums[k] as number) + value;
  }

  firstIn({ first, last }: Run): number {
    let least = this.count;
    for (let row = first; row <= last; row++) least = Math.min(least, this.#entry[row] as number);
    return least;
  }

  /** All three are what each threshold adds. */
  area(eventRows: Float64Array, soft: Float64Array, reached: Float64Array, zones: number): number {
    const positives = eventRows.reduce((sum, rows) => sum + rows, 0);
    let area = 0;
    let events = 0;
    let buffers = 0;
    let found = 0;
    let before = 0;
    for (let k = 0; k < this.count; k++) {
      events += eventRows[k] as number;
      buffers += soft[k] as number;
      found += reached[k] as number;
      const covered = events + buffers;
      const recall = Math.min(1, covered / (positives + buffers / 2)) * (found / zones);
      area += (recall - before) * (covered / (this.#alarmed[k] as number));
      before = recall;
    }
    return area;
  }
}
