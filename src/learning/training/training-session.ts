import { availableParallelism } from 'node:os';
import type { InferenceSession } from 'onnxruntime-node';
import { onnxRuntime } from '../runtime.ts';
import type { TrainableNetwork } from './network.ts';
import { elementsOf } from './tape.ts';

/**
 * Threads that pay: a second one gains nothing below (128-64-16-64-128: 4,500 steps/s with one, 4,400 with two) and four fifths above
 * (512-256-64-16-64-256-512: 310 and 550).
 */
const largeParameters = 100_000;

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
  });
}
