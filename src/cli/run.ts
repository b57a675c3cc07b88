import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { errorText } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { NodeRedEditor } from '../editor/editor-process.ts';
import { GatewayService } from '../gateway/service.ts';
import { LiveEvents } from '../server/live-events.ts';
import { type RunningServer, serve } from '../server/serve.ts';
import { createLog } from '../telemetry/log.ts';
import { notifySystemd } from '../telemetry/watchdog.ts';
import { editorOptions } from './editor-options.ts';
import { firstLoginText } from './first-login.ts';

export const runCommand = (): Command =>
  new Command('run')
    .description('Run the gateway')
    .option('-c, --config <file>', 'configuration', 'fettle.yaml')
    .action(async ({ config: file }: { config: string }) => {
      const loaded = loadConfig(file);
      const { config } = loaded;
      const log = createLog(config.log.level);
      const stop = untilSignal();
      const live = new LiveEvents(log);
      const service = await GatewayService.start(loaded, { log, listener: live });
      const server = await serve(service, loaded, { log, live, isTerminal: process.stdout.isTTY });
      log.info({ site: config.site, api: server.url, assets: config.assets.length, sources: config.sources.length }, 'fettle is running');
      if (server.firstLogin !== undefined && process.stdout.isTTY) process.stdout.write(firstLoginText(server.firstLogin));
      process.on('SIGHUP', () => {
        service.reload().catch((error: unknown) => log.error({}, `not reloaded: ${errorText(error)}`));
      });
      const systemd = notifySystemd(log);
      const ended = new AbortController();
      const editor = startEditor(config, server, log, ended.signal);
      const signal = await stop;
      systemd.stop();
      log.info({ signal }, 'stopping: committing what is in flight');
      ended.abort();
      await (await editor)?.stop();
      await server.stop();
      await service.stop();
      log.info({}, 'stopped');
    });

/** Node-RED beside the gateway, where it is wanted. Nothing waits for it, and its failure is told and no more. */
async function startEditor(
  { nodeRed, data }: Config,
  server: RunningServer,
  log: Logger,
  signal: AbortSignal,
): Promise<NodeRedEditor | undefined> {
  if (!nodeRed.enabled) return undefined;
  try {
    const editor = await NodeRedEditor.start(
      { ...editorOptions(server, data, log), listen: nodeRed.listen, installation: nodeRed.installation },
      signal,
    );
    log.info({ editor: editor.url }, `flows are edited on ${editor.url}; log in as at the gateway`);
    return editor;
  } catch (error) {
    if (!signal.aborted) log.error({ code: 'FETTLE_EDITOR_FAILED' }, errorText(error));
    return undefined;
  }
}

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
