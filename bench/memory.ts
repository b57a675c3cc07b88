import { setTimeout as pause } from 'node:timers/promises';
import mqtt from 'mqtt';
import { type BenchSite, windowLength, windowSlide } from './support/bench-site.ts';
import { atMost, type BenchRow, median } from './support/row.ts';
import { Subject } from './support/subject.ts';

const assets = 100;
const tagsPerAsset = 8;
const rate = 5_000;
const seconds = 20;
const longMinutes = 10;
/** Readings of the RSS in a run; the value is the median of the last quarter. */
const readingsPerRun = 40;
const allowedMB = 60;
const mb = 1_000_000;

interface Reading {
  readonly atMin: number;
  readonly mb: number;
}

const names = Array.from({ length: tagsPerAsset }, (_, k) => `t${k}`);

/** RSS of a subject over a run at the fixed rate. */
async function readingsOf(site: BenchSite, start: () => Promise<Subject>, forSeconds: number): Promise<Reading[]> {
  const subject = await start();
  const publisher = await mqtt.connectAsync(site.mosquitto.url);
  const base = Math.floor((Date.now() - 3_600_000) / 10_000) * 10_000;
  const readings: Reading[] = [];
  const began = performance.now();
  const lasts = forSeconds * 1000;
  let sent = 0;
  let readAt = 0;
  for (let elapsed = 0; elapsed < lasts; elapsed = performance.now() - began) {
    for (const due = Math.floor((elapsed / 1000) * rate); sent < due; sent++) {
      const row = Math.floor(sent / assets);
      const values = names.map((name, k) => `"${name}":${([40, 20, 12, 5][k % 4] as number) + Math.sin(row * 0.05 + k)}`).join(',');
      publisher.publish(`memory/m${sent % assets}`, `{"ts":${base + row * 10},${values}}`);
    }
    if (elapsed > readAt) {
      readings.push({ atMin: elapsed / 60_000, mb: (await subject.usage()).rssBytes / mb });
      readAt += lasts / readingsPerRun;
    }
    await pause(2);
  }
  await publisher.endAsync(true);
  await subject.stop();
  return readings;
}

const settledMb = (readings: readonly Reading[]): number => median(readings.slice(-readingsPerRun / 4).map(({ mb: reading }) => reading));

/** RSS with 100 assets × 8 tags at 5,000 messages/s, beside a Node process that has ONNX Runtime and a model loaded and does nothing. */
export async function benchMemory(site: BenchSite, long: boolean): Promise<BenchRow[]> {
  const idle = await Subject.start('subject-onnx', { model: site.model });
  await pause(1000);
  const limit = (await idle.usage()).rssBytes / mb;
  await idle.stop();
  const model = ['flow', 'pressure', 'current', 'vibration'];
  const configuration = site.configuration({
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
              topic: 'memory/{asset}',
              time: { path: '$.ts' },
              tags: Object.fromEntries(names.map((name) => [`{asset}/${name}`, `$.${name}`])),
            },
          ],
        },
      ],
      assets: Array.from({ length: assets }, (_, i) => ({
        id: `m${i}`,
        tags: names.map((name) => `m${i}/${name}`),
        window: { step: '10ms', length: windowLength, slide: windowSlide, allowedLateness: '0s' },
        detector: { model: site.model, channels: Object.fromEntries(model.map((channel, k) => [channel, `m${i}/t${k}`])) },
        alarm: { notWatchedAfter: '1d' },
      })),
    },
  });
  const lasts = long ? longMinutes * 60 : seconds;
  const readings = await readingsOf(
    site,
    () => Subject.start('subject-gateway', { config: configuration, samplesPerMessage: tagsPerAsset }),
    lasts,
  );
  const value = settledMb(readings);
  const nodeRed = settledMb(await readingsOf(site, () => site.nodeRed(undefined, { topic: 'memory/+', channels: names }), lasts));
  const beside = atMost('memory', value, 'MB RSS beside a Node-RED 5 flow', nodeRed, 1);
  const row: BenchRow = {
    name: 'memory',
    value,
    unit: 'MB RSS',
    limit,
    ratio: value / limit,
    target: limit + allowedMB,
    reached: value <= limit + allowedMB,
  };
  if (!long) return [row, beside];
  const settled = readings.slice(readings.length / 2);
  const slope = slopeOf(settled);
  const spread = Math.max(...settled.map(({ mb: reading }) => reading)) - Math.min(...settled.map(({ mb: reading }) => reading));
  return [
    row,
    beside,
    {
      name: 'memory',
      value: slope,
      unit: 'MB/min, second half of ten minutes',
      limit: spread,
      ratio: slope,
      target: 1,
      reached: Math.abs(slope) * (longMinutes / 2) <= Math.max(spread, 10),
    },
  ];
}

/** Least squares. */
function slopeOf(readings: readonly Reading[]): number {
  const n = readings.length;
  const meanX = readings.reduce((sum, { atMin }) => sum + atMin, 0) / n;
  const meanY = readings.reduce((sum, { mb: reading }) => sum + reading, 0) / n;
  const covariance = readings.reduce((sum, { atMin, mb: reading }) => sum + (atMin - meanX) * (reading - meanY), 0);
  return covariance / readings.reduce((sum, { atMin }) => sum + (atMin - meanX) ** 2, 0);
}
