import '../core/no-telemetry.ts';
import type { InferenceSession, Tensor } from 'onnxruntime-node';

type Runtime = typeof import('onnxruntime-node');
let loaded: Promise<Runtime> | undefined;

/** ONNX Runtime, loaded when it is first needed: its library is large and `fettle check` does without. */
export function onnxRuntime(): Promise<Runtime> {
  loaded ??= import('onnxruntime-node');
  return loaded;
}

/** One thread: at these sizes more of them cost more than they bring. */
export async function createSession(model: Uint8Array): Promise<InferenceSession> {
  const { InferenceSession: Session } = await onnxRuntime();
  return Session.create(model, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  });
}

export async function floatTensor(values: Float32Array, dims: readonly number[]): Promise<Tensor> {
  const { Tensor: OrtTensor } = await onnxRuntime();
  return new OrtTensor('float32', values, dims);
}
