/** The whole gateway as a process under measurement. settings: { config, samplesPerMessage, learning, dashboards }. */
import { parseConfig } from '../../src/config/load.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { LiveEvents } from '../../src/server/live-events.ts';
import { serve as serveDashboard } from '../../src/server/serve.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { learnForEver } from './learning-load.ts';
import { serve, settings } from './subject.ts';

const { config, samplesPerMessage, learning, dashboards } = settings<{
  config: object;
  samplesPerMessage: number;
  learning?: boolean;
  dashboards?: boolean;
}>();
const loaded = parseConfig(JSON.stringify(config), 'bench.yaml', {});
const log = createLog('error');
const live = new LiveEvents(log);
const gateway = await Gateway.start(loaded, { log, ...(dashboards === true && { listener: live }) });
const server = dashboards === true ? await serveDashboard({ gateway }, loaded, { log, live, isTerminal: true }) : undefined;
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
    await server?.stop();
    await gateway.stop();
  },
);
