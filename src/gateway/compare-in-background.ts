import { siblingModule } from '../core/sibling-module.ts';
import { inBackground } from '../learning/in-background.ts';
import type { CompareTask, ModelComparison } from './compare-models.ts';

/** Compares in a thread of low priority, beside live scoring. The rows' arrays are handed over. Throws as `compareModels`; rejects with the signal's reason. */
export function compareInBackground(task: CompareTask, signal: AbortSignal): Promise<ModelComparison> {
  return inBackground({
    module: siblingModule(import.meta.url, 'compare-thread'),
    name: 'comparing',
    task,
    transfer: task.history.runs.map(({ values }) => values.buffer as ArrayBuffer),
    signal,
  });
}
