import { alertLatency } from './latency.ts';
import { rateOf } from './rate.ts';
import type { BenchSite } from './support/bench-site.ts';
import { alertTopics, type FlowWork } from './support/node-red-flow.ts';
import { topics } from './support/publisher.ts';
import { atLeast, atMost, type BenchRow, median, missing } from './support/row.ts';

const rounds = 5;
const allowedMs = 60;
/** Each topic gets a spike every 128 of its rows. */
const alertLoad = { rate: 1_000, seconds: 30 };

/**
 * In Node-RED 5: mqtt in → window → score → alarm → mqtt out, beside the same flow with (a) a function node that forms the same windows and infers nothing, and (b) one that asks ONNX Runtime about the window
 * that ends with each message, one message after the other. Medians of five rounds, in turn.
 */
export async function benchNodeRed(site: BenchSite): Promise<BenchRow[]> {
  const works: readonly FlowWork[] = [
    { kind: 'fettle', model: site.model },
    { kind: 'function', windowsToo: false },
    { kind: 'runs', model: site.model },
  ];
  const rates: number[][] = works.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (const i of round % 2 === 0 ? [0, 1, 2] : [2, 1, 0])
      rates[i]?.push(await rateOf(() => site.nodeRed(works[i] as FlowWork), site.port, 0));
  const [ours = [], plain = [], runs = []] = rates;
  const beside = (unit: string, limits: readonly number[], target: number): BenchRow =>
    // A flow that loses messages is no baseline.
    limits.includes(0) ? missing('node-red', unit, target) : atLeast('node-red', median(ours), unit, median(limits), target);

  const { p99, alerts, missed } = await alertLatency(site, () => site.nodeRed(works[0]), alertTopics, alertLoad);
  const latency = atMost('node-red', p99, `ms p99 to the alert at ${alertLoad.rate} messages/s, ${alerts} alerts`, allowedMs, 1);
  return [
    beside('messages/s beside a function with the same windows', plain, 0.8),
    beside('messages/s beside a run for each message', runs, 3),
    // Too few alerts, or one that never came, is no measurement.
    { ...latency, reached: latency.reached && missed === 0 && alerts >= topics },
  ];
}
