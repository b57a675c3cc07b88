import { FettleError } from '../core/errors.ts';
import { createSession, floatTensor } from './runtime.ts';

/** Windows to run: the first value of each in `rows` (`[rows, channels]`, engineering units). */
export interface Windows {
  readonly rows: Float64Array;
  readonly offsets: readonly number[];
  readonly length: number;
  readonly channels: number;
}

export interface GraphOutputs {
  readonly score: Float32Array;
  readonly observed: Float32Array;
  readonly expected: Float32Array;
  /** Of a tracking model, else empty. */
  readonly parts: Float32Array;
  /** Of a diagnostic graph, else empty. */
  readonly residual: Float32Array;
}

const outputs = ['score', 'observed', 'expected', 'parts', 'residual'] as const;
const windowsPerRun = 256;

/** A deployed graph over windows, in ONNX Runtime, in the batches the gateway uses: what is calibrated is what will run. */
export async function runGraph(
  model: Uint8Array,
  { rows, offsets, length, channels }: Windows,
  signal?: AbortSignal,
): Promise<GraphOutputs> {
  const session = await createSession(model);
  const columns = new Map<(typeof outputs)[number], Float32Array>();
  const values = length * channels;
  try {
    for (let from = 0; from < offsets.length; from += windowsPerRun) {
      signal?.throwIfAborted();
      const count = Math.min(windowsPerRun, offsets.length - from);
      const windows = new Float32Array(count * values);
      for (let w = 0; w < count; w++) {
        const offset = offsets[from + w] as number;
        windows.set(rows.subarray(offset, offset + values), w * values);
      }
      const results = await session.run({ window: await floatTensor(windows, [count, length, channels]) });
      for (const name of outputs) {
        const part = results[name]?.data;
        if (!(part instanceof Float32Array)) continue;
        const width = part.length / count;
        const column = columns.get(name) ?? new Float32Array(width * offsets.length);
        column.set(part, width * from);
        columns.set(name, column);
      }
    }
  } finally {
    await session.release();
  }
  const column = (name: (typeof outputs)[number]): Float32Array => columns.get(name) ?? new Float32Array();
  return {
    score: column('score'),
    observed: column('observed'),
    expected: column('expected'),
    parts: column('parts'),
    residual: column('residual'),
  };
}

/** The output a graph of ours must have. Throws FETTLE_TRAINING_FAILED. */
export function floatsOf(
  results: Readonly<Record<string, { readonly data: unknown } | undefined>>,
  name: string,
): Float32Array<ArrayBuffer> {
  const data = results[name]?.data;
  if (data instanceof Float32Array) return Float32Array.from(data);
  throw new FettleError('FETTLE_TRAINING_FAILED', `the training graph gave no "${name}"`);
}
