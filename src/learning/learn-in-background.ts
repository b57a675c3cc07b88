import '../core/no-telemetry.ts';
import { Worker } from 'node:worker_threads';
import { FettleError } from '../core/errors.ts';
import { siblingModule } from '../core/sibling-module.ts';
import type { LearnAnswer, LearnProgress, LearnTask } from './learn-thread.ts';

/**
 * Learns a tracking model from rows in a thread of low priority and writes its bundle to `task.directory`. The rows' arrays are handed over; `report` hears how far it has come. Throws
 * FETTLE_TRAINING_FAILED; rejects with the signal's reason, and then nothing is written.
 */
export async function learnInBackground(task: LearnTask, signal: AbortSignal, report?: (progress: LearnProgress) => void): Promise<void> {
  signal.throwIfAborted();
  const worker = new Worker(siblingModule(import.meta.url, 'learn-thread'), {
    workerData: task,
    name: 'learning',
    transferList: task.history.runs.map(({ values }) => values.buffer as ArrayBuffer),
  });
  const { promise, resolve, reject } = Promise.withResolvers<LearnAnswer>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  worker.on('message', (answer: LearnAnswer) => {
    if (answer.progress === undefined) resolve(answer);
    else report?.(answer.progress);
  });
  worker.once('error', reject);
  worker.once('exit', () => reject(new FettleError('FETTLE_TRAINING_FAILED', 'the learning thread ended')));
  try {
    const { error } = await promise;
    if (error !== undefined) throw new FettleError('FETTLE_TRAINING_FAILED', error.message);
  } finally {
    signal.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
}
