import { refuseExisting, writeBundle } from '../bundles/index.ts';
import { formatBytes } from '../core/duration.ts';
import { FettleError } from '../core/errors.ts';
import { type ModelManifest, modelName } from '../core/manifest.ts';
import { gridRows } from '../gateway/recording-run.ts';
import { bundleName } from '../learning/bundle-name.ts';
import { chooseFamily, type FamilyChoice } from '../learning/compression/families.ts';
import { precisions } from '../learning/compression/frontier.ts';
import { learnPrecisions, smallestWithin } from '../learning/compression/learn-precisions.ts';
import type { Worth } from '../learning/compression/worth.ts';
import { readRecording } from '../learning/evaluation/recording.ts';
import { recordingRemarks } from '../learning/evaluation/recording-remarks.ts';
import { medianStepMs } from '../learning/evaluation/time-order.ts';
import { bundleOf } from '../learning/tracking/bundle.ts';
import { trackingCard } from '../learning/tracking/card.ts';
import type { History } from '../learning/tracking/history.ts';
import { gridRemarks } from '../learning/tracking/informative-grid.ts';
import { type LearntModel, learningSet, type Precision } from '../learning/tracking/learn.ts';
import { standingOut, standingOutRemark } from '../learning/tracking/standing-out.ts';

export interface TrackingOptions {
  readonly csv: readonly string[];
  readonly time: string | undefined;
  readonly ignore: readonly string[];
  /** Undefined: the median distance of rows. */
  readonly stepMs: number | undefined;
  /** `models/NAME/VERSION` */
  readonly out: string;
  /** auto: the smallest that loses at most `loss`. */
  readonly precision: Precision | 'auto';
  /** Of the area under the curve, beside fp32. */
  readonly loss: number;
  readonly family: FamilyChoice;
  readonly budgetPerDay: number | undefined;
  readonly signal: AbortSignal;
  /** What it is at, in words. */
  readonly onProgress?: (doing: string) => void;
}

export interface TrackingResult {
  readonly manifest: ModelManifest;
  readonly description: string;
  readonly constant: readonly string[];
  /** Of the rows it judges. */
  readonly rowMs: number;
  /** What a person should know of the recordings, of the grid and of what was learnt. */
  readonly remarks: readonly string[];
  readonly bytes: number;
  readonly floatBytes: number;
  /** Of what was written, beside fp32. */
  readonly worth: Worth | undefined;
  readonly seconds: number;
}

/** Below this a verdict means little (DETECTOR section 5). */
const fewestRows = 400;

/**
 * Recordings of a healthy machine → a tracking detector: its baseline follows slow change, so it learns from one continuous run best. Throws FETTLE_CSV_INVALID,
 * FETTLE_TRAINING_FAILED, and FETTLE_MODEL_INVALID where the version exists; rejects with the signal's reason.
 */
export async function trainTracking(options: TrackingOptions): Promise<TrackingResult> {
  const began = performance.now();
  const { out, signal } = options;
  const name = bundleName(out);
  await refuseExisting(out);
  const { history, fromMs, toMs, remarks: read } = await readHistory(options);
  const set = learningSet(history, { ...(options.budgetPerDay !== undefined && { budgetPerDay: options.budgetPerDay }) });
  const networks = await chooseFamily(set, options.family, {
    signal,
    onProgress: (family, { epoch, epochs, loss, secondsLeft }) =>
      options.onProgress?.(`${family}: epoch ${epoch}/${epochs}  error ${loss.toPrecision(4)}  ${Math.ceil(secondsLeft)} s left at most`),
  });
  const { learnt, worth } = await learnPrecisions(set, options.precision === 'auto' ? precisions : [options.precision], {
    networks,
    signal,
    next: (precision) => options.onProgress?.(`calibrating and testing ${precision}`),
  });
  const precision = options.precision === 'auto' ? smallestWithin(worth, options.loss) : options.precision;
  const bundle = await bundleOf(learnt, precision, { ...name, stepMs: history.stepMs, fromMs, toMs }, worth);
  signal.throwIfAborted();
  const { model, golden, detector } = bundle;
  const stretch = await standingOut(set, learnt.models.get(precision) as LearntModel, signal);
  const seen = [...read, ...(stretch === undefined ? [] : [standingOutRemark(stretch, history, fromMs !== null)])];
  const card = trackingCard(bundle.manifest, learnt, worth, seen);
  const manifest = await writeBundle(out, { manifest: bundle.manifest, model, golden, card, ...(detector && { detector }) });
  return {
    manifest,
    description: learnt.description,
    constant: learnt.history.constant,
    rowMs: learnt.history.stepMs,
    remarks: [...seen, ...gridRemarks(learnt.history.grid, history.stepMs)],
    bytes: model.length,
    worth: worth.get(precision),
    floatBytes: learnt.models.get('fp32')?.graph.length ?? model.length,
    seconds: (performance.now() - began) / 1000,
  };
}

