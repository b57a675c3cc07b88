import type { DetectorParameters } from '../../core/detector.ts';
import type { ScoreBatch } from '../../core/score.ts';
import { WindowBatchBuilder } from '../../core/window.ts';
import { AssetDetector, type Verdict } from '../../detector/asset-detector.ts';
import { createSession, floatTensor } from '../runtime.ts';
import { settleRows } from './tracked-rows.ts';

/** A model with all that stands around it, not yet a bundle. */
export interface Subject {
  readonly graph: Uint8Array;
  readonly detector: DetectorParameters;
  readonly limit: number;
  readonly stepMs: number;
  readonly length: number;
}

/**
 * What a detector says of stretches of rows, each `[rows, channels]` in engineering units and begun where the baseline would stand at its first rows. All run beside each
 * other: one run of the model for all of them. Rejects with the signal's reason.
 */
export async function replay(
  { graph, detector: parameters, limit, stepMs, length }: Subject,
  stretches: readonly Float64Array[],
  signal?: AbortSignal,
): Promise<Verdict[][]> {
  const channels = parameters.channels.length;
  const detectors = stretches.map((values) => new AssetDetector(begunAt(values, parameters), { stepMs, length, limit }));
  const verdicts: Verdict[][] = detectors.map(() => []);
  stretches.forEach((values, i) => {
    for (let row = 0; row < values.length / channels; row++) {
      const one = values.slice(row * channels, (row + 1) * channels);
      detectors[i]?.push({ endMs: (row + 1) * stepMs, values: one, bad: new Uint8Array(channels), running: true });
    }
  });
  const session = await createSession(graph);
  const batch = new WindowBatchBuilder(length, channels);
  try {
    while (detectors.some(({ hasRows }) => hasRows)) {
      signal?.throwIfAborted();
      batch.clear();
      detectors.forEach((detector, asset) => {
        detector.open(batch, asset);
      });
      const scores = batch.count === 0 ? undefined : await scored(session, batch);
      detectors.forEach((detector, asset) => {
        verdicts[asset]?.push(...detector.settle(scores));
      });
    }
  } finally {
    await session.release();
  }
  return verdicts;
}

/** Where the baseline stood when the first of these rows came, over as many rows as a run settles in while learning; a value that is missing counts as the mean. */
function begunAt(values: Float64Array, parameters: DetectorParameters): DetectorParameters {
  const count = parameters.channels.length;
  const rows = Math.max(1, Math.min(settleRows, values.length / count));
  return {
    ...parameters,
    channels: parameters.channels.map((channel, c) => {
      let baseline = 0;
      for (let row = 0; row < rows; row++) {
        const value = values[row * count + c] as number;
        if (Number.isFinite(value)) baseline += (value - channel.mean) / channel.deviation / rows;
      }
      return { ...channel, baseline };
    }),
  };
}

async function scored(session: Awaited<ReturnType<typeof createSession>>, batch: WindowBatchBuilder): Promise<ScoreBatch> {
  const { count, length, channels, values } = batch;
  const results = await session.run({ window: await floatTensor(values.slice(0, count * length * channels), [count, length, channels]) });
  const column = (name: string): Float32Array => results[name]?.data as Float32Array;
  return {
    count,
    value: column('score'),
    contributions: column('contributions'),
    observed: column('observed'),
    expected: column('expected'),
    parts: column('parts'),
  };
}
