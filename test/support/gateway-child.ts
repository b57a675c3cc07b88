/** A gateway in a process of its own, to be killed. argv: configuration file. Says "ready" on standard output. */
import { loadConfig } from '../../src/config/load.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { createLog } from '../../src/telemetry/log.ts';

const gateway = await Gateway.start(loadConfig(process.argv[2] ?? '', {}), { log: createLog('error') });
process.stdout.write('ready\n');
process.on('SIGTERM', () => void gateway.stop().then(() => process.exit(0)));
