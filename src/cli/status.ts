import { styleText } from 'node:util';
import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import type { GatewayStatus } from '../gateway/status.ts';
import { askGateway } from './ask-gateway.ts';
import { type Paint, renderStatus } from './status-view.ts';

export const statusCommand = (): Command =>
  new Command('status')
    .description('Ask a running gateway how it fares')
    .option('-c, --config <file>', 'configuration', 'fettle.yaml')
    .option('--data <directory>', 'data directory, instead of that of the configuration')
    .option('--json', 'one JSON document')
    .option('--alive', 'only whether it answers, for containers: how it fares does not matter')
    .action(async ({ config, data, json, alive }: { config: string; data?: string; json?: boolean; alive?: boolean }) => {
      const status = await askGateway<GatewayStatus>(data ?? loadConfig(config).config.data, 'GET', '/api/v1/status');
      if (alive === true) return;
      process.stdout.write(json === true ? `${JSON.stringify(status)}\n` : renderStatus(status, paint));
      if (status.state !== 'good') process.exitCode = 1;
    });

/** Colours where standard output is a terminal that has them. */
const paint: Paint = (colour, text) => styleText(colour, text, { stream: process.stdout });
