import { FettleError } from '../../core/errors.ts';
import { fitTested, type LearningSet, type Learnt, type LearntModel, learntFrom, type Precision } from '../tracking/learn.ts';
import { type FamilyNetworks, linearNetworks } from './families.ts';
import { Judge, type Worth } from './worth.ts';

export interface MeasuredPrecisions {
  readonly learnt: Learnt;
  readonly worth: ReadonlyMap<Precision, Worth>;
}

export interface PrecisionOptions {
  /** Linear when absent. */
  readonly networks?: FamilyNetworks;
  readonly signal?: AbortSignal;
  /** Hears of each precision before it is begun. */
  readonly next?: (precision: Precision) => void;
}

/** The model of a history in the precisions wanted, float32 first, each measured beside float32. Rejects with the signal's reason. */
export async function learnPrecisions(
  set: LearningSet,
  wanted: readonly Precision[],
  { networks = linearNetworks(set), signal, next }: PrecisionOptions = {},
): Promise<MeasuredPrecisions> {
  const models = new Map<Precision, LearntModel>();
  const worth = new Map<Precision, Worth>();
  let judge: Judge | undefined;
  for (const precision of new Set<Precision>(['fp32', ...wanted])) {
    signal?.throwIfAborted();
    next?.(precision);
    const model = await fitTested(set, networks.membersIn(precision), precision, signal);
    judge ??= await Judge.beside(set, model);
    models.set(precision, model);
    worth.set(precision, await judge.worthOf(model));
  }
  return { learnt: { ...learntFrom(set, models), family: networks.family, description: networks.description }, worth };
}

/** The smallest that loses at most `loss` of the area under the curve; float32 loses nothing. Throws FETTLE_TRAINING_FAILED where none was measured. */
export function smallestWithin(worth: MeasuredPrecisions['worth'], loss: number): Precision {
  const [smallest] = [...worth].filter(([, one]) => one.loss <= loss).sort(([, a], [, b]) => a.bytes - b.bytes);
  if (smallest !== undefined) return smallest[0];
  throw new FettleError('FETTLE_TRAINING_FAILED', `no precision loses at most ${loss}`, {
    hint: 'a loss of 0 or more always lets fp32 through',
  });
}
