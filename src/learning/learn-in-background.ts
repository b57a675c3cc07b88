import { siblingModule } from '../core/sibling-module.ts';
import { inBackground } from './in-background.ts';
import type { LearnProgress, LearnTask } from './learn-task.ts';

/**
 * Learns a tracking model from rows in a thread of low priority and writes its bundle to `task.directory`. The rows' arrays are handed over; `report` hears how far it has come. Throws
 * FETTLE_TRAINING_FAILED; rejects with the signal's reason, and then nothing is written.
 */
export function learnInBackground(task: LearnTask, signal: AbortSignal, report?: (progress: LearnProgress) => void): Promise<void> {
  return inBackground<void, LearnProgress>({
    module: siblingModule(import.meta.url, 'learn-thread'),
    name: 'learning',
    task,
    transfer: task.history.runs.map(({ values }) => values.buffer as ArrayBuffer),
    report,
    signal,
  });
}
