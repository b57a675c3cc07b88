import { siblingModule } from '../core/sibling-module.ts';
import { inBackground } from './in-background.ts';
import type { ModelOptions, Runs, TrainResult } from './train.ts';
import type { TrainingProgress } from './training/train-network.ts';

export interface TrainTask {
  readonly runs: Runs;
  readonly options: ModelOptions;
}

/** As `trainRuns`, in a thread of low priority. The rows' arrays are handed over. */
export function trainInBackground(
  task: TrainTask,
  signal: AbortSignal,
  report?: (progress: TrainingProgress) => void,
): Promise<TrainResult> {
  return inBackground({
    module: siblingModule(import.meta.url, 'train-thread'),
    name: 'training',
    task,
    transfer: task.runs.runs.map(({ values }) => values.buffer as ArrayBuffer),
    report,
    signal,
  });
}
