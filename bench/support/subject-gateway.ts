/** The whole gateway as a process under measurement. settings: { config } . */
import { parseConfig } from '../../src/config/load.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { serve, settings } from './subject.ts';

const { config, samplesPerMessage } = settings<{ config: object; samplesPerMessage: number }>();
const gateway = await Gateway.start(parseConfig(JSON.stringify(config), 'bench.yaml', {}), { log: createLog('error') });
const deadline = Date.now() + 10_000;
while (Date.now() < deadline && Object.values(gateway.status().sources).some(({ state }) => state !== 'good'))
  await new Promise((resolve) => setTimeout(resolve, 20));
serve(
  () => ({
    messages: Math.floor(gateway.counters.samples / samplesPerMessage),
    windows: gateway.counters.windows,
    late: 0,
  }),
  () => gateway.stop(),
);
