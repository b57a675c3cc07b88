import { runGraph, type Windows } from '../run-graph.ts';
import { thinned } from '../split.ts';
import { fitMembers, type LearningSet, type LearntModel, type Precision } from '../tracking/learn.ts';
import { type Structure, structuresOf } from './candidates.ts';
import { measureGraph, type WindowCost } from './measure-graph.ts';
import { areaUnderCurve, rankCorrelation } from './rank-statistics.ts';

/** A model made smaller, with what it costs and what it is worth, measured on this machine. */
export interface Candidate {
  readonly structure: Structure;
  readonly precision: Precision;
  readonly model: LearntModel;
  /** Of the ONNX file. */
  readonly bytes: number;
  readonly cost: WindowCost;
  /** Spearman's correlation of the scores with those of the float ensemble, and the share of windows on the same side of the limit. */
  readonly rankAgreement: number;
  readonly sameVerdict: number;
  /** How well scores tell windows with a step from healthy ones, and how much worse that is than in the float ensemble. */
  readonly areaUnderCurve: number;
  readonly loss: number;
  /** Nothing else is as small and loses less. */
  readonly onFrontier: boolean;
}

export interface Wanted {
  readonly bytes?: number;
  /** µs a window, alone. */
  readonly microseconds?: number;
  readonly loss?: number;
}

export const precisions: readonly Precision[] = ['fp32', 'int8', 'int4', 'int2'];
const mostTrialWindows = 8_000;
const probeWindows = 512;
/** Small ones, where models differ: every one sees a step of four deviations. */
const steps = [1, 1.5, 2, 3];
/** Losses that differ by less are alike. */
const resolution = 0.002;

/** Every structure in every precision, smallest file first. Rejects with the signal's reason. */
export async function frontierOf(
  set: LearningSet,
  onProgress?: (done: number, of: number) => void,
  signal?: AbortSignal,
): Promise<Candidate[]> {
  const trial = { ...set, unseen: set.unseen.slice(-mostTrialWindows) };
  const { healthy, stepped, values } = probesOf(set);
  const { length, channels } = set.base;
  const structures = await structuresOf(set, signal);
  const measured: Omit<Candidate, 'onFrontier'>[] = [];
  let reference: { readonly scores: Float64Array; readonly area: number } | undefined;
  for (const structure of structures) {
    for (const precision of precisions) {
      signal?.throwIfAborted();
      const model = await fitMembers(trial, structure.in(precision), precision, signal);
      const over = async (windows: Windows) =>
        Float64Array.from((await runGraph(model.graph, windows, signal)).score, (score) => score / model.limit);
      const [calm, alarming] = [await over(healthy), await over(stepped)];
      const area = areaUnderCurve(calm, alarming);
      const scores = Float64Array.from([...calm, ...alarming]);
      reference ??= { scores, area };
      const theirs = reference.scores;
      measured.push({
        structure,
        precision,
        model,
        bytes: model.graph.length,
        cost: await measureGraph(model.graph, values, length, channels),
        rankAgreement: rankCorrelation(scores, theirs),
        sameVerdict: scores.filter((score, i) => score > 1 === (theirs[i] as number) > 1).length / scores.length,
        areaUnderCurve: area,
        loss: reference.area - area,
      });
      onProgress?.(measured.length, structures.length * precisions.length);
    }
  }
  return measured
    .map((one) => ({ ...one, onFrontier: !measured.some((other) => other !== one && other.bytes <= one.bytes && other.loss < one.loss) }))
    .sort((a, b) => a.bytes - b.bytes);
}

/**
 * The best that fits: within bytes and time the least loss, and of those alike the smallest; with a loss given the smallest that stays within it. Undefined where nothing fits.
 */
export function chooseFrom(candidates: readonly Candidate[], { bytes, microseconds, loss }: Wanted): Candidate | undefined {
  const fitting = candidates.filter(
    (one) => one.bytes <= (bytes ?? Number.POSITIVE_INFINITY) && one.cost.alone <= (microseconds ?? Number.POSITIVE_INFINITY),
  );
  const least = Math.min(...fitting.map((one) => one.loss));
  const allowed = loss === undefined ? Math.max(0, least) + resolution : loss;
  return fitting.filter((one) => one.loss <= allowed).sort((a, b) => a.bytes - b.bytes || a.loss - b.loss)[0];
}

/** Unseen windows, and the same ones with a step in one channel from some row of the window on. */
function probesOf({ base, corrected, unseen }: LearningSet): { healthy: Windows; stepped: Windows; values: Float32Array } {
  const { length, channels, deviation } = base;
  const width = length * channels;
  const chosen = thinned(unseen, probeWindows);
  const rows = Float64Array.from(chosen.flatMap((start) => [...corrected.subarray(start * channels, start * channels + width)]));
  const offsets = chosen.map((_, w) => w * width);
  const after = rows.map((value, at) => {
    const w = Math.floor(at / width);
    const row = Math.floor((at % width) / channels);
    const begins = Math.floor(w / (channels * steps.length)) % 2 === 0 ? 0 : Math.floor(length / 2);
    if (at % channels !== w % channels || row < begins) return value;
    const size = steps[Math.floor(w / channels) % steps.length] as number;
    return value + (Math.floor(w / 2) % 2 === 0 ? 1 : -1) * size * (deviation[at % channels] as number);
  });
  const windows = (values: Float64Array): Windows => ({ rows: values, offsets, length, channels });
  return { healthy: windows(rows), stepped: windows(after), values: Float32Array.from(rows) };
}