export interface ReadHistory {
  readonly history: History;
  /** null where the rows have no time. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** What a person should know of the recordings. */
  readonly remarks: readonly string[];
}

/** Recordings of one machine on one grid. Throws FETTLE_CSV_INVALID, and FETTLE_TRAINING_FAILED where there are too few rows. */
export async function readHistory(options: Pick<TrackingOptions, 'csv' | 'time' | 'ignore' | 'stepMs'>): Promise<ReadHistory> {
  const recordings = [];
  for (const file of options.csv)
    recordings.push(
      await readRecording(file, {
        ...options,
        label: undefined,
        mayLack: true,
        ...(options.time === undefined && options.stepMs !== undefined && { rowMs: options.stepMs }),
      }),
    );
  const [first] = recordings;
  if (first === undefined) throw new FettleError('FETTLE_CSV_INVALID', 'no file was given', { hint: 'fettle train --csv FILE...' });
  for (const { file, columns } of recordings) {
    if (columns.join('\n') === first.columns.join('\n')) continue;
    throw new FettleError(
      'FETTLE_CSV_INVALID',
      `${file}: its columns (${columns.join(', ')}) are not those of ${first.file} (${first.columns.join(', ')})`,
    );
  }
  const stepMs = options.stepMs ?? medianStepMs(recordings.map(({ timeMs }) => timeMs)) ?? 1000;
  const runs = recordings.flatMap((recording) => gridRows(recording, { from: 0, to: recording.timeMs.length }, stepMs));
  const rows = runs.reduce((sum, run) => sum + run.rows, 0);
  if (rows < fewestRows)
    throw new FettleError(
      'FETTLE_TRAINING_FAILED',
      `${rows} ${rows === 1 ? 'row' : 'rows'} on a grid of ${stepMs} ms are too few, ${fewestRows} are the least`,
      {
        hint: 'give longer recordings, or check --step: it should not be longer than the time between samples',
      },
    );
  const timed = recordings.every((recording) => recording.timed);
  return {
    history: { channels: first.columns, stepMs, runs },
    fromMs: timed ? Math.min(...recordings.map(({ timeMs }) => timeMs[0] ?? 0)) : null,
    toMs: timed ? Math.max(...recordings.map(({ timeMs }) => timeMs.at(-1) ?? 0)) : null,
    remarks: recordings.flatMap((recording) =>
      recordingRemarks(recording, stepMs).map((remark) => (recordings.length === 1 ? remark : `${recording.file}: ${remark}`)),
    ),
  };
}

export function renderTracking(
  { manifest, description, constant, rowMs, remarks, bytes, floatBytes, worth, seconds }: TrackingResult,
  out: string,
): string {
  const { training, calibration, limit, channels, length, precision } = manifest;
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const rows = [
    ['learnt from', `${training.rows} rows of ${rowMs} ms, ${training.windows} windows of ${length} rows, ${channels.length} channels`],
    ['model', `tracking, ${description}, ${precision}, ${formatBytes(bytes)} (fp32: ${formatBytes(floatBytes)})`],
    ...(worth === undefined
      ? []
      : [
          [
            'against fp32',
            `same verdict on ${percent(worth.sameVerdict)}, loss of AUC ${worth.loss.toFixed(4)}; ${worth.cost.alone.toFixed(1)} µs a window alone, ${worth.cost.batch.toFixed(2)} in batches`,
          ],
        ]),
    ['limit', `${limit.toPrecision(4)} from ${calibration.windows} unseen windows in ${calibration.blocks} blocks`],
    ['', calibration.method],
    ['healthy', `median ${percent(calibration.medianRatio)} of the limit, largest ${percent(calibration.maxRatio)}`],
    ...remarks.map((remark) => ['note', remark]),
    ...(constant.length === 0 ? [] : [['left out', `${constant.join(', ')}: never changed while learning`]]),
  ];
  return `${modelName(manifest)}  ${seconds.toFixed(1)} s\n${rows.map(([name = '', text]) => `  ${name.padEnd(13)} ${text}`).join('\n')}\n→ ${out}\n`;
}
