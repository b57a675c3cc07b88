import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { listedPoints } from '../expose/expose.ts';
import { registerCsv } from '../expose/register-map.ts';

/** The register list of the Modbus server, for an HMI to import. */
export const exposeCommand = (): Command =>
  new Command('expose')
    .description('The register list of expose.modbus, as CSV: alarms, scores and a heartbeat for an HMI or PLC to read')
    .option('-c, --config <file>', 'configuration', 'fettle.yaml')
    .option('--json', 'one JSON document')
    .action(({ config: file, json }: { config: string; json?: boolean }) => {
      const points = listedPoints(loadConfig(file).config);
      process.stdout.write(json === true ? `${JSON.stringify(points)}\n` : registerCsv(points));
    });
