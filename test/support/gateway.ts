import { onTestFinished } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { Gateway, type GatewayOptions } from '../../src/gateway/gateway.ts';

/** Starts a gateway from a configuration object; it is stopped when the test is over. */
export async function startGateway(configuration: object, options: Partial<GatewayOptions> = {}): Promise<Gateway> {
  const gateway = await Gateway.start(
    parseConfig(JSON.stringify({ server: { listen: '127.0.0.1:0' }, ...configuration }), 'test.yaml', {}),
    {
      log: silentLogger,
      ...options,
    },
  );
  onTestFinished(() => gateway.stop());
  return gateway;
}
