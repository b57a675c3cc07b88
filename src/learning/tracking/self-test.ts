import type { Verdict } from '../../detector/asset-detector.ts';
import type { PreparedHistory } from './history.ts';
import { replay, type Subject } from './replay.ts';

/** How well a model sees: what it said of its own last learning rows with a step in one channel at a time. */
export interface SelfTest {
  /** Of the channels, 0 to 1. */
  readonly share: number;
  /** Channels whose step raised no alarm. */
  readonly blind: readonly string[];
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
  const stepped = Array.from(stepsOf(replayed, count), (step, c) =>
    replayed.map((value, at) => (at % count === c && at >= (rows - steppedRows) * count ? value + step : value)),
  );
  const verdicts = await replay(subject, [...stepped, replayed], signal);
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
