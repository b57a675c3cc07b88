import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import type { AssetModels } from '../gateway/gateway.ts';
import { askGateway } from './ask-gateway.ts';
import { modelImportCommand } from './model-import.ts';

interface Where {
  readonly config: string;
  readonly data?: string;
  readonly json?: boolean;
}

const withWhere = (command: Command): Command =>
  command
    .option('-c, --config <file>', 'configuration', 'fettle.yaml')
    .option('--data <directory>', 'data directory, instead of that of the configuration')
    .option('--json', 'one JSON document');

const directoryOf = ({ config, data }: Where): string => data ?? loadConfig(config).config.data;

async function use(where: Where, request: object): Promise<void> {
  const { bundle } = await askGateway<{ bundle: string }>(directoryOf(where), 'POST', '/api/v1/models/use', {
    ...request,
    by: userInfo().username,
  });
  process.stdout.write(where.json === true ? `${JSON.stringify({ bundle })}\n` : `in force: ${bundle}\n`);
}

export function modelCommand(): Command {
  const command = new Command('model').description(
    'Models of assets that learn from themselves: what is in force, and another one instead; and models of your own',
  );
  withWhere(command.command('list').description('What is in force, and what is at hand')).action(async (where: Where) => {
    const models = await askGateway<AssetModels[]>(directoryOf(where), 'GET', '/api/v1/models');
    process.stdout.write(where.json === true ? `${JSON.stringify(models)}\n` : render(models));
  });
  withWhere(command.command('use <asset> <version>').description('Put a model that is at hand in force')).action(
    async (asset: string, version: string, where: Where) => use(where, { asset, version }),
  );
  withWhere(command.command('rollback <asset>').description('Back to the model before this one')).action(
    async (asset: string, where: Where) => use(where, { asset }),
  );
  withWhere(command.command('install <asset> <folder>').description('Take a bundle from a stick and put it in force')).action(
    async (asset: string, folder: string, where: Where) => use(where, { asset, folder: resolve(folder) }),
  );
  command.addCommand(modelImportCommand());
  return command;
}

function render(models: readonly AssetModels[]): string {
  if (models.length === 0) return 'no asset learns from itself (detector: { learn: {} })\n';
  return models
    .map(({ asset, inForce, stored }) => {
      const chosen = inForce?.by == null ? '' : `, chosen by ${inForce.by}`;
      const rows = stored.map(({ bundle, version, stage, precision, createdAt, rows: learnt }) => {
        const mark = bundle === inForce?.bundle ? '*' : bundle === inForce?.previous ? '-' : ' ';
        return `  ${mark} ${version.padEnd(18)} ${stage.padEnd(12)} ${precision}  ${createdAt.slice(0, 16).replace('T', ' ')}  ${learnt} rows`;
      });
      return `${asset}${inForce === null ? ': no model yet' : chosen}\n${rows.join('\n')}${rows.length > 0 ? '\n' : ''}`;
    })
    .concat('\n* in force   - the one before\n')
    .join('');
}
