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

/** Waits until `condition` holds, or fails with `what`. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string, withinMs = 8_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
