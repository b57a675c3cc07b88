import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { errorText } from '../core/errors.ts';
import { GatewayService } from '../gateway/service.ts';
import { removeRuntimeFile, writeRuntimeFile } from '../server/runtime-file.ts';
import { ApiServer } from '../server/server.ts';
import { createLog } from '../telemetry/log.ts';

export const runCommand = (): Command =>
  new Command('run')
    .description('Run the gateway')
    .option('-c, --config <file>', 'configuration', 'fettle.yaml')
    .action(async ({ config: file }: { config: string }) => {
      const loaded = loadConfig(file);
      const { config } = loaded;
      const log = createLog(config.log.level);
      const stop = untilSignal();
      const service = await GatewayService.start(loaded, { log });
      const server = new ApiServer(service, config.server.listen, log);
      await server.start();
      writeRuntimeFile(config.data, { pid: process.pid, url: server.url, token: server.token });
      log.info({ site: config.site, api: server.url, assets: config.assets.length, sources: config.sources.length }, 'fettle is running');
      process.on('SIGHUP', () => {
        service.reload().catch((error: unknown) => log.error({}, `not reloaded: ${errorText(error)}`));
      });
      const signal = await stop;
      log.info({ signal }, 'stopping: committing what is in flight');
      await server.stop();
      await service.stop();
      removeRuntimeFile(config.data);
      log.info({}, 'stopped');
    });

/** The first SIGTERM or SIGINT asks for a clean stop; a second one is not waited for. */
function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.once(name, (signal) => {
        process.once(name, () => process.exit(1));
        resolve(signal);
      });
    }
  });
}
