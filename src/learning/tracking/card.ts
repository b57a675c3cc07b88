import { formatBytes, formatDuration } from '../../core/duration.ts';
import type { ModelManifest } from '../../core/manifest.ts';
import type { Worth } from '../compression/worth.ts';
import { gridRemarks } from './informative-grid.ts';
import type { Learnt, Precision } from './learn.ts';
import { weakShare } from './self-test.ts';

/** CARD.md of a tracking model: what a person should know before trusting it. `worth`: what was measured of each precision, where anything was; `observed`: what else there is to say of the history. */
export function trackingCard(
  manifest: ModelManifest,
  { models, description, history }: Learnt,
  worth?: ReadonlyMap<Precision, Worth>,
  observed: readonly string[] = [],
): string {
  const { channels, calibration, training, stepMs, length } = manifest;
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const date = (ms: number | null): string => (ms === null ? 'unknown' : new Date(ms).toISOString());
  const measured = (precision: Precision): string => {
    const one = worth?.get(precision);
    if (one === undefined) return '';
    const { cost, rankAgreement, sameVerdict, loss } = one;
    return ` ${cost.alone.toFixed(1)} | ${cost.batch.toFixed(2)} | ${rankAgreement.toFixed(3)} | ${percent(sameVerdict)} | ${loss.toFixed(4)} |`;
  };
  const sizes = [...models.values()].map(
    ({ precision, graph, maxRatio, limit }) =>
      `| ${precision} | ${formatBytes(graph.length)} | ${limit.toPrecision(4)} | ${percent(maxRatio)} |${measured(precision)}`,
  );
  const head = worth === undefined ? '' : ' µs a window alone | in batches of 256 | rank agreement | same verdict | loss of AUC |';
  const legend =
    worth === undefined
      ? ''
      : '\nMeasured on the machine that learnt it, one thread; agreement and loss beside fp32, on unseen windows and the same with steps of 1 to 3 deviations in one channel.\n';
  const tested = manifest.selfTest;
  const seen =
    tested === undefined
      ? ''
      : `| Self-test | ${percent(tested.share)} of the channels raise an alarm on a step of 4 deviations${tested.blind.length === 0 ? '' : `; not ${tested.blind.join(', ')}`}${tested.share < weakShare ? '. **Low sensitivity**' : ''} |\n`;
  const { running, idle } = manifest;
  const recognised =
    running !== undefined
      ? `| Recognised | it stands still unless \`${running.when}\` (${percent(running.offShare)} of the rows, left out) |\n`
      : idle !== undefined
        ? `| Recognised | two ways of running: \`${idle.load}\` in ${percent(1 - idle.share)} of the rows; both were learnt |\n`
        : '';
  const constant =
    history.constant.length === 0 ? '' : `\nNever changed while learning, so nothing is said of: ${history.constant.join(', ')}.\n`;
  const remarks = [...observed, ...gridRemarks(history.grid, stepMs)]
    .map((remark) => `\n${remark[0]?.toUpperCase()}${remark.slice(1)}.\n`)
    .join('');
  return `# ${manifest.id} ${manifest.version}

A tracking detector over ${channels.length} channels: ${description} on windows of ${length} rows of ${formatDuration(history.stepMs)}, behind a baseline that follows slow
change and stands still in an alarm.${manifest.stage === 'provisional' ? ' **Provisional**: learnt from a first stretch, its verdicts are not to be trusted like those of an established one.' : ''}

| | |
|---|---|
| Learnt from | ${training.rows} rows (${date(training.fromMs)} to ${date(training.toMs)}), ${training.windows} windows |
| Limit | ${manifest.limit.toPrecision(4)}: ${calibration.method}, from ${calibration.windows} unseen windows in ${calibration.blocks} blocks |
| Healthy scores | median ${percent(calibration.medianRatio)} of the limit, largest ${percent(calibration.maxRatio)} |
${seen}${recognised}
| precision | size | limit | largest healthy score |${head}
|---|---|---|---|${worth === undefined ? '' : '---|---|---|---|---|'}
${sizes.join('\n')}
${legend}
| channel | mean | deviation | band (± 3 residual deviations) |
|---|---|---|---|
${channels.map((c) => `| ${c.tag}${c.engineeringUnit === undefined ? '' : ` (${c.engineeringUnit})`} | ${c.mean.toPrecision(5)} | ${c.deviation.toPrecision(3)} | ± ${(3 * c.residualDeviation).toPrecision(3)} |`).join('\n')}
${constant}${remarks}`;
}
