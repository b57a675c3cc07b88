import { Command } from 'commander';
import { formatDuration } from '../core/duration.ts';
import type { Reloaded } from '../gateway/service.ts';
import { askGateway, directoryOf, type Where } from './ask-gateway.ts';

export const reloadCommand = (): Command =>
  new Command('reload')
    .description('The running gateway takes over its changed configuration; where that is wrong, it goes on with the old one')
    .option('-c, --config <file>', 'configuration', 'fettle.yaml')
    .option('--data <directory>', 'data directory, instead of that of the configuration')
    .option('--json', 'one JSON document')
    .action(async (where: Where) => {
      const reloaded = await askGateway<Reloaded>(directoryOf(where), 'POST', '/api/v1/reload', {});
      process.stdout.write(where.json === true ? `${JSON.stringify(reloaded)}\n` : describe(reloaded));
    });

function describe({ applied, needRestart, pauseMs }: Reloaded): string {
  const lines = [
    ...(applied.length === 0
      ? ['nothing to take over']
      : [`in force after a pause of ${formatDuration(pauseMs)}:`, ...applied.map((change) => `  ${change}`)]),
    ...(needRestart.length === 0 ? [] : [`changed, and waits for a restart of the process: ${needRestart.join(', ')}`]),
  ];
  return `${lines.join('\n')}\n`;
}
