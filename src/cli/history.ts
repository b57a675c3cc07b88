import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { FettleError } from '../core/errors.ts';
import type { HistoryBatch, HistoryQuery } from '../gateway/history-samples.ts';
import { list, time } from './arguments.ts';
import { streamGateway } from './ask-gateway.ts';

interface ExportArguments {
  readonly config: string;
  readonly from: number;
  readonly to: number;
  readonly tags?: string[];
  readonly csv?: string;
  readonly parquet?: string;
}

export function historyCommand(): Command {
  const command = new Command('history').description('What the journal keeps');
  command
    .command('export')
    .description("Give the samples to anyone else's tools; from a running gateway, or from its journal while it stands still")
    .option('-c, --config <file>', 'configuration', 'fettle.yaml')
    .option('--from <time>', 'first event time (ISO 8601 or epoch)', time, 0)
    .option('--to <time>', 'last event time', time, Number.MAX_SAFE_INTEGER)
    .option('--tags <list>', 'tags, separated by commas; all when absent', list)
    .option('--csv <file>', 'time,tag,value,quality')
    .option('--parquet <file>', 'the same columns')
    .action(async ({ config, from, to, tags, csv, parquet }: ExportArguments) => {
      const file = csv ?? parquet;
      if (file === undefined || (csv !== undefined && parquet !== undefined))
        throw new FettleError('FETTLE_COMMAND_INVALID', 'say where to: --csv FILE or --parquet FILE');
      const { SampleFile } = await import('./sample-file.ts');
      await using written = SampleFile.create(file, csv === undefined ? 'parquet' : 'csv');
      for await (const batch of batches(config, { fromMs: from, toMs: to, ...(tags !== undefined && { tags }) })) await written.add(batch);
      await written.end();
      process.stdout.write(`${written.samples.toLocaleString('en')} samples → ${file}\n`);
    });
  return command;
}

/** From the gateway that runs, or straight from the journal where none does. */
async function* batches(config: string, query: HistoryQuery): AsyncGenerator<HistoryBatch> {
  const loaded = loadConfig(config);
  const lines = await streamGateway(loaded.config.data, '/api/v1/history', query);
  if (lines !== undefined) {
    for await (const line of lines) yield JSON.parse(line) as HistoryBatch;
    return;
  }
  const { historyOf } = await import('../gateway/history-of.ts');
  yield* historyOf(loaded.config, query);
}
