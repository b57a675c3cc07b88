import { formatBytes, formatDuration } from '../../core/duration.ts';
import type { ModelManifest } from '../../core/manifest.ts';
import type { ImportResult } from './import-model.ts';

/** CARD.md of an imported model: what is known of it here. */
export function importedCard(
  manifest: Omit<ModelManifest, 'files' | 'operators'>,
  { kind, standardized, shipped, float, rounded, agreement }: Omit<ImportResult, 'manifest' | 'seconds'>,
  file: string,
): string {
  const { channels, calibration, training, limit, length, stepMs } = manifest;
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const date = (ms: number | null): string => (ms === null ? 'unknown' : new Date(ms).toISOString());
  const sizes = shipped === float ? [float] : [float, shipped];
  return `# ${manifest.id} ${manifest.version}

Imported from ${file}: a ${kind === 'score' ? 'score' : 'reconstruction'} over windows of ${length} steps of ${formatDuration(stepMs)}, fed ${standardized ? 'standardized channels' : 'engineering units'}.${
    kind === 'score'
      ? ' It says nothing of single channels: each has an equal part in the score, and what is expected is what is observed.'
      : ''
  } What it was trained on is not known here.

| | |
|---|---|
| Calibrated on | ${training.rows} rows (${date(training.fromMs)} to ${date(training.toMs)}) |
| Limit | ${limit.toPrecision(4)}: ${calibration.method}, from ${calibration.windows} windows of the last fifth in ${calibration.blocks} blocks |
| Healthy scores | median ${percent(calibration.medianRatio)} of the limit, largest ${percent(calibration.maxRatio)} |
| Against fp32 | score / limit differs by ${percent(agreement.median)} in the median, ${percent(agreement.largest)} at most; same verdict on ${percent(agreement.sameVerdict)} (every other window with a step of 4 deviations in one channel); ${rounded} layers rounded |

Measured on the machine that imported it, one thread:

| precision | size | µs a window alone | in batches of 256 |
|---|---|---|---|
${sizes.map(({ precision, graph, cost }) => `| ${precision} | ${formatBytes(graph.length)} | ${cost.alone.toPrecision(3)} | ${cost.batch.toPrecision(3)} |`).join('\n')}

| channel | mean | deviation | band (± 3 residual deviations) |
|---|---|---|---|
${channels.map((c) => `| ${c.tag} | ${c.mean.toPrecision(5)} | ${c.deviation.toPrecision(3)} | ± ${(3 * c.residualDeviation).toPrecision(3)} |`).join('\n')}
`;
}
