import '../core/no-telemetry.ts';
import type { InferenceSession } from 'onnxruntime-node';
import { errorText, FettleError } from '../core/errors.ts';
import type { ScoreBatch } from '../core/score.ts';

/** Results of a run, in arrays of the caller's or of the runtime's. */
export interface ScoreColumns {
  value: Float32Array;
  contributions: Float32Array;
  observed: Float32Array;
  expected: Float32Array;
  parts?: Float32Array;
}

export interface ModelShape {
  readonly length: number;
  readonly channels: number;
}

/** One run holds the event loop for about 0.3 ms at this size; twice as many windows a run are 7 % faster, half as many 25 % slower (`bench/score.ts`, 16 steps of 8 channels). */
export const largestRun = 256;

type Runtime = typeof import('onnxruntime-node');

/** One ONNX Runtime session. The runtime is loaded when the first one is made: it is large, and not every command scores. */
export class ModelSession {
  readonly #runtime: Runtime;
  readonly #session: InferenceSession;
  readonly #shape: ModelShape;

  private constructor(runtime: Runtime, session: InferenceSession, shape: ModelShape) {
    this.#runtime = runtime;
    this.#session = session;
    this.#shape = shape;
  }

  /** Throws FETTLE_MODEL_INVALID when the runtime refuses the file, FETTLE_SCORING_FAILED when there is no runtime. */
  static async create(model: Uint8Array, shape: ModelShape): Promise<ModelSession> {
    const runtime = await import('onnxruntime-node').catch((cause: unknown) => {
      throw new FettleError('FETTLE_SCORING_FAILED', `ONNX Runtime cannot be loaded: ${errorText(cause)}`, {
        cause,
        hint: `is onnxruntime-node installed, and does it know ${process.platform}-${process.arch}? It needs glibc on Linux`,
      });
    });
    try {
      const session = await runtime.InferenceSession.create(model, {
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
        logSeverityLevel: 3,
      });
      return new ModelSession(runtime, session, shape);
    } catch (error) {
      throw new FettleError('FETTLE_MODEL_INVALID', `the model cannot be loaded: ${errorText(error)}`, { cause: error });
    }
  }

  /** `values` is `[count, length, channels]`. The arrays are the runtime's or new ones: nobody writes to them again. Throws FETTLE_SCORING_FAILED. */
  async run(values: Float32Array, count: number): Promise<ScoreBatch> {
    const { length, channels } = this.#shape;
    if (count > 0 && count <= largestRun) return { count, ...(await this.#run(values.subarray(0, count * length * channels), count)) };
    const all: ScoreColumns = {
      value: new Float32Array(count),
      contributions: new Float32Array(count * channels),
      observed: new Float32Array(count * channels),
      expected: new Float32Array(count * channels),
    };
    let parts: Float32Array | undefined;
    for (let from = 0; from < count; from += largestRun) {
      const windows = Math.min(largestRun, count - from);
      const part = await this.#run(values.subarray(from * length * channels, (from + windows) * length * channels), windows);
      all.value.set(part.value, from);
      all.contributions.set(part.contributions, from * channels);
      all.observed.set(part.observed, from * channels);
      all.expected.set(part.expected, from * channels);
      if (part.parts === undefined) continue;
      const width = part.parts.length / windows;
      parts ??= new Float32Array(count * width);
      parts.set(part.parts, from * width);
    }
    return { count, ...all, ...(parts !== undefined && { parts }) };
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  async #run(values: Float32Array, windows: number): Promise<ScoreColumns> {
    const { length, channels } = this.#shape;
    let results: InferenceSession.OnnxValueMapType;
    try {
      results = await this.#session.run({ window: new this.#runtime.Tensor('float32', values, [windows, length, channels]) });
    } catch (error) {
      throw new FettleError('FETTLE_SCORING_FAILED', `ONNX Runtime: ${errorText(error)}`, { cause: error });
    }
    return {
      value: column(results, 'score', windows),
      contributions: column(results, 'contributions', windows * channels),
      observed: column(results, 'observed', windows * channels),
      expected: column(results, 'expected', windows * channels),
      ...(results.parts !== undefined && { parts: column(results, 'parts', results.parts.size) }),
    };
  }
}

/** An output as the graph declares it; what a graph declares it need not do. */
function column(results: InferenceSession.OnnxValueMapType, name: string, length: number): Float32Array {
  const data = results[name]?.data;
  if (data instanceof Float32Array && data.length === length) return data;
  throw new FettleError('FETTLE_SCORING_FAILED', `the model gave no ${length} float32 values as "${name}"`);
}
