import { writeFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { formatBytes, parseBytes } from '../core/duration.ts';
import { FettleError } from '../core/errors.ts';
import { modelName } from '../core/manifest.ts';
import type { Candidate, Wanted } from '../learning/compression/frontier.ts';
import { list, share, timesADay } from './arguments.ts';

interface CompressArguments {
  readonly csv?: string[];
  readonly time?: string;
  readonly ignore: string[];
  readonly target?: number;
  readonly maxUs?: number;
  readonly loss?: number;
  readonly budget?: number;
  readonly out?: string;
  readonly json?: string;
  readonly plot?: string;
}

function size(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === undefined || bytes <= 0) throw new InvalidArgumentError('write for example 32kB');
  return bytes;
}

function above0(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError('must be a number above 0');
  return number;
}

export const compressCommand = (): Command =>
  new Command('compress')
    .description(
      'Make a tracking detector smaller: precision, pruning, distillation, each measured; the best that fits becomes the next version',
    )
    .argument('<bundle>', 'models/NAME/VERSION')
    .option('--csv <file...>', 'the recordings it was learnt from')
    .option('--time <column>', 'column with the time; rows are steps when absent')
    .option('--ignore <columns>', 'columns to leave out, separated by commas', list, [])
    .option('--target <size>', 'at most this large, e.g. 32kB', size)
    .option('--max-bytes <size>', 'the same as --target', size)
    .option('--max-us <microseconds>', 'at most this long for a window alone, on this machine', above0)
    .option('--loss <share>', 'the smallest that loses at most this much AUC; with neither this nor another limit 0.01', share)
    .option('--budget <times>', 'false alarms that can be put up with, e.g. 1/week', timesADay)
    .option('--out <folder>', 'bundle to write; the next version beside the old one when absent')
    .option('--json <file>', 'the frontier as JSON')
    .option('--plot <file>', 'the frontier as a picture: .svg or .html')
    .action(async (directory: string, options: CompressArguments & { readonly maxBytes?: number }) => {
      const { csv, time, ignore, maxUs, budget, json, plot } = options;
      if (csv === undefined)
        throw new FettleError('FETTLE_COMMAND_INVALID', 'compress needs the history the model was learnt from', {
          hint: `fettle compress ${directory} --csv FILE... --target 32kB`,
        });
      const bytes = options.target ?? options.maxBytes;
      const loss = options.loss ?? (bytes === undefined && maxUs === undefined ? 0.01 : undefined);
      const wanted: Wanted = {
        ...(bytes !== undefined && { bytes }),
        ...(maxUs !== undefined && { microseconds: maxUs }),
        ...(loss !== undefined && { loss }),
      };
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort(new Error('interrupted')));
      const { compressBundle, loadTracking, nextBeside } = await import('../learning/compression/compress.ts');
      const { frontierLegend, frontierText } = await import('../learning/compression/frontier-table.ts');
      const { readHistory } = await import('./train-tracking.ts');
      const bundle = await loadTracking(directory);
      const out = options.out ?? (await nextBeside(directory, bundle.manifest.version));
      const read = await readHistory({ csv, time, ignore, stepMs: bundle.manifest.stepMs });
      const live = process.stderr.isTTY;
      const { candidates, chosen, manifest, sameHistory } = await compressBundle({
        bundle,
        ...read,
        wanted,
        out,
        budgetPerDay: budget,
        signal: stop.signal,
        onProgress: (done, of) => {
          if (live) process.stderr.write(`\r\u001b[2K${done} of ${of} measured`);
        },
      });
      if (live) process.stderr.write('\r\u001b[2K');
      if (json !== undefined)
        await writeFile(
          json,
          `${JSON.stringify({ bundle: modelName(manifest), out, wanted, sameHistory, candidates: candidates.map((one) => ({ ...row(one), chosen: one === chosen })) }, null, 2)}\n`,
        );
      if (plot !== undefined) {
        const { frontierPlot } = await import('../learning/compression/frontier-plot.ts');
        const picture = frontierPlot(modelName(bundle.manifest), candidates, chosen, wanted);
        await writeFile(
          plot,
          plot.endsWith('.html') ? `<!doctype html>\n<meta charset="utf-8">\n<title>${modelName(manifest)}</title>\n${picture}` : picture,
        );
      }
      const note = sameHistory
        ? ''
        : `\nThis is not the history ${modelName(bundle.manifest)} was learnt from: everything was learnt anew from what was given.`;
      process.stdout.write(
        `${frontierText(candidates, chosen)}\n\n${frontierLegend}${note}\n\n${modelName(manifest)}: ${chosen.structure.name}, ${chosen.precision}, ${formatBytes(bundle.model.length)} → ${formatBytes(chosen.bytes)}\n→ ${out}\n`,
      );
    });

const row = ({ structure, precision, bytes, cost, rankAgreement, sameVerdict, areaUnderCurve, loss, onFrontier }: Candidate) => ({
  model: structure.name,
  family: structure.family,
  zeros: structure.zeros,
  precision,
  bytes,
  microseconds: cost,
  rankAgreement,
  sameVerdict,
  areaUnderCurve,
  loss,
  onFrontier,
});
