import type { InferenceSession } from 'onnxruntime-node';
import { onnxRuntime } from '../runtime.ts';

/** Two threads halve the products of a large network; a gateway that scores beside it keeps what other cores there are. */
const threads = 2;

export async function createTrainingSession(model: Uint8Array): Promise<InferenceSession> {
  const { InferenceSession: Session } = await onnxRuntime();
  return Session.create(model, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  });
}
