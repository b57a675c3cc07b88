/** The whole gateway as a process under measurement. settings: { config, samplesPerMessage, learning }. */
import { parseConfig } from '../../src/config/load.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { learnForEver } from './learning-load.ts';
import { serve, settings } from './subject.ts';

const { config, samplesPerMessage, learning } = settings<{ config: object; samplesPerMessage: number; learning?: boolean }>();
const gateway = await Gateway.start(parseConfig(JSON.stringify(config), 'bench.yaml', {}), { log: createLog('error') });
const deadline = Date.now() + 10_000;
while (Date.now() < deadline && Object.values(gateway.status().sources).some(({ state }) => state !== 'good'))
  await new Promise((resolve) => setTimeout(resolve, 20));
const stop = new AbortController();
const learnt = learning === true ? learnForEver(stop.signal) : Promise.resolve();
serve(
  () => ({
    messages: Math.floor(gateway.counters.samples / samplesPerMessage),
    windows: gateway.counters.windows,
    late: 0,
  }),
  async () => {
    stop.abort(new Error('the bench is over'));
    await learnt;
    await gateway.stop();
  },
);
