import { onTestFinished } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import type { Served } from '../../src/server/served.ts';
import { ApiServer, type ApiServerOptions } from '../../src/server/server.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** The API of a gateway on a port of its own, with a data directory of its own for who may ask; stopped when the test is over. `served`: where more than the gateway is. */
export async function startServer(
  gateway: Gateway,
  options: Partial<ApiServerOptions> = {},
  served: Served = { gateway },
): Promise<ApiServer> {
  const server = new ApiServer(served, { listen: '127.0.0.1:0', data: temporaryDirectory(), log: silentLogger, ...options });
  await server.start();
  onTestFinished(() => server.stop());
  return server;
}
