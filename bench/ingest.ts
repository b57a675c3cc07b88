import type { BenchSite } from './support/bench-site.ts';
import { cpuPerMessage } from './support/load.ts';
import { Publisher } from './support/publisher.ts';
import { atMost, type BenchRow, median } from './support/row.ts';

const rate = 40_000;
const seconds = 3;
const rounds = 5;
const target = 1.6;

/** CPU for each message, whole gateway beside the bare client, both alive only while they are measured, in turn. */
export async function benchIngest(site: BenchSite): Promise<BenchRow[]> {
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const which of round % 2 === 0 ? ['ours', 'bare'] : ['bare', 'ours']) {
      const subject = which === 'ours' ? await site.gateway() : await site.bare();
      const publisher = await Publisher.connect(site.port);
      await cpuPerMessage(subject, publisher, rate, 3);
      (which === 'ours' ? ours : bare).push(await cpuPerMessage(subject, publisher, rate, seconds));
      await publisher.close();
      await subject.stop();
    }
  }
  return [atMost('ingest', median(ours), 'µs CPU/message', median(bare), target)];
}
