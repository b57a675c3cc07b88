import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { duration, list, positive, timesADay } from './arguments.ts';

const precisions = ['fp32', 'int8', 'int4', 'int2'] as const;
type Precision = (typeof precisions)[number];

interface EvaluateArguments {
  readonly csv: string[];
  readonly time?: string;
  readonly label?: string;
  readonly ignore: string[];
  readonly trainRows: number;
  readonly trainCsv: string[];
  readonly step: number | 'auto';
  readonly precision: Precision[];
  readonly budget?: number;
  readonly withDrift?: boolean;
  readonly json?: string;
  readonly plot?: string;
}

const stepOf = (text: string): number | 'auto' => (text === 'auto' ? 'auto' : duration(text));

function precisionsOf(text: string): Precision[] {
  const wanted = list(text);
  const unknown = wanted.filter((name) => !precisions.some((known) => known === name));
  if (wanted.length === 0 || unknown.length > 0) throw new InvalidArgumentError(`there are ${precisions.join(', ')}`);
  return wanted as Precision[];
}

export const evaluateCommand = (): Command =>
  new Command('evaluate')
    .description(
      "Learn from the beginning of recordings, stream the rest through the gateway's own pipeline, and say how good its alarms are",
    )
    .requiredOption('--csv <file...>', 'recordings: CSV, separator found')
    .option('--time <column>', 'column with the time; rows are steps when absent')
    .option('--label <column>', 'column that is not zero (or names a fault) where the machine was not healthy')
    .option('--ignore <columns>', 'columns to leave out, separated by commas', list, [])
    .option('--train-rows <rows>', 'rows at the beginning of each recording to learn from', positive, 400)
    .option('--train-csv <file...>', 'recordings to learn from, once for all; then all rows of --csv are judged', [])
    .option('--step <duration>', 'step of the grid, or auto: the median distance of rows', stepOf, 'auto')
    .option('--precision <list>', `of ${precisions.join(', ')}`, precisionsOf, ['int8'])
    .option('--budget <times>', 'false alarms that can be put up with, e.g. 1/day', timesADay)
    .option('--with-drift', 'slow-change warnings count as alarms too')
    .option('--json <file>', 'write all figures there')
    .option('--plot <folder>', 'write a page a recording there')
    .action(async (options: EvaluateArguments) => {
      const { evaluateFiles } = await import('./evaluate-files.ts');
      const { evaluationReport, reportJson } = await import('../learning/evaluation/report.ts');
      const { reportTable } = await import('../learning/evaluation/report-table.ts');
      const { recordingRemarks } = await import('../learning/evaluation/recording-remarks.ts');
      const { plotHtml } = await import('../learning/evaluation/plot.ts');
      const { csv, time, label, ignore, trainRows, trainCsv, step, precision, budget, withDrift, json, plot } = options;
      const live = process.stderr.isTTY;
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort(new Error('interrupted')));
      if (plot !== undefined) mkdirSync(plot, { recursive: true });
      let done = 0;
      let unlearnt = 0;
      const files = await evaluateFiles({
        csv,
        time,
        label,
        ignore,
        trainRows,
        trainCsv,
        stepMs: step,
        precisions: precision,
        ...(budget !== undefined && { budgetPerDay: budget }),
        withDrift: withDrift === true,
        signal: stop.signal,
        onProblem: (file, { message, hint }) => {
          unlearnt++;
          if (live) process.stderr.write('\r\u001b[2K');
          process.stderr.write(`${file}: no verdicts: ${message}${hint === undefined ? '' : `\n→ ${hint}`}\n`);
        },
        onFile: (file, recording, series) => {
          for (const remark of recordingRemarks(recording)) {
            if (live) process.stderr.write('\r\u001b[2K');
            process.stderr.write(`${file}: ${remark}\n`);
          }
          if (live) process.stderr.write(`\r\u001b[2K${++done}/${csv.length} ${basename(file)}`);
          if (plot !== undefined) writeFileSync(join(plot, pageName(file, csv)), plotHtml(recording, series));
        },
      });
      if (live) process.stderr.write('\r\u001b[2K');
      const report = evaluationReport(files);
      if (json !== undefined) writeFileSync(json, reportJson(report));
      process.stdout.write(reportTable(report));
      if (unlearnt === csv.length) process.exitCode = 1;
      if (plot !== undefined) process.stdout.write(`→ ${join(plot, '*.html')}\n`);
    });

/** Files of one name in several folders must not overwrite each other's page. */
function pageName(file: string, all: readonly string[]): string {
  const name = basename(file).replace(/\.[^.]*$/, '');
  const alike = all.filter((other) => basename(other) === basename(file));
  return alike.length === 1
    ? `${name}.html`
    : `${file
        .replace(/\.[^.]*$/, '')
        .split(/[/\\]/)
        .slice(-2)
        .join('-')}.html`;
}
