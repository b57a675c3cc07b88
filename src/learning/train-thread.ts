/** The thread a model of windows is trained in. */
import { asThread } from './as-thread.ts';
import type { TrainResult } from './train.ts';
import type { TrainTask } from './train-in-background.ts';
import type { TrainingProgress } from './training/train-network.ts';

await asThread(async () => {
  const { trainRuns } = await import('./train.ts');
  return ({ runs, options }: TrainTask, onProgress: (progress: TrainingProgress) => void, signal: AbortSignal): Promise<TrainResult> =>
    trainRuns(runs, options, { onProgress, signal });
});
