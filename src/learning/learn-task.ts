import { writeBundle } from '../bundles/index.ts';
import { chooseFamily, type FamilyChoice } from './compression/families.ts';
import { precisions } from './compression/frontier.ts';
import { learnPrecisions, smallestWithin } from './compression/learn-precisions.ts';
import { type BundleFacts, bundleOf } from './tracking/bundle.ts';
import { type CalmStretch, mostRoom, roomForCalm } from './tracking/calm-stretches.ts';
import { trackingCard } from './tracking/card.ts';
import type { History } from './tracking/history.ts';
import { type Learnt, type LearntModel, learningSet, type Precision } from './tracking/learn.ts';
import { type OperatingStates, operatingStates, runningExpression, runningOnly } from './tracking/operating-states.ts';
import { standingOut, standingOutRemark } from './tracking/standing-out.ts';

export interface LearnTask {
  readonly history: History;
  /** Stretches of it that raised an alarm once and were nothing. */
  readonly calm?: readonly CalmStretch[];
  readonly facts: BundleFacts;
  readonly budgetPerDay: number | undefined;
  /** auto: the smallest that loses at most `loss` of the area under the curve. INT8 when absent. */
  readonly precision?: Precision | 'auto';
  readonly loss?: number;
  readonly directory: string;
  /** Linear when absent. */
  readonly family?: FamilyChoice;
  /** Nobody said when the machine runs: to be looked for in the history, and what stands still left out. */
  readonly recogniseStops?: boolean;
}

/** How far it has come: `done` of `of` steps, and what it is at. */
export interface LearnProgress {
  readonly doing: string;
  readonly done: number;
  readonly of: number;
}

/** Rows after a start in which a machine that nobody described is not like itself yet. */
const settleRows = 30;

/** Rows in, a bundle on the disk out. Throws FETTLE_TRAINING_FAILED; rejects with the signal's reason, and then nothing is written. */
export async function learn(
  {
    history,
    calm = [],
    facts,
    directory,
    budgetPerDay,
    precision = 'int8',
    loss = 0,
    family = 'linear',
    recogniseStops = false,
  }: LearnTask,
  report: (progress: LearnProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const wanted = new Set<Precision>(['fp32', ...(precision === 'auto' ? precisions : [precision])]);
  const of = wanted.size + (family === 'linear' ? 2 : 3);
  report({ doing: 'looking for what belongs together', done: 0, of });
  const states = recogniseStops ? operatingStates(history) : undefined;
  const ran = states?.lower === 'off' ? runningOnly(history, states, settleRows) : history;
  const set = learningSet(ran, budgetPerDay === undefined ? {} : { budgetPerDay });
  const networks = await chooseFamily(set, family, {
    signal,
    onProgress: (tried, { epoch, epochs, loss: error }) =>
      report({ doing: `training ${tried}: epoch ${epoch} of ${epochs}, error ${error.toPrecision(3)}`, done: 1, of }),
  });
  let done = of - wanted.size - 1;
  const { learnt, worth } = await learnPrecisions(set, [...wanted], {
    networks,
    signal,
    next: (next) => report({ doing: `calibrating and testing ${next}`, done: done++, of }),
  });
  const chosen = precision === 'auto' ? smallestWithin(worth, loss) : precision;
  report({ doing: 'writing the bundle', done: of - 1, of });
  const quiet = await keptQuiet(learnt, chosen, history, calm, signal);
  const { manifest, model, golden, detector } = await bundleOf(quiet, chosen, { ...facts, ...recognised(states, history.stepMs) }, worth);
  const stretch = await standingOut(set, learnt.models.get(chosen) as LearntModel, signal);
  const card = trackingCard(manifest, quiet, worth, stretch === undefined ? [] : [standingOutRemark(stretch, ran, true)]);
  signal.throwIfAborted();
  await writeBundle(directory, { manifest, model, golden, card, ...(detector && { detector }) });
}

/** What the bundle says of ways of running nobody has named. */
function recognised(states: OperatingStates | undefined, stepMs: number): Pick<BundleFacts, 'running' | 'idle'> {
  if (states === undefined) return {};
  const when = runningExpression(states);
  return states.lower === 'off'
    ? { running: { when, settleMs: settleRows * stepMs, offShare: states.share } }
    : { idle: { load: when, share: states.share } };
}

/** Raises the limit of what ships above the stretches people called false alarms. */
async function keptQuiet(
  learnt: Learnt,
  precision: Precision,
  { runs, stepMs }: History,
  calm: readonly CalmStretch[],
  signal: AbortSignal,
): Promise<Learnt> {
  const model = learnt.models.get(precision) as LearntModel;
  const room = await roomForCalm({ ...model, stepMs, length: learnt.length }, runs, learnt.history.columns, calm, signal);
  if (room === 1) return learnt;
  const said = `${room.toPrecision(3)} for ${calm.length === 1 ? 'an alarm' : `${calm.length} alarms`} that people called false${room === mostRoom ? ', and no further' : ''}`;
  const raised: LearntModel = {
    ...model,
    limit: model.limit * room,
    method: `${model.method} × ${said}`,
    medianRatio: model.medianRatio / room,
    maxRatio: model.maxRatio / room,
  };
  return { ...learnt, models: new Map([...learnt.models, [precision, raised]]) };
}
