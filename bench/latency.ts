import { setTimeout as pause } from 'node:timers/promises';
import mqtt from 'mqtt';
import { type BenchSite, windowLength, windowSlide } from './support/bench-site.ts';
import { atRate } from './support/load.ts';
import { alertTopics } from './support/node-red-flow.ts';
import { Publisher } from './support/publisher.ts';
import { atMost, type BenchRow, median, missing, quantile } from './support/row.ts';
import type { Subject } from './support/subject.ts';

const rate = 5_000;
const seconds = 6;
const rounds = 5;

interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly alerts: number;
  readonly missed: number;
}

/** Publish of the sample that closes the window → alert at a subscriber, at a fixed rate, both on this process's clock. */
export async function alertLatency(
  site: BenchSite,
  start: () => Promise<Subject>,
  topicFilter: string,
  load: { readonly rate: number; readonly seconds: number } = { rate, seconds },
): Promise<Latencies> {
  const subject = await start();
  const publisher = await Publisher.connect(site.port);
  const subscriber = await mqtt.connectAsync(site.mosquitto.url, { protocolVersion: 5 });
  const closing = new Map<string, number>();
  const found: number[] = [];
  subscriber.on('message', (topic, payload) => {
    const now = performance.now();
    const { at, time = at, to, state = to } = JSON.parse(payload.toString()) as { at: string; time?: string; to: string; state?: string };
    if (state !== 'unacknowledged') return;
    const key = `${topic.split('/')[2]}@${Date.parse(time)}`;
    const sent = closing.get(key);
    closing.delete(key);
    if (sent !== undefined) found.push(now - sent);
  });
  await subscriber.subscribeAsync(topicFilter, { qos: 1 });
  // Each topic in turn gets a spike in the last rows of a window; the first row behind it closes the window.
  let expected = 0;
  const period = windowLength * 4;
  const onMessage = (topic: number, row: number): void => {
    const phase = (row + topic) % period;
    if (row < period) return;
    if (phase === period - windowSlide) publisher.spike(topic, row + windowSlide / 2, row + windowSlide);
    if (phase === 0 && row >= 2 * period) {
      closing.set(`a${topic}@${publisher.timeOf(topic, row)}`, performance.now());
      expected++;
    }
  };
  await atRate(publisher, load.rate, load.seconds, onMessage);
  await pause(500);
  await publisher.close();
  await subscriber.endAsync(true);
  await subject.stop();
  return { p50: quantile(found, 0.5), p99: quantile(found, 0.99), alerts: found.length, missed: expected - found.length };
}

export const fettleLatency = (
  site: BenchSite,
  environment: NodeJS.ProcessEnv = {},
  options: { learning?: boolean } = {},
): Promise<Latencies> => alertLatency(site, () => site.gateway(options, environment), 'fettle/bench/+/alarm/event');

/** Publish → the same message at a subscriber, with nothing of ours between, under the same load. */
async function echoLatency(site: BenchSite): Promise<Latencies> {
  const publisher = await Publisher.connect(site.port, { root: 'echo' });
  const subscriber = await mqtt.connectAsync(site.mosquitto.url, { protocolVersion: 5 });
  const sent = new Map<string, number>();
  const found: number[] = [];
  let messages = 0;
  subscriber.on('message', (topic, payload) => {
    if (++messages % 50 !== 0) return;
    const began = sent.get(`${topic}@${(JSON.parse(payload.toString()) as { ts: number }).ts}`);
    if (began !== undefined) found.push(performance.now() - began);
  });
  await subscriber.subscribeAsync('echo/#');
  let n = 0;
  await atRate(publisher, rate, seconds / 2, (topic, row) => {
    if (++n % 50 === 0) sent.set(`echo/a${topic}/telemetry@${publisher.timeOf(topic, row)}`, performance.now());
  });
  await pause(200);
  await publisher.close();
  await subscriber.endAsync(true);
  return { p50: quantile(found, 0.5), p99: quantile(found, 0.99), alerts: found.length, missed: 0 };
}

export async function benchLatency(site: BenchSite): Promise<BenchRow[]> {
  const ours: Latencies[] = [];
  const echo: Latencies[] = [];
  const nodeRed: Latencies[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(await fettleLatency(site));
    echo.push(await echoLatency(site));
    if (round % 2 === 0) nodeRed.push(await alertLatency(site, () => site.nodeRed(), alertTopics));
  }
  const missed = ours.reduce((sum, { missed: n }) => sum + n, 0);
  const row = (unit: string, pick: (latencies: Latencies) => number, target: number): BenchRow => {
    const value = median(ours.map(pick));
    const limit = median(echo.map(pick));
    return { name: 'latency', value, unit, limit, ratio: value / limit, target, reached: value <= target && missed === 0 };
  };
  // A flow that does not raise every alert is no baseline.
  const sound = nodeRed.every(({ alerts, missed: n }) => alerts > 0 && n === 0);
  const beside = (figure: string, pick: (latencies: Latencies) => number): BenchRow => {
    const unit = `${figure} beside a Node-RED 5 flow`;
    return sound ? atMost('latency', median(ours.map(pick)), unit, median(nodeRed.map(pick)), 1) : missing('latency', unit, 1);
  };
  const [p50, p99] = [({ p50 }: Latencies): number => p50, ({ p99 }: Latencies): number => p99];
  return [row('ms p50', p50, 1), row('ms p99', p99, 4), beside('ms p50', p50), beside('ms p99', p99)];
}

/** The same with every sync of the disk made slower by `delay`; `environment` makes it so. */
export async function benchSlowDisk(site: BenchSite, environment: NodeJS.ProcessEnv): Promise<BenchRow[]> {
  const slow: number[] = [];
  const plain: number[] = [];
  for (let round = 0; round < rounds; round++) {
    slow.push((await fettleLatency(site, environment)).p99);
    plain.push((await fettleLatency(site)).p99);
  }
  const value = median(slow);
  const limit = median(plain);
  return [{ name: 'slow-disk', value, unit: 'ms p99', limit, ratio: value / limit, target: 10, reached: value <= 10 }];
}
