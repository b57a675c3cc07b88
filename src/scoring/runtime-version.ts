import '../core/no-telemetry.ts';

/** Of ONNX Runtime. Rejects where it cannot be loaded on this machine. */
export async function runtimeVersion(): Promise<string> {
  const { env } = await import('onnxruntime-node');
  return env.versions.node ?? 'unknown';
}
