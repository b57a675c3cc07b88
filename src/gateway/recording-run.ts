import type { AssetAlarmSettings } from '../alarms/settings.ts';
import { type AlarmTransition, isStanding } from '../core/alarm.ts';
import type { ControlRow } from '../core/control-row.ts';
import type { LoadedBundle } from '../core/manifest.ts';
import { SampleBlockBuilder } from '../core/sample-block.ts';
import type { Score, Scorer } from '../core/score.ts';
import type { WearLimit } from '../detector/wear.ts';
import type { HistoryRun } from '../learning/tracking/history.ts';
import { createScorer } from '../scoring/index.ts';
import { WindowAssembler } from '../windows/assembler.ts';
import type { AssetPlan } from '../windows/plan.ts';
import { bindChannels } from './model-binding.ts';
import { Pipeline, type PipelineOutput } from './pipeline.ts';

/** Rows of a machine by time: what was recorded, or what the journal kept. Times rise; NaN where a column has no value. */
export interface RecordedRows {
  readonly columns: readonly string[];
  readonly timeMs: Float64Array;
  /** By column. */
  readonly values: readonly Float64Array[];
}

/** Rows `from` to `to` (exclusive). */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What the pipeline said, by the row's end. */
export interface JudgedRow {
  readonly endMs: number;
  /** Score over limit; NaN without a verdict. */
  readonly ratio: number;
  readonly alarm: boolean;
  readonly drift: boolean;
  /** The channel with the largest part in the score. */
  readonly channel: string | null;
}

const rowsATick = 1_000;
const asset = 0;
const source = 0;
const maxAgeSteps = 3;

function planOf(columns: readonly string[], stepMs: number, scorer: Scorer | undefined): AssetPlan {
  return {
    asset,
    id: 'recording',
    stepMs,
    length: scorer?.manifest.length ?? 2,
    slide: 1,
    allowedLatenessMs: 0,
    columns: columns.map((_, tag) => ({ tag, source, hold: false, maxAgeMs: maxAgeSteps * stepMs })),
    modelColumns: [],
    batch: -1,
    running: undefined,
  };
}

function* blocks({ timeMs, values }: RecordedRows, { from, to }: Span): Generator<SampleBlockBuilder> {
  const block = new SampleBlockBuilder();
  for (let first = from; first < to; first += rowsATick) {
    block.clear();
    for (let row = first; row < Math.min(to, first + rowsATick); row++) {
      values.forEach((column, tag) => {
        const value = column[row] as number;
        if (Number.isFinite(value)) block.append(tag, timeMs[row] as number, value, 0);
      });
    }
    yield block;
  }
}

/** The source falls silent and the clock passes the end of the last row: it closes. */
function closing({ timeMs }: RecordedRows, { to }: Span, stepMs: number): ControlRow[] {
  const endMs = (Math.floor((timeMs[to - 1] ?? 0) / stepMs) + 1) * stepMs;
  return [
    { kind: 'idle', atMs: endMs, sources: [source] },
    { kind: 'clock', atMs: endMs, lags: [[source, 0]] },
  ];
}

/** Rows on the grid of the gateway's windows, `[rows, columns]` in stretches without a hole; NaN where a column had nothing young enough. */
export function gridRows(recorded: RecordedRows, span: Span, stepMs: number): HistoryRun[] {
  const runs: { rows: number; values: number[]; startMs: number; endMs: number }[] = [];
  const assembler = new WindowAssembler([planOf(recorded.columns, stepMs, undefined)], [], {
    row: ({ endMs, values }) => {
      const last = runs.at(-1);
      const run = last !== undefined && endMs - last.endMs < 1.5 * stepMs ? last : { rows: 0, values: [], startMs: endMs - stepMs, endMs };
      if (run !== last) runs.push(run);
      for (const value of values) run.values.push(value);
      run.rows++;
      run.endMs = endMs;
    },
    window: () => {},
    invalid: () => {},
  });
  for (const block of blocks(recorded, span)) assembler.block(block);
  for (const row of closing(recorded, span, stepMs)) assembler.control(row);
  return runs.map(({ rows, values, startMs }) => ({ rows, values: Float64Array.from(values), startMs }));
}

