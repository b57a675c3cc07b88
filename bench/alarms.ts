import mqtt from 'mqtt';
import { sleep } from '../src/core/clock.ts';
import type { AlarmFigures } from '../src/server/alarm-figures.ts';
import { readRuntimeFile } from '../src/server/runtime-file.ts';
import type { BenchSite } from './support/bench-site.ts';
import { atLeast, atMost, type BenchRow, median, quantile } from './support/row.ts';

const assets = 100;
const tagsPerAsset = 10;
const stepMs = 100;
const calmRows = 20;
const rounds = 5;
const alarms = assets * tagsPerAsset;

/** A thousand limits are passed within a second: every alarm is delivered, soon, and the figures call it a flood. */
export async function benchAlarms(site: BenchSite): Promise<BenchRow[]> {
  const latencies: number[] = [];
  const delivered: number[] = [];
  const floods: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const found = await flood(site, round);
    latencies.push(quantile(found.latencies, 0.99));
    delivered.push(found.latencies.length);
    floods.push(found.peak10Min);
  }
  return [
    atLeast('alarms', Math.min(...delivered), 'of 1,000 alarms in a second delivered over MQTT', alarms, 1),
    atMost('alarms', median(latencies), 'ms p99 from the row that decides to MQTT', 200, 1),
    atLeast('alarms', Math.min(...floods), 'alarms in ten minutes, as the figures have it', alarms, 1),
  ];
}

async function flood(site: BenchSite, round: number): Promise<{ readonly latencies: number[]; readonly peak10Min: number }> {
  const names = Array.from({ length: assets }, (_, a) => `m${a}`);
  const tagsOf = (asset: string): string[] => Array.from({ length: tagsPerAsset }, (_, t) => `${asset}/t${t}`);
  const subject = await site.gateway({
    dashboards: true,
    more: {
      sources: [
        {
          id: 'load',
          type: 'mqtt',
          url: site.mosquitto.url,
          qos: 0,
          cleanSession: true,
          topics: [
            {
              topic: `flood${round}/{asset}`,
              time: { path: '$.ts' },
              tags: Object.fromEntries(Array.from({ length: tagsPerAsset }, (_, t) => [`{asset}/t${t}`, `$.t${t}`])),
            },
          ],
        },
      ],
      tags: Object.fromEntries(names.flatMap((asset) => tagsOf(asset).map((tag) => [tag, { limits: { hi: 10 } }]))),
      assets: names.map((id) => ({
        id,
        tags: tagsOf(id),
        window: { step: `${stepMs}ms`, length: 10, slide: 1, allowedLateness: '0s' },
        alarm: { notWatchedAfter: '1d' },
      })),
    },
  });
  const data = site.lastData;
  const client = await mqtt.connectAsync(site.mosquitto.url);
  const closed = new Map<string, number>();
  const seen = new Map<string, number>();
  client.on('message', (topic, payload) => {
    const { tag, to } = JSON.parse(payload.toString()) as { tag: string | null; to: string };
    if (tag !== null && to === 'unacknowledged' && !seen.has(tag))
      seen.set(tag, performance.now() - (closed.get(topic.split('/')[2] ?? '') ?? Number.NaN));
  });
  await client.subscribeAsync('fettle/bench/+/alarm/event', { qos: 1 });
  const startMs = Math.floor(Date.now() / stepMs) * stepMs;
  const publish = (asset: string, row: number, value: number): void => {
    const values = Object.fromEntries(Array.from({ length: tagsPerAsset }, (_, t) => [`t${t}`, value + t * 0.01]));
    client.publish(`flood${round}/${asset}`, JSON.stringify({ ts: startMs + row * stepMs, ...values }));
  };
  try {
    for (let row = 0; row < calmRows; row++) {
      for (const asset of names) publish(asset, row, 5);
      await sleep(stepMs);
    }
    // One machine after the other within the second; the row behind it closes the one that is above.
    for (const asset of names) {
      publish(asset, calmRows, 20);
      closed.set(asset, performance.now());
      publish(asset, calmRows + 1, 20);
      await sleep(1000 / assets);
    }
    const deadline = performance.now() + 10_000;
    while (seen.size < alarms && performance.now() < deadline) await sleep(20);
    const runtime = readRuntimeFile(data);
    const figures = async (): Promise<AlarmFigures> => {
      const answer = await fetch(`${runtime?.url}/api/v1/alarms/figures`, { headers: { authorization: `Bearer ${runtime?.token}` } });
      return (await answer.json()) as AlarmFigures;
    };
    // MQTT does not wait for the disk, the figures do.
    let { peak10Min, raised } = await figures();
    for (let i = 0; i < 20 && raised < seen.size; i++) {
      await sleep(100);
      ({ peak10Min, raised } = await figures());
    }
    return { latencies: [...seen.values()], peak10Min };
  } finally {
    await client.endAsync(true);
    await subject.stop();
  }
}
