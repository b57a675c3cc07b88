import { Command, InvalidArgumentError, Option } from 'commander';
import { formatBytes } from '../core/duration.ts';
import { modelName } from '../core/manifest.ts';
import type { FamilyChoice } from '../learning/compression/families.ts';
import type { TrainResult } from '../learning/train.ts';
import { duration, list, positive, share, timesADay } from './arguments.ts';

interface TrainArguments {
  readonly csv: string[];
  readonly time?: string;
  readonly ignore: string[];
  readonly step?: number;
  readonly length?: number;
  readonly slide: number;
  readonly budget?: number;
  readonly out: string;
  readonly precision: 'fp32' | 'int8' | 'int4' | 'int2' | 'auto';
  readonly family: FamilyChoice;
  readonly loss: number;
  readonly seed: number;
  readonly json?: boolean;
}

export const trainCommand = (): Command =>
  new Command('train')
    .description('Train a small quantized autoencoder from recordings of a healthy machine')
    .requiredOption('--csv <file...>', 'recordings: CSV with a header, one column a tag')
    .option('--time <column>', 'column with the time (epoch s, ms, us, ns or ISO 8601); rows are steps when absent')
    .option('--ignore <columns>', 'columns to leave out, separated by commas', list, [])
    .option('--step <duration>', 'step of the grid; the median distance of rows, or 1s with --length, when absent', duration)
    .option('--length <steps>', 'judge fixed windows of this many steps, without following drift', positive)
    .option('--slide <steps>', 'steps between two such windows', positive, 8)
    .option('--budget <times>', 'false alarms that can be put up with, e.g. 1/week; without --length', timesADay)
    .requiredOption('--out <folder>', 'bundle to write: models/NAME/VERSION')
    .addOption(new Option('--precision <precision>', 'what ships').choices(['auto', 'fp32', 'int8', 'int4', 'int2']).default('int8'))
    .addOption(
      new Option(
        '--family <family>',
        'kind of network; auto: chosen without labels, linear unless another is clearly better; without --length',
      )
        .choices(['auto', 'linear', 'dense', 'conv1d'])
        .default('linear'),
    )
    .option('--loss <share>', 'with --precision auto: AUC that may be lost against fp32, on windows with small steps', share, 0.01)
    .option('--seed <number>', 'seed of everything random', positive, 1)
    .option('--json', 'one JSON document')
    .action(async (options: TrainArguments) => {
      const { csv, time, ignore, step, length, slide, out, precision, family, seed, json, budget, loss } = options;
      const live = json !== true && process.stderr.isTTY;
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort(new Error('interrupted')));
      if (length === undefined) {
        const { renderTracking, trainTracking } = await import('./train-tracking.ts');
        const learnt = await trainTracking({
          csv,
          time,
          ignore,
          stepMs: step,
          out,
          precision,
          loss,
          family,
          budgetPerDay: budget,
          signal: stop.signal,
          onProgress: (doing) => {
            if (live) process.stderr.write(`\r\u001b[2K${doing}`);
          },
        });
        if (live) process.stderr.write('\r\u001b[2K');
        process.stdout.write(json === true ? `${JSON.stringify(learnt)}\n` : renderTracking(learnt, out));
        return;
      }
      if (precision !== 'fp32' && precision !== 'int8')
        throw new InvalidArgumentError(`--precision ${precision} is for tracking detectors: leave --length out`);
      const { trainBundle } = await import('../learning/train.ts');
      const result = await trainBundle(
        { csv, time, ignore, stepMs: step ?? 1000, length, slide, out, precision, seed },
        ({ epoch, epochs, loss }) => {
          if (live) process.stderr.write(`\r\u001b[2Kepoch ${epoch}/${epochs}  error ${loss.toPrecision(4)}`);
        },
        stop.signal,
      );
      if (live) process.stderr.write('\r\u001b[2K');
      process.stdout.write(json === true ? `${JSON.stringify(result)}\n` : render(result, out));
    });

function render({ manifest, rank, unseenLoss, initialLoss, bytes, floatBytes, agreement, seconds }: TrainResult, out: string): string {
  const { training, calibration, limit } = manifest;
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const rows = [
    ['learnt from', `${training.rows} rows, ${training.windows} windows, ${manifest.channels.length} channels`],
    ['model', `linear, rank ${rank}, ${manifest.precision}, ${formatBytes(bytes)} (fp32: ${formatBytes(floatBytes)})`],
    ['error', `${unseenLoss.toPrecision(4)} on unseen rows (closed form ${initialLoss.toPrecision(4)})`],
    ['limit', `${limit.toPrecision(4)} from ${calibration.windows} unseen windows in ${calibration.blocks} blocks`],
    ['healthy', `median ${percent(calibration.medianRatio)} of the limit, largest ${percent(calibration.maxRatio)}`],
    [
      'against fp32',
      `score / limit differs by ${percent(agreement.median)} in the median, ${percent(agreement.largest)} at most; same verdict on ${percent(agreement.sameVerdict)}`,
    ],
  ];
  return `${modelName(manifest)}  ${seconds.toFixed(1)} s\n${rows.map(([name = '', text]) => `  ${name.padEnd(13)} ${text}`).join('\n')}\n→ ${out}\n`;
}
