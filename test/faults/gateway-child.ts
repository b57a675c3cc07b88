/** A gateway in a process of its own, to be killed. argv: configuration file, GatewayOptions as JSON. Says "ready" on standard output. */
import { loadConfig } from '../../src/config/load.ts';
import { Gateway, type GatewayOptions } from '../../src/gateway/gateway.ts';
import { createLog } from '../../src/telemetry/log.ts';

const options = JSON.parse(process.argv[3] ?? '{}') as Partial<GatewayOptions>;
const gateway = await Gateway.start(loadConfig(process.argv[2] ?? '', {}), { ...options, log: createLog('error') });
process.stdout.write('ready\n');
process.on('SIGTERM', () => void gateway.stop().then(() => process.exit(0)));
