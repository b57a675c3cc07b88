import { Command, Option } from 'commander';
import { formatBytes } from '../core/duration.ts';
import { modelName } from '../core/manifest.ts';
import type { ImportResult } from '../learning/compression/import-model.ts';
import type { LayerPrecision } from '../learning/compression/layers.ts';
import { duration, list, positive } from './arguments.ts';

interface ImportArguments {
  readonly csv: string[];
  readonly time?: string;
  readonly ignore: string[];
  readonly step: number;
  readonly slide: number;
  readonly out: string;
  readonly precision: LayerPrecision;
  readonly input: 'auto' | 'raw' | 'standardized';
  readonly json?: boolean;
}

export const modelImportCommand = (): Command =>
  new Command('import')
    .description('Make a bundle of an ONNX model of your own: float [batch, length, channels] in, a reconstruction or a score out')
    .argument('<file>', 'ONNX file')
    .requiredOption('--csv <file...>', 'recordings of the healthy machine; the order of their columns is the order of the channels')
    .option('--time <column>', 'column with the time (epoch s, ms, us, ns or ISO 8601); rows are steps when absent')
    .option('--ignore <columns>', 'columns to leave out, separated by commas', list, [])
    .option('--step <duration>', 'step of the grid', duration, 1000)
    .option('--slide <steps>', 'steps between two windows', positive, 1)
    .requiredOption('--out <folder>', 'bundle to write: models/NAME/VERSION')
    .addOption(
      new Option('--precision <precision>', 'of its weights; arithmetic stays float')
        .choices(['fp32', 'int8', 'int4', 'int2'])
        .default('fp32'),
    )
    .addOption(
      new Option(
        '--input <units>',
        'what it was trained on: engineering units, or channels of mean 0 and deviation 1; auto: what it reconstructs better',
      )
        .choices(['auto', 'raw', 'standardized'])
        .default('auto'),
    )
    .option('--json', 'one JSON document')
    .action(async (file: string, { csv, time, ignore, step, slide, out, precision, input, json }: ImportArguments) => {
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort(new Error('interrupted')));
      const { importModel } = await import('../learning/compression/import-model.ts');
      const standardized = input === 'auto' ? undefined : input === 'standardized';
      const result = await importModel({ file, csv, time, ignore, stepMs: step, slide, out, precision, standardized }, stop.signal);
      process.stdout.write(json === true ? `${JSON.stringify(summary(result))}\n` : render(result, out));
    });

const summary = ({ manifest, kind, standardized, shipped, float, rounded, agreement, seconds }: ImportResult) => ({
  manifest,
  kind,
  standardized,
  bytes: shipped.graph.length,
  floatBytes: float.graph.length,
  microseconds: shipped.cost,
  rounded,
  agreement,
  seconds,
});

function render(result: ImportResult, out: string): string {
  const { manifest, kind, standardized, shipped, float, agreement, seconds } = result;
  const { training, calibration, limit } = manifest;
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const rows = [
    [
      'model',
      `a ${kind} over windows of ${manifest.length} steps, fed ${standardized ? 'standardized channels' : 'engineering units'}, opset ${manifest.opset}`,
    ],
    ['calibrated on', `${training.rows} rows, ${manifest.channels.length} channels`],
    [
      'size',
      `${formatBytes(shipped.graph.length)} as ${manifest.precision} (fp32: ${formatBytes(float.graph.length)}), ${shipped.cost.alone.toPrecision(3)} µs a window alone, ${shipped.cost.batch.toPrecision(3)} in batches of 256`,
    ],
    ['limit', `${limit.toPrecision(4)} from ${calibration.windows} unseen windows in ${calibration.blocks} blocks`],
    ['healthy', `median ${percent(calibration.medianRatio)} of the limit, largest ${percent(calibration.maxRatio)}`],
    [
      'against fp32',
      `same verdict on ${percent(agreement.sameVerdict)}, score / limit differs by ${percent(agreement.median)} in the median`,
    ],
  ];
  return `${modelName(manifest)}  ${seconds.toFixed(1)} s\n${rows.map(([name = '', text]) => `  ${name.padEnd(13)} ${text}`).join('\n')}\n→ ${out}\n`;
}
