import type { Golden } from '../core/manifest.ts';
import { runGraph, type Windows } from './run-graph.ts';
import { type Split, thinned } from './split.ts';

/** How far the graph that ships is from the float one, each score over its own graph's limit. */
export interface Agreement {
  /** Median and largest difference of score / limit; relative where it is above 1. */
  readonly median: number;
  readonly largest: number;
  /** Share of windows that both put on the same side of the limit. */
  readonly sameVerdict: number;
}

const stepDeviations = 4;
const goldenWindows = 8;
const goldenTolerance = 0.02;

/** Unseen windows, every other one with a step of four deviations in one channel: agreement must hold on anomalous rows as well. */
export function probeWindows(split: Split, length: number, count: number): Windows {
  const { channels, deviation } = split;
  const values = length * channels;
  const chosen = thinned(split.unseen, count);
  const rows = new Float64Array(chosen.length * values);
  chosen.forEach((offset, w) => {
    rows.set(split.rows.subarray(offset, offset + values), w * values);
    if (w % 2 === 0) return;
    const channel = (w >> 1) % channels;
    for (let s = 0; s < length; s++) {
      const at = w * values + s * channels + channel;
      rows[at] = (rows[at] as number) + stepDeviations * (deviation[channel] as number);
    }
  });
  return { rows, offsets: chosen.map((_, w) => w * values), length, channels };
}

export function agreementOf(ours: Float32Array, limit: number, theirs: Float32Array, theirLimit: number): Agreement {
  const pairs = Array.from(ours, (score, i) => [score / limit, (theirs[i] as number) / theirLimit] as const);
  const differences = pairs.map(([a, b]) => Math.abs(a - b) / Math.max(1, b)).sort((a, b) => a - b);
  const same = pairs.filter(([a, b]) => a > 1 === b > 1).length;
  return {
    median: differences[Math.floor(differences.length / 2)] ?? 0,
    largest: differences.at(-1) ?? 0,
    sameVerdict: same / Math.max(1, pairs.length),
  };
}

/** Golden vectors, in the float32 and the few digits that golden.json holds. */
export async function goldenOf(model: Uint8Array, split: Split, length: number): Promise<Golden> {
  const { rows, offsets, channels } = probeWindows(split, length, goldenWindows);
  const short = rows.map((value) => Number(value.toPrecision(7)));
  const { score } = await runGraph(model, { rows: short, offsets, length, channels });
  const values = length * channels;
  return { tolerance: goldenTolerance, windows: offsets.map((offset) => [...short.subarray(offset, offset + values)]), scores: [...score] };
}

/** As `goldenOf`, from windows that are cut out already. */
export async function goldenFor(
  model: Uint8Array,
  windows: readonly Float64Array[],
  { length, channels }: { readonly length: number; readonly channels: number },
  deviation: Float64Array,
): Promise<Golden> {
  const chosen = Array.from({ length: Math.min(goldenWindows, windows.length) }, (_, i) =>
    (windows[Math.floor((i * windows.length) / Math.min(goldenWindows, windows.length))] as Float64Array).slice(),
  );
  const short = chosen.map((window, w) =>
    window.map((value, at) => {
      const stepped = w % 2 === 1 && at % channels === (w >> 1) % channels;
      return Number((stepped ? value + stepDeviations * (deviation[at % channels] as number) : value).toPrecision(7));
    }),
  );
  const rows = new Float64Array(short.length * length * channels);
  for (const [w, window] of short.entries()) rows.set(window, w * length * channels);
  const offsets = short.map((_, w) => w * length * channels);
  const { score } = await runGraph(model, { rows, offsets, length, channels });
  return { tolerance: goldenTolerance, windows: short.map((window) => [...window]), scores: [...score] };
}
