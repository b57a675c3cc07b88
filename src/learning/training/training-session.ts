import { availableParallelism } from 'node:os';
import type { InferenceSession } from 'onnxruntime-node';
import { onnxRuntime } from '../runtime.ts';
import type { TrainableNetwork } from './network.ts';
import { elementsOf } from './tape.ts';

/**
 * Parameters from which a second thread pays. On two idle cores 128-64-16-64-128 takes 4,600 steps/s with one thread and 4,400 to 5,000 with two,
 * 512-256-64-16-64-256-512 takes 350 and 600.
 */
const largeParameters = 100_000;

/**
 * How long a thread looks for its next share before it sleeps, in microseconds. Runtime's own way, to look on and on, halves the speed where another process
 * wants the core: 155 steps/s of the large network beside two busy processes, 250 like this.
 */
const spinMicroseconds = 50;

/** Fixed by the network and the machine, never by what is measured: another number of threads may add in another order. */
export function threadsFor({ parameters }: TrainableNetwork): number {
  const elements = parameters.reduce((sum, { shape }) => sum + elementsOf(shape), 0);
  return elements < largeParameters ? 1 : Math.min(2, availableParallelism());
}

export async function createTrainingSession(model: Uint8Array, threads: number): Promise<InferenceSession> {
  const { InferenceSession: Session } = await onnxRuntime();
  return Session.create(model, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    extra: { session: { intra_op: { spin_duration_us: String(spinMicroseconds) } } },
  });
}
