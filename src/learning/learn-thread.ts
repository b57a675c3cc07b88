/** The thread a gateway learns in, beside live scoring and behind it: rows in, a bundle on the disk out. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { writeBundle } from '../bundles/index.ts';
import { errorText, FettleError } from '../core/errors.ts';
import { type BundleFacts, bundleOf } from './tracking/bundle.ts';
import { trackingCard } from './tracking/card.ts';
import type { History } from './tracking/history.ts';
import { learnTracking } from './tracking/learn.ts';

export interface LearnTask {
  readonly history: History;
  readonly facts: BundleFacts;
  readonly budgetPerDay: number | undefined;
  readonly directory: string;
}

export interface LearnAnswer {
  readonly error?: { readonly code: string; readonly message: string };
}

/** Behind everything else that wants the processor. On Linux this is the priority of the thread alone. */
const niceness = 10;

const port = parentPort;
if (port === null) throw new Error('learn-thread is started by learn-in-background.ts');
try {
  if (process.platform === 'linux') setPriority(0, niceness);
} catch {
  // Not allowed here: it learns at the priority it has.
}
const { history, facts, directory, budgetPerDay } = workerData as LearnTask;
try {
  const learnt = await learnTracking(history, ['fp32', 'int8'], budgetPerDay === undefined ? {} : { budgetPerDay });
  const { manifest, model, golden, detector } = await bundleOf(learnt, 'int8', facts);
  await writeBundle(directory, { manifest, model, golden, card: trackingCard(manifest, learnt), ...(detector && { detector }) });
  port.postMessage({} satisfies LearnAnswer);
} catch (error) {
  const code = error instanceof FettleError ? error.code : 'FETTLE_TRAINING_FAILED';
  port.postMessage({ error: { code, message: errorText(error) } } satisfies LearnAnswer);
}
