import { basename } from 'node:path';
import { FettleError, hasCode } from '../core/errors.ts';
import { gridRows, type JudgedRow, judgeRecording, type RecordedRows } from '../gateway/recording-run.ts';
import { type LabelledRecording, readRecording } from '../learning/evaluation/recording.ts';
import type { EvaluatedFile } from '../learning/evaluation/report.ts';
import { medianStepMs } from '../learning/evaluation/time-order.ts';
import type { VerdictSeries } from '../learning/evaluation/verdict-series.ts';
import { bundleOf } from '../learning/tracking/bundle.ts';
import type { History } from '../learning/tracking/history.ts';
import { type Learnt, learnTracking, type Precision, type Recipe } from '../learning/tracking/learn.ts';

export interface EvaluateOptions {
  readonly csv: readonly string[];
  readonly time: string | undefined;
  readonly label: string | undefined;
  readonly ignore: readonly string[];
  /** Rows of each file to learn from; ignored where there are recordings of their own for it. */
  readonly trainRows: number;
  readonly trainCsv: readonly string[];
  readonly stepMs: number | 'auto';
  readonly precisions: readonly Precision[];
  readonly recipe?: Partial<Recipe>;
  /** False alarms a day that can be put up with. */
  readonly budgetPerDay?: number;
  /** Alarms of the slow-change companion count as alarms too. */
  readonly withDrift?: boolean;
  readonly signal?: AbortSignal;
  /** A recording that could not be learnt from: its rows have no verdict, and the others go on. */
  readonly onProblem?: (file: string, problem: FettleError) => void;
  readonly onFile?: (file: string, recording: LabelledRecording, series: ReadonlyMap<Precision, VerdictSeries>) => void | Promise<void>;
}

/** Learns (per file, or once), streams the rest through the pipeline, and gives a verdict for every row that was not learnt from. */
export async function evaluateFiles(options: EvaluateOptions): Promise<EvaluatedFile[]> {
  const { csv, trainCsv, trainRows, precisions, signal, ...reading } = options;
  const shared = trainCsv.length > 0 ? await learnOnce(options) : undefined;
  const evaluated: EvaluatedFile[] = [];
  for (const file of csv) {
    signal?.throwIfAborted();
    const recording = await readRecording(file, { ...reading, ...rowDistance(options) });
    const stepMs = shared?.stepMs ?? stepOf(options, [recording]);
    const from = shared === undefined ? trainRows : 0;
    if (recording.timeMs.length <= from)
      throw new FettleError('FETTLE_CSV_INVALID', `${file}: ${recording.timeMs.length} rows are not more than the ${from} to learn from`, {
        hint: 'give a smaller --train-rows, or recordings of their own with --train-csv',
      });
    const learnt = shared?.learnt ?? (await learnOrTell(file, recording, stepMs, from, options));
    const series = new Map<Precision, VerdictSeries>();
    for (const precision of precisions) {
      const rows = learnt === undefined ? [] : await judged(recording, from, stepMs, learnt, precision, options);
      series.set(precision, seriesOf(recording, { from, stepMs, heldMs: heldMs(stepMs, learnt) }, rows, options.withDrift === true));
    }
    await options.onFile?.(file, recording, series);
    evaluated.push({ file: basename(file), kinds: recording.kinds, series });
  }
  return evaluated;
}

/** Too little to learn from, or nothing that changes, is told and costs only this recording. */
async function learnOrTell(
  file: string,
  recording: LabelledRecording,
  stepMs: number,
  rows: number,
  options: EvaluateOptions,
): Promise<Learnt | undefined> {
  try {
    return await learn([recording], stepMs, rows, options);
  } catch (error) {
    if (!hasCode(error, 'FETTLE_TRAINING_FAILED') || options.onProblem === undefined) throw error;
    options.onProblem(file, error as FettleError);
    return undefined;
  }
}

async function learnOnce(options: EvaluateOptions): Promise<{ learnt: Learnt; stepMs: number }> {
  const recordings: LabelledRecording[] = [];
  for (const file of options.trainCsv) recordings.push(await readRecording(file, { ...options, mayLack: true, ...rowDistance(options) }));
  const stepMs = stepOf(options, recordings);
  return { stepMs, learnt: await learn(recordings, stepMs, undefined, options) };
}

/** Without a time column the rows are the steps. */
const rowDistance = ({ time, stepMs }: EvaluateOptions): { rowMs?: number } =>
  time === undefined && stepMs !== 'auto' ? { rowMs: stepMs } : {};

function stepOf({ stepMs }: EvaluateOptions, recordings: readonly LabelledRecording[]): number {
  if (stepMs !== 'auto') return stepMs;
  const found = medianStepMs(recordings.map(({ timeMs }) => timeMs));
  if (found === undefined) throw new FettleError('FETTLE_CSV_INVALID', 'the recordings have fewer than two times: give --step');
  return found;
}

const rowsOf = ({ columns, timeMs, values }: LabelledRecording): RecordedRows => ({ columns, timeMs, values });

function learn(
  recordings: readonly LabelledRecording[],
  stepMs: number,
  rows: number | undefined,
  options: EvaluateOptions,
): Promise<Learnt> {
  const runs = recordings.flatMap((recording) => gridRows(rowsOf(recording), { from: 0, to: rows ?? recording.timeMs.length }, stepMs));
  const history: History = { channels: recordings[0]?.columns ?? [], stepMs, runs };
  return learnTracking(history, options.precisions, {
    ...options.recipe,
    ...(options.budgetPerDay !== undefined && { budgetPerDay: options.budgetPerDay }),
    ...(options.signal && { signal: options.signal }),
  });
}

async function judged(
  recording: LabelledRecording,
  from: number,
  stepMs: number,
  learnt: Learnt,
  precision: Precision,
  { signal }: EvaluateOptions,
): Promise<JudgedRow[]> {
  const bundle = await bundleOf(learnt, precision, {
    id: 'evaluation',
    version: '1.0.0',
    stepMs,
    fromMs: null,
    toMs: null,
  });
  return judgeRecording(rowsOf(recording), { from, to: recording.timeMs.length }, bundle, signal);
}

/** Every row of the recording has the verdict of the step of the grid it lies in, or, where that said nothing new, the last one before it. */
function seriesOf(
  recording: LabelledRecording,
  { from, stepMs, heldMs }: { readonly from: number; readonly stepMs: number; readonly heldMs: number },
  judged: readonly JudgedRow[],
  withDrift: boolean,
): VerdictSeries {
  const timeMs = recording.timeMs.slice(from);
  const score = new Float64Array(timeMs.length).fill(Number.NaN);
  const alarm = new Uint8Array(timeMs.length);
  let next = 0;
  timeMs.forEach((time, row) => {
    const endMs = (Math.floor(time / stepMs) + 1) * stepMs;
    while (next < judged.length && (judged[next] as JudgedRow).endMs <= endMs) next++;
    const verdict = judged[next - 1];
    if (verdict === undefined || endMs - verdict.endMs > heldMs) return;
    score[row] = verdict.ratio;
    alarm[row] = Number(verdict.alarm || (withDrift && verdict.drift));
  });
  return { timeMs, score, alarm, label: recording.label?.slice(from) ?? new Uint8Array(timeMs.length), stepMs };
}

/** How long a verdict stands: over rows that say nothing new, and until a wider row is whole. */
const heldMs = (stepMs: number, learnt: Learnt | undefined): number => stepMs * Math.max(20, 2 * (learnt?.history.grid.rowsPerStep ?? 1));
