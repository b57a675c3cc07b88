import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parseConfig } from '../src/config/load.ts';
import { sleep } from '../src/core/clock.ts';
import { silentLogger } from '../src/core/logger.ts';
import { gaussian, seededRandom } from '../src/core/seeded-random.ts';
import { Gateway } from '../src/gateway/gateway.ts';
import { Journal } from '../src/journal/journal.ts';
import { readRuntimeFile } from '../src/server/runtime-file.ts';
import { ApiServer } from '../src/server/server.ts';
import { type Recorded, type RecordedScore, record } from '../test/charts/recorded-journal.ts';
import { bundleDashboard } from '../tools/bundle-dashboard.ts';
import type { BenchSite } from './support/bench-site.ts';
import { cpuPerMessage } from './support/load.ts';
import { Publisher } from './support/publisher.ts';
import { atMost, type BenchRow, median, quantile } from './support/row.ts';

const openDashboards = 10;
const rate = 20_000;
const seconds = 4;
const rounds = 5;

/** What ten open pages cost the gateway, how long a week of history takes, and how much a browser loads. */
export async function benchDashboard(site: BenchSite | undefined): Promise<BenchRow[]> {
  const weight = Object.values(await bundleDashboard()).reduce((sum, text) => sum + gzipSync(text).length, 0);
  return [
    ...(site === undefined ? [] : [await costOf(site)]),
    atMost('dashboard', await weekMs(), 'ms p95, a chart of 7 days × 8 channels at 1 Hz', 200, 1),
    atMost('dashboard', weight / 1000, 'kB compressed, everything a browser loads', 150, 1),
  ];
}

/** CPU a message with ten pages open, beside none; both with the server running. */
async function costOf(site: BenchSite): Promise<BenchRow> {
  const watched: number[] = [];
  const alone: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const isWatched of round % 2 === 0 ? [true, false] : [false, true]) {
      const configuration = { more: {} };
      const subject = await site.gateway({ ...configuration, dashboards: true });
      const pages = isWatched ? openPages(site.lastData) : undefined;
      const publisher = await Publisher.connect(site.port);
      await cpuPerMessage(subject, publisher, rate, 2);
      (isWatched ? watched : alone).push(await cpuPerMessage(subject, publisher, rate, seconds));
      pages?.abort();
      await publisher.close();
      await subject.stop();
    }
  }
  return atMost('dashboard', median(watched), `µs CPU/message with ${openDashboards} dashboards, beside none`, median(alone), 1.1);
}

/** As the page does: the events, and every five seconds assets and learning. */
function openPages(data: string): AbortController {
  const abort = new AbortController();
  const runtime = readRuntimeFile(data);
  if (runtime === undefined) throw new Error(`no gateway serves ${data}`);
  const headers = { authorization: `Bearer ${runtime.token}` };
  for (let i = 0; i < openDashboards; i++) {
    const stream = request(
      `${runtime.url}/api/v1/events?events=alarm,scores,learning,status`,
      { headers, signal: abort.signal },
      (response) => response.resume().on('error', () => {}),
    );
    stream.on('error', () => {}).end();
    void (async () => {
      while (!abort.signal.aborted) {
        for (const path of ['assets', 'learning'])
          await fetch(`${runtime.url}/api/v1/${path}`, { headers, signal: abort.signal }).then((answer) => answer.arrayBuffer());
        await sleep(5000, abort.signal);
      }
    })().catch(() => {});
  }
  return abort;
}

const channels = 8;
const days = 7;
const asked = 60;

/** p95 of the API, once the history has been summed up. */
async function weekMs(): Promise<number> {
  const data = mkdtempSync(join(tmpdir(), 'fettle-bench-week-'));
  try {
    const tags = Array.from({ length: channels }, (_, i) => `machine/c${i}`);
    const toMs = await recordWeek(data, tags);
    const source = {
      id: 'plc',
      type: 'modbus',
      url: 'tcp://127.0.0.1:1',
      tags: tags.map((tag, i) => ({ tag, table: 'holdingRegister', address: i, type: 'int16' })),
    };
    const configuration = {
      site: 'bench',
      data,
      journal: { maxBytes: '4GB', maxAge: '3650d' },
      sources: [source],
      assets: [{ id: 'machine', tags }],
    };
    const gateway = await Gateway.start(parseConfig(JSON.stringify(configuration), 'bench.yaml', {}), { log: silentLogger });
    const server = new ApiServer({ gateway }, { listen: '127.0.0.1:0', data, log: silentLogger });
    await server.start();
    const headers = { authorization: `Bearer ${server.token}` };
    const week = async (): Promise<{ summedToMs: number | null; channels: { mean: (number | null)[] }[] }> => {
      const answer = await fetch(`${server.url}/api/v1/assets/machine/chart?lastsMs=${days * 86_400_000}&to=${toMs}&points=600`, {
        headers,
      });
      return (await answer.json()) as Awaited<ReturnType<typeof week>>;
    };
    for (;;) {
      const { summedToMs, channels: series } = await week();
      if (summedToMs === null && series.every(({ mean }) => mean.filter((value) => value !== null).length > 500)) break;
      await sleep(200);
    }
    const times: number[] = [];
    for (let i = 0; i < asked; i++) {
      const began = performance.now();
      await week();
      times.push(performance.now() - began);
    }
    await server.stop();
    await gateway.stop();
    return quantile(times, 0.95);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

/** Seven days as the gateway would have kept them. Returns their end. */
async function recordWeek(directory: string, tags: readonly string[]): Promise<number> {
  const journal = await Journal.open({ directory, maxBytes: 4e9, maxAgeMs: 1e12 });
  const normal = gaussian(seededRandom(1));
  const startMs = 1_790_000_000_000;
  const names = [
    ...tags.map((name, index) => ({ kind: 'tag' as const, index, name })),
    { kind: 'asset' as const, index: 0, name: 'machine' },
  ];
  let atMs = startMs;
  for (let hour = 0; hour < days * 24; hour++) {
    const samples: Recorded[] = [];
    const scores: RecordedScore[] = [];
    for (const endMs = atMs + 3_600_000; atMs < endMs; atMs += 1000) {
      for (let tag = 0; tag < tags.length; tag++) samples.push({ tag, timeMs: atMs, value: normal(), quality: 0 });
      if (atMs % 8000 === 0) {
        const parts = tags.map(() => Math.abs(normal()));
        scores.push({ endMs: atMs, value: Math.abs(normal()), contributions: parts, expected: parts });
      }
    }
    await record(journal, samples, scores, hour === 0 ? names : []);
  }
  await journal.close();
  return atMs;
}
