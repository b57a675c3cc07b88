import type { BenchSite } from './support/bench-site.ts';
import { sustained } from './support/load.ts';
import { Publisher } from './support/publisher.ts';
import { atLeast, type BenchRow, median, missing } from './support/row.ts';
import type { Subject } from './support/subject.ts';

const seconds = 3;
const rounds = 5;

/** Sustained messages a second of a subject, one round. Losing a message counts as nothing sustained. */
export async function rateOf(start: () => Promise<Subject>, port: number, qos: 0 | 1, values = 1): Promise<number> {
  const subject = await start();
  const publisher = await Publisher.connect(port, { qos, values });
  try {
    const { rate, lost } = await sustained(subject, publisher, seconds);
    return lost === 0 ? rate : 0;
  } finally {
    await publisher.close();
    await subject.stop();
  }
}

/** Medians of both, taken in turns; `between` is called after each round. */
async function pairs(
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
  between?: (round: number) => Promise<void>,
): Promise<[number, number]> {
  const a: number[] = [];
  const b: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const which of round % 2 === 0 ? [0, 1] : [1, 0]) {
      if (which === 0) a.push(await ours());
      else b.push(await theirs());
    }
    await between?.(round);
  }
  return [median(a), median(b)];
}

export async function benchRate(site: BenchSite): Promise<BenchRow[]> {
  const nodeRed: number[] = [];
  const [ours, bare] = await pairs(
    () => rateOf(() => site.gateway(), site.port, 0),
    () => rateOf(() => site.bare(), site.port, 0),
    async (round) => {
      if (round % 2 === 0) nodeRed.push(await rateOf(() => site.nodeRed(), site.port, 0));
    },
  );
  const [unit, target] = ['messages/s beside a Node-RED 5 flow', 2.5];
  return [
    atLeast('rate', ours, 'messages/s beside bare mqtt.js', bare, 0.75),
    // A flow that loses messages is no baseline.
    nodeRed.includes(0) ? missing('rate', unit, target) : atLeast('rate', ours, unit, median(nodeRed), target),
  ];
}

export async function benchRateQos1(site: BenchSite): Promise<BenchRow[]> {
  const [ours, bare] = await pairs(
    () => rateOf(() => site.gateway({ qos: 1 }), site.port, 1),
    () => rateOf(() => site.bare(1), site.port, 1),
  );
  return [atLeast('rate-qos1', ours, 'messages/s', bare, 0.5)];
}

/** 25 samples of each of 4 channels in a message: 100 samples. */
const valuesPerChannel = 25;

export async function benchColumns(site: BenchSite): Promise<BenchRow[]> {
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++)
    rates.push((await rateOf(() => site.gateway({ values: valuesPerChannel }), site.port, 0, valuesPerChannel)) * 100);
  const source = await Publisher.connect(site.port, { values: valuesPerChannel });
  const payloads = Array.from({ length: 200 }, (_, row) => Buffer.from(source.payload(0, row)));
  await source.close();
  const parsed: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    for (let i = 0; i < 20_000; i++) JSON.parse((payloads[i % 200] as Buffer).toString());
    parsed.push((20_000 * 100 * 1000) / (performance.now() - began));
  }
  const value = median(rates);
  const limit = median(parsed);
  return [{ name: 'columns', value, unit: 'samples/s', limit, ratio: value / limit, target: 1_000_000, reached: value >= 1_000_000 }];
}
