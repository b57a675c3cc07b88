import { onTestFinished } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { LiveEvents } from '../../src/server/live-events.ts';
import { type RunningServer, serve } from '../../src/server/serve.ts';

/** A gateway of this configuration with everything it serves, as `fettle run` starts it at a terminal; stopped when the test is over. */
export async function servedGateway(configuration: object): Promise<{ gateway: Gateway; server: RunningServer }> {
  const loaded = parseConfig(JSON.stringify(configuration), 'test.yaml', {});
  const live = new LiveEvents(silentLogger);
  const gateway = await Gateway.start(loaded, { log: silentLogger, listener: live });
  onTestFinished(() => gateway.stop());
  const server = await serve({ gateway }, loaded, { log: silentLogger, live, isTerminal: true });
  onTestFinished(() => server.stop());
  return { gateway, server };
}
