import type { AssetConfig } from '../config/schema.ts';
import type { ModelManifest } from '../core/manifest.ts';
import type { Seen } from './seen.ts';
import type { ShadowTally } from './shadow.ts';

export type LearningStage = 'provisional' | 'established';

/** What decides whether there is something to learn. */
export interface LessonFacts {
  readonly stage: 'none' | LearningStage;
  readonly seen: Seen;
  /** It warns of a slow change: since when, and for how long now, event time. */
  readonly slowChange: { readonly sinceMs: number; readonly forMs: number } | undefined;
  /** A person asked for a candidate. */
  readonly requested: boolean;
  readonly hasCandidate: boolean;
}

export interface Lesson {
  readonly stage: LearningStage;
  /** Why a candidate is learnt; null: what is learnt takes over at once. */
  readonly reason: 'schedule' | 'newNormal' | 'slow change' | 'request' | null;
  /** Nothing older is learnt from, event time. */
  readonly sinceMs: number;
}

/** Fewer rows say nothing (DETECTOR section 5). */
const fewestRows = 400;

export const nextStage = (stage: LessonFacts['stage']): LearningStage | undefined =>
  stage === 'none' ? 'provisional' : stage === 'provisional' ? 'established' : undefined;

/** Valid running time since what is normal was last said to begin, ms. */
export const runningMs = ({ window }: AssetConfig, { seen: { rows, beforeNormal } }: Pick<LessonFacts, 'seen'>): number =>
  (rows - beforeNormal) * window.step;

/** What an asset should learn now, if anything. Pure. */
export function lessonFor(asset: AssetConfig, facts: LessonFacts): Lesson | undefined {
  const { detector, window } = asset;
  const { stage, seen, slowChange, requested, hasCandidate } = facts;
  const learn = detector?.learn;
  const enough = (ms: number, rows = seen.rows - seen.beforeNormal): boolean => rows >= fewestRows && rows * window.step >= ms;
  if (learn === undefined || !enough(0)) return undefined;
  const sinceMs = Math.max(seen.sinceMs ?? 0, seen.normalSinceMs ?? 0);
  const next = nextStage(stage);
  if (next !== undefined) return enough(learn[next]) ? { stage: next, reason: null, sinceMs } : undefined;
  const candidate = (reason: NonNullable<Lesson['reason']>, from = sinceMs): Lesson => ({ stage: 'established', reason, sinceMs: from });
  if (requested) return candidate('request');
  if (hasCandidate) return undefined;
  // Since the model came, a person has said that things are different now.
  if (seen.beforeNormal > seen.beforeModel && enough(learn.established)) return candidate('newNormal');
  // It has run in its new way for as long as it takes to know it.
  if (slowChange !== undefined && slowChange.forMs >= learn.established) return candidate('slow change', slowChange.sinceMs);
  if (learn.renew !== undefined && enough(learn.renew, seen.rows - seen.beforeModel)) return candidate('schedule');
  return undefined;
}

/**
 * What becomes of a candidate that has judged beside the model in force for long enough; undefined while it has not, or where only a person may say: slow change may be wear, and wear must not be learnt. It has to raise no more, and to see
 * no less in its self-test.
 */
export function outcomeOf(
  { reason, tally, manifest }: { readonly reason: string; readonly tally: ShadowTally; readonly manifest: ModelManifest },
  inForce: ModelManifest,
  longEnough: boolean,
): { readonly promote: boolean; readonly text: string } | undefined {
  if (!longEnough || reason === 'slow change' || reason === 'request') return undefined;
  const { active, candidate } = tally;
  const [sees, saw] = [manifest.selfTest?.share ?? 0, inForce.selfTest?.share ?? 0];
  const facts = `${candidate.alarms} alarms (${active.alarms} by the model in force) in ${candidate.rows} rows, self-test ${percent(sees)} (${percent(saw)})`;
  const promote = candidate.alarms <= active.alarms && candidate.alarmRows <= active.alarmRows && sees >= saw;
  return { promote, text: `the candidate ${promote ? 'takes over' : 'is put aside'}: ${facts}` };
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;
