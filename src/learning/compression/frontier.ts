import { fitMembers, type LearningSet, type LearntModel, type Precision } from '../tracking/learn.ts';
import { type Structure, structuresOf } from './candidates.ts';
import { Judge, type Worth } from './worth.ts';

/** A model made smaller, with what it costs and what it is worth. */
export interface Candidate extends Worth {
  readonly structure: Structure;
  readonly precision: Precision;
  readonly model: LearntModel;
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
/** Losses that differ by less are alike: with 512 probe windows chance moves them as far. */
const resolution = 0.005;

/** Every structure in every precision, smallest file first. Rejects with the signal's reason. */
export async function frontierOf(
  set: LearningSet,
  onProgress?: (done: number, of: number) => void,
  signal?: AbortSignal,
): Promise<Candidate[]> {
  const trial = { ...set, unseen: set.unseen.slice(-mostTrialWindows) };
  const structures = await structuresOf(set, signal);
  const measured: Omit<Candidate, 'onFrontier'>[] = [];
  let judge: Judge | undefined;
  for (const structure of structures) {
    for (const precision of precisions) {
      signal?.throwIfAborted();
      const model = await fitMembers(trial, structure.in(precision), precision, signal);
      judge ??= await Judge.beside(set, model);
      measured.push({ structure, precision, model, ...(await judge.worthOf(model)) });
      onProgress?.(measured.length, structures.length * precisions.length);
    }
  }
  return measured
    .map((one) => ({ ...one, onFrontier: !measured.some((other) => other !== one && other.bytes <= one.bytes && other.loss < one.loss) }))
    .sort((a, b) => a.bytes - b.bytes);
}

/**
 * The best that fits. Within bytes and time the least loss, and of those alike the one that agrees best with the float ensemble: room that is left is no reason to move away from it. With a
 * loss given the smallest that stays within it. Undefined where nothing fits.
 */
export function chooseFrom<T extends Pick<Candidate, 'bytes' | 'cost' | 'loss' | 'rankAgreement'>>(
  candidates: readonly T[],
  { bytes, microseconds, loss }: Wanted,
): T | undefined {
  const fitting = candidates.filter(
    (one) => one.bytes <= (bytes ?? Number.POSITIVE_INFINITY) && one.cost.alone <= (microseconds ?? Number.POSITIVE_INFINITY),
  );
  if (loss !== undefined) return fitting.filter((one) => one.loss <= loss).sort((a, b) => a.bytes - b.bytes || a.loss - b.loss)[0];
  // What seems better than the float ensemble is chance as well.
  const least = Math.max(0, Math.min(...fitting.map((one) => one.loss)));
  return fitting.filter((one) => one.loss <= least + resolution).sort((a, b) => b.rankAgreement - a.rankAgreement || a.bytes - b.bytes)[0];
}
