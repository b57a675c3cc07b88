import { Command } from 'commander';
import { ConfigError, formatProblem, loadConfig } from '../config/load.ts';
import { checkModels } from '../gateway/check-models.ts';

export const checkCommand = (): Command =>
  new Command('check')
    .description('Report every problem of a configuration at once; opens nothing')
    .argument('[file]', 'configuration', 'fettle.yaml')
    .option('--json', 'one JSON document')
    .action(async (file: string, { json }: { json?: boolean }) => {
      try {
        const loaded = loadConfig(file);
        await checkModels(loaded);
        const { sources, assets, sinks } = loaded.config;
        if (json === true) print(JSON.stringify({ ok: true, problems: [] }));
        else
          print(`${file} is fine: ${count(sources.length, 'source')}, ${count(assets.length, 'asset')}, ${count(sinks.length, 'sink')}.`);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        if (json === true) print(JSON.stringify({ ok: false, problems: error.problems }));
        else print(`${error.problems.map(formatProblem).join('\n')}\n${count(error.problems.length, 'problem')} in ${file}.`);
        process.exitCode = 2;
      }
    });

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
