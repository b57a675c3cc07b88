import type { DetectorParameters } from '../../core/detector.ts';
import type { ScoreBatch } from '../../core/score.ts';
import { WindowBatchBuilder } from '../../core/window.ts';
import { AssetDetector, type Verdict } from '../../detector/asset-detector.ts';
import { createSession, floatTensor } from '../runtime.ts';
import type { HistoryRun, PreparedHistory } from './history.ts';
import { settleRows } from './tracked-rows.ts';

/** How well a model sees: what it said of its own last learning rows with a step in one channel at a time. */
export interface SelfTest {
  /** Of the channels, 0 to 1. */
  readonly share: number;
  /** Channels whose step raised no alarm. */
  readonly blind: readonly string[];
}

interface Subject {
  readonly graph: Uint8Array;
  readonly detector: DetectorParameters;
  readonly limit: number;
  readonly stepMs: number;
  readonly length: number;
}

const deviations = 4;
const replayedRows = 400;
const steppedRows = 80;

/** Below this share a model is blind somewhere, however quiet it is (detector study 2, section 5). */
export const weakShare = 0.5;

/**
 * Replays the last learning rows once as they are and once for each channel with a step of four of its deviations near their end. Passing is necessary, not
 * sufficient: a model that fails is blind. Undefined where no stretch is long enough to say. Rejects with the signal's reason.
 */
export async function selfTest(subject: Subject, { runs, channels }: PreparedHistory, signal?: AbortSignal): Promise<SelfTest | undefined> {
  const run = runs.findLast(({ rows }) => rows >= 2 * steppedRows);
  if (run === undefined) return undefined;
  const count = channels.length;
  const rows = Math.min(replayedRows, run.rows);
  const replayed = run.values.subarray((run.rows - rows) * count);
  const verdicts = await replay(subject, { rows, values: replayed }, stepsOf(replayed, count), signal);
  const calm = verdicts.at(-1) as readonly Verdict[];
  // It stands in an alarm as it is: what a step adds cannot be told.
  if (calm.filter(({ alarm }, row) => row >= rows - steppedRows && alarm).length > steppedRows / 2) return undefined;
  const blind = channels.filter(
    (_, c) => !verdicts[c]?.some(({ alarm }, row) => row >= rows - steppedRows && alarm && calm[row]?.alarm === false),
  );
  return { share: 1 - blind.length / count, blind };
}

/** By channel, engineering units. */
function stepsOf(values: Float64Array, channels: number): Float64Array {
  const rows = values.length / channels;
  return Float64Array.from({ length: channels }, (_, c) => {
    let sum = 0;
    let squares = 0;
    for (let at = c; at < values.length; at += channels) sum += values[at] as number;
    for (let at = c; at < values.length; at += channels) squares += ((values[at] as number) - sum / rows) ** 2;
    return deviations * Math.sqrt(squares / rows);
  });
}

/** Verdicts by channel that was stepped, and last those without a step. All run beside each other: a run of the model for all of them. */
async function replay(
  { graph, detector: parameters, limit, stepMs, length }: Subject,
  { rows, values }: HistoryRun,
  steps: Float64Array,
  signal: AbortSignal | undefined,
): Promise<Verdict[][]> {
  const channels = steps.length;
  const begun = {
    ...parameters,
    channels: parameters.channels.map((channel, c) => ({ ...channel, baseline: levelOf(values, c, channel, channels) })),
  };
  const detectors = Array.from({ length: channels + 1 }, () => new AssetDetector(begun, { stepMs, length, limit }));
  const verdicts: Verdict[][] = detectors.map(() => []);
  for (let row = 0; row < rows; row++) {
    detectors.forEach((detector, stepped) => {
      const one = values.slice(row * channels, (row + 1) * channels);
      if (stepped < channels && row >= rows - steppedRows) one[stepped] = (one[stepped] as number) + (steps[stepped] as number);
      detector.push({ endMs: (row + 1) * stepMs, values: one, bad: new Uint8Array(channels), running: true });
    });
  }
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

/** Where the baseline stood when the first of these rows came: in deviations, over as many rows as a run settles in while learning. */
function levelOf(values: Float64Array, c: number, { mean, deviation }: DetectorParameters['channels'][number], channels: number): number {
  let level = 0;
  for (let row = 0; row < settleRows; row++) level += ((values[row * channels + c] as number) - mean) / deviation / settleRows;
  return level;
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
