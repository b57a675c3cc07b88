import { RunningMedian, scoreOf } from '../../detector/limit.ts';
import { runGraph } from '../run-graph.ts';
import { type History, teachingShare } from './history.ts';
import type { LearningSet, LearntModel } from './learn.ts';
import { windowStarts } from './tracked-rows.ts';

/** Rows of a history that are unlike all others: what a fault looks like that was learnt from. */
export interface StandingOut {
  /** Share of the rows that lie before it, and share of the rows it takes. */
  readonly from: number;
  readonly share: number;
  /** Largest score in it over what other rows reach. */
  readonly times: number;
}

/** The score nine tenths of all blocks stay below, and by what factor a block stands out from it: 1.0 to 2.5 on healthy recordings, 3.7 to 5.4 with a step of 2.5 deviations among the rows the limit comes from. */
const usual = 0.9;
const standsOutFrom = 3;
/** More than this is a way of running, not an event. */
const largestShare = 0.2;

/** The stretch that stands out most, if one does; in the last fifth, where the limit comes from, it blinds. Rejects with the signal's reason. */
export async function standingOut(
  set: LearningSet,
  { graph, detector }: LearntModel,
  signal?: AbortSignal,
): Promise<StandingOut | undefined> {
  const { corrected, tracked, base, settings } = set;
  const { length, channels } = base;
  const starts = windowStarts(tracked, length, 0, tracked.rows);
  const { parts } = await runGraph(graph, { rows: corrected, offsets: starts.map((start) => start * channels), length, channels }, signal);
  const shape = { ...detector.calibration, channels, length };
  const median = new RunningMedian(settings.median);
  const scores = Float64Array.from(starts, (_, w) => median.add(scoreOf(parts, w * shape.members * channels, shape)));
  const blocks = Math.floor(scores.length / length);
  const maxima = Array.from({ length: blocks }, (_, block) => Math.max(...scores.subarray(block * length, (block + 1) * length)));
  const reached = maxima.toSorted((a, b) => a - b)[Math.floor(usual * blocks)] as number;
  const out = [...maxima.keys()].filter((block) => (maxima[block] as number) > standsOutFrom * reached);
  const [first] = out;
  if (first === undefined || out.length > largestShare * blocks) return undefined;
  const highest = out.reduce((best, block) => ((maxima[block] as number) > (maxima[best] as number) ? block : best), first);
  let [from, to] = [highest, highest];
  while (out.includes(from - 1)) from--;
  while (out.includes(to + 1)) to++;
  return { from: from / blocks, share: (to + 1 - from) / blocks, times: (maxima[highest] as number) / reached };
}

/** As a person is told. `timed`: rows of the history have times of their own. */
export function standingOutRemark(
  { from, share, times }: StandingOut,
  { runs, stepMs }: Pick<History, 'runs' | 'stepMs'>,
  timed: boolean,
): string {
  const rows = runs.reduce((sum, run) => sum + run.rows, 0);
  let row = Math.floor(from * rows);
  const place = Math.round(row);
  const run = runs.find((one) => {
    if (row < one.rows) return true;
    row -= one.rows;
    return false;
  });
  const when =
    timed && run?.startMs !== undefined ? new Date(run.startMs + row * stepMs).toISOString().slice(0, 19).concat('Z') : `row ${place}`;
  return `warning: about ${Math.ceil(share * rows)} rows from ${when} on are unlike all others (${times.toFixed(1)} times what those reach): if that was a fault, learn without it${from + share > teachingShare ? '; the limit comes from there, and the model does not see what is smaller' : ''}`;
}
