import { formatBytes, formatDuration } from '../core/duration.ts';
import type { ModelManifest } from '../core/manifest.ts';
import type { ModelOptions, RecordingOptions, TrainResult } from './train.ts';

/** CARD.md: what a person should know before trusting the model. */
export function modelCard(
  manifest: Omit<ModelManifest, 'files' | 'operators'>,
  result: Omit<TrainResult, 'manifest'>,
  options: ModelOptions & Partial<RecordingOptions>,
): string {
  const { channels, calibration, training } = manifest;
  const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
  const date = (ms: number | null): string => (ms === null ? 'unknown' : new Date(ms).toISOString());
  return `# ${manifest.id} ${manifest.version}

A linear autoencoder (rank ${result.rank}) over windows of ${manifest.length} steps of ${formatDuration(manifest.stepMs)}, trained in ONNX Runtime.

| | |
|---|---|
| Learnt from | ${training.rows} rows (${date(training.fromMs)} to ${date(training.toMs)}), ${training.windows} windows, seed ${training.seed} |
| Limit | ${manifest.limit.toPrecision(4)}: ${calibration.method}, from ${calibration.windows} unseen windows in ${calibration.blocks} blocks |
| Healthy scores | median ${percent(calibration.medianRatio)} of the limit, largest ${percent(calibration.maxRatio)} |
| Reconstruction error | ${result.unseenLoss.toPrecision(4)} on unseen rows (closed form: ${result.initialLoss.toPrecision(4)}) |
| Size | ${formatBytes(result.bytes)} as ${manifest.precision}, ${formatBytes(result.floatBytes)} as fp32 |
| Against fp32 | score / limit differs by ${percent(result.agreement.median)} in the median, ${percent(result.agreement.largest)} at most; same verdict on ${percent(result.agreement.sameVerdict)} (every other window with a step of 4 deviations in one channel) |
| Training took | ${result.seconds.toFixed(1)} s |

| channel | mean | deviation | band (± 3 residual deviations) |
|---|---|---|---|
${channels.map((c) => `| ${c.tag}${c.engineeringUnit === undefined ? '' : ` (${c.engineeringUnit})`} | ${c.mean.toPrecision(5)} | ${c.deviation.toPrecision(3)} | ± ${(3 * c.residualDeviation).toPrecision(3)} |`).join('\n')}

It knows what the machine did while learning, and no other way of running it. It does not adapt to slow drift.

${madeBy(options)}
`;
}

function madeBy({ csv, time, stepMs, length, slide, precision, seed }: ModelOptions & Partial<RecordingOptions>): string {
  const grid = `--step ${stepMs}ms --length ${length} --slide ${slide} --precision ${precision} --seed ${seed}`;
  if (csv === undefined) return `Made in a flow, from samples that came through it; as by \`fettle train ${grid}\``;
  return `Made by: \`fettle train ${time === undefined ? '' : `--time ${time} `}${grid}\``;
}
