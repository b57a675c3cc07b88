import '../core/no-telemetry.ts';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, FettleError } from '../core/errors.ts';
import { siblingModule } from '../core/sibling-module.ts';
import type { CompareTask, ModelComparison } from './compare-models.ts';
import type { CompareAnswer } from './compare-thread.ts';

/** Compares in a thread of low priority, beside live scoring. The rows' arrays are handed over. Throws as `compareModels`; rejects with the signal's reason. */
export async function compareInBackground(task: CompareTask, signal: AbortSignal): Promise<ModelComparison> {
  signal.throwIfAborted();
  const worker = new Worker(siblingModule(import.meta.url, 'compare-thread'), {
    workerData: task,
    name: 'comparing',
    transferList: task.history.runs.map(({ values }) => values.buffer as ArrayBuffer),
  });
  const { promise, resolve, reject } = Promise.withResolvers<CompareAnswer>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.once('exit', () => reject(new FettleError('FETTLE_MODEL_INVALID', 'the comparing thread ended')));
  try {
    const answer = await promise;
    if ('error' in answer) throw new FettleError(answer.error.code as ErrorCode, answer.error.message);
    return answer.comparison;
  } finally {
    signal.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
}