/**
 * Streams recorded rows through the gateway's own windows, scoring, detector and alarms, as they would have come from the plant. Returns a verdict a row of the grid, in order.
 * `wear`: as an asset has it that learns from itself; left out, nothing is said of wear. Throws FETTLE_MODEL_INVALID; rejects with the signal's reason.
 */
export async function judgeRecording(
  recorded: RecordedRows,
  span: Span,
  bundle: LoadedBundle,
  signal?: AbortSignal,
  wear?: WearLimit,
): Promise<JudgedRow[]> {
  const scorer = await createScorer(bundle, { place: 'inline' });
  try {
    return await judge(recorded, span, scorer, signal, wear);
  } finally {
    await scorer.dispose();
  }
}

async function judge(
  recorded: RecordedRows,
  span: Span,
  scorer: Scorer,
  signal: AbortSignal | undefined,
  wear: WearLimit | undefined,
): Promise<JudgedRow[]> {
  const { manifest } = scorer;
  const plan = planOf(recorded.columns, manifest.stepMs, scorer);
  const columns = bindChannels(manifest, plan.id, recorded.columns).map((tag) => recorded.columns.indexOf(tag));
  const settings: AssetAlarmSettings = {
    asset,
    id: plan.id,
    tags: recorded.columns,
    units: recorded.columns.map(() => null),
    hasModel: true,
    provisional: false,
    learning: false,
    allowedLatenessMs: 0,
    alarm: {
      kind: 'alert',
      priority: 'medium',
      onDelayMs: 0,
      offDelayMs: 0,
      deadband: 0.1,
      latching: false,
      acknowledge: 'automatic',
      notWatchedAfterMs: Number.POSITIVE_INFINITY,
      advice: null,
      consequence: null,
    },
    supervised: [],
  };
  const tracks = scorer.detector !== undefined;
  const pipeline = new Pipeline({
    windows: [tracks ? plan : { ...plan, batch: 0, modelColumns: columns, slide: manifest.slide }],
    alarms: [settings],
    scorers: [scorer],
    detectors: [{ detectors: tracks ? [{ batch: 0, columns, ...(wear && { wear }) }] : [] }],
    learning: [false],
  });
  const judged: JudgedRow[] = [];
  const standing = new Set<string>();
  const output: PipelineOutput = {
    score: (score) => judged.push({ ...verdictOf(score), alarm: standing.has('anomaly'), drift: standing.has('drift') }),
    invalid: () => {},
    transition: (transition) => {
      follow(standing, transition);
      const last = judged.at(-1);
      if (last === undefined || last.endMs !== transition.atMs) return;
      judged[judged.length - 1] = { ...last, alarm: standing.has('anomaly'), drift: standing.has('drift') };
    },
    scoringFailed: (error) => {
      throw error;
    },
  };
  for (const block of blocks(recorded, span)) {
    signal?.throwIfAborted();
    pipeline.block(block);
    await pipeline.settle(output);
  }
  for (const row of closing(recorded, span, manifest.stepMs)) pipeline.control(row);
  await pipeline.settle(output);
  return judged;
}

function verdictOf({ windowEndMs, value, limit, contributions, channels }: Score): Omit<JudgedRow, 'alarm' | 'drift'> {
  const largest = contributions.reduce((best, part, c) => (part > (contributions[best] as number) ? c : best), 0);
  return { endMs: windowEndMs, ratio: value / limit, channel: channels[largest] ?? null };
}

function follow(standing: Set<string>, { rule, to }: AlarmTransition): void {
  if (isStanding(to)) standing.add(rule);
  else standing.delete(rule);
}
