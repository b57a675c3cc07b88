/** The thread models are compared in, beside live scoring and behind it. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorText, FettleError } from '../core/errors.ts';
import { behindEverythingElse } from '../learning/low-priority.ts';
import { type CompareTask, compareModels, type ModelComparison } from './compare-models.ts';

export type CompareAnswer =
  | { readonly comparison: ModelComparison }
  | { readonly error: { readonly code: string; readonly message: string } };

const port = parentPort;
if (port === null) throw new Error('compare-thread is started by compare-in-background.ts');
behindEverythingElse();
try {
  port.postMessage({ comparison: await compareModels(workerData as CompareTask) } satisfies CompareAnswer);
} catch (error) {
  const code = error instanceof FettleError ? error.code : 'FETTLE_MODEL_INVALID';
  port.postMessage({ error: { code, message: errorText(error) } } satisfies CompareAnswer);
}
