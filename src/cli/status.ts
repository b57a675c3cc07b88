import { styleText } from 'node:util';
import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { errorText, FettleError } from '../core/errors.ts';
import type { GatewayStatus } from '../gateway/status.ts';
import { readRuntimeFile } from '../server/runtime-file.ts';
import { type Paint, renderStatus } from './status-view.ts';

export const statusCommand = (): Command =>
  new Command('status')
    .description('Ask a running gateway how it fares')
    .option('-c, --config <file>', 'configuration', 'fettle.yaml')
    .option('--data <directory>', 'data directory, instead of that of the configuration')
    .option('--json', 'one JSON document')
    .action(async ({ config, data, json }: { config: string; data?: string; json?: boolean }) => {
      const status = await fetchStatus(data ?? loadConfig(config).config.data);
      process.stdout.write(json === true ? `${JSON.stringify(status)}\n` : renderStatus(status, paint));
      if (status.state !== 'good') process.exitCode = 1;
    });

/** Colours where standard output is a terminal that has them. */
const paint: Paint = (colour, text) => styleText(colour, text, { stream: process.stdout });

async function fetchStatus(directory: string): Promise<GatewayStatus> {
  const runtime = readRuntimeFile(directory);
  if (runtime === undefined) {
    throw new FettleError('FETTLE_API_UNREACHABLE', `no gateway runs on ${directory}`, { hint: 'start one with fettle run' });
  }
  try {
    const response = await fetch(`${runtime.url}/api/v1/status`, {
      headers: { authorization: `Bearer ${runtime.token}` },
      signal: AbortSignal.timeout(5_000),
    });
    return (await response.json()) as GatewayStatus;
  } catch (error) {
    throw new FettleError(
      'FETTLE_API_UNREACHABLE',
      `the gateway at ${runtime.url} (process ${runtime.pid}) does not answer: ${errorText(error)}`,
      {
        cause: error,
        hint: 'it may have been killed; fettle run starts it again',
      },
    );
  }
}
