import { fork } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import modbus from 'modbus-serial';
import { systemClock } from '../src/core/clock.ts';
import { Interner } from '../src/core/interner.ts';
import { silentLogger } from '../src/core/logger.ts';
import { SampleBlockBuilder } from '../src/core/sample-block.ts';
import { seededRandom } from '../src/core/seeded-random.ts';
import { modbusSource } from '../src/sources/modbus/index.ts';
import { startLibmodbus } from '../test/support/modbus/libmodbus.ts';
import { type BenchRow, median } from './support/row.ts';

const servers = 10;
const tagsPerServer = 1000;
const maxRegisters = 125;
const periodMs = 1000;
const rounds = 5;
const roundMs = 4000;
/** Ends in the middle of a period. */
const warmUpMs = 2500;
const targets = { requests: 1.05, onTime: 1, cpu: 1.3 };

interface Report {
  /** CPU milliseconds of each round. */
  readonly cpuMs: number[];
  readonly requestsPerPeriod: number;
  /** Polls of all rounds that were answered within their period, and that there should have been. */
  readonly polls: number;
  readonly expectedPolls: number;
}

/**
 * 10,000 float32 tags at 1 s from ten libmodbus servers, with gaps of 0 to 8 registers: requests beside what a perfect plan needs, polls
 * answered within their period, and CPU beside a bare modbus-serial loop that sends the same requests and decodes nothing.
 * Medians of five rounds of 4 s, each side in a process of its own. Empty where libmodbus is not installed.
 */
export async function benchModbus(): Promise<BenchRow[]> {
  const peers = await Promise.all(Array.from({ length: servers }, () => startLibmodbus({ floatRamp: true })));
  try {
    const urls = peers.flatMap((peer) => (peer === undefined ? [] : [peer.url]));
    if (urls.length < servers) return [];
    const bare = await inChild('bare', urls);
    const ours = await inChild('ours', urls);
    const perfect = servers * perfectPlan(addresses()).length;
    const [cpu, cpuBare] = [median(ours.cpuMs) / roundMs, median(bare.cpuMs) / roundMs];
    const row = (name: string, value: number, unit: string, limit: number, target: number, isCost: boolean): BenchRow => {
      const ratio = value / limit;
      return { name, value, unit, limit, ratio, target, reached: isCost ? ratio <= target : ratio >= target };
    };
    return [
      row('modbus', ours.requestsPerPeriod, 'requests/s', perfect, targets.requests, true),
      row('modbus', ours.polls, 'polls', ours.expectedPolls, targets.onTime, false),
      row('modbus', cpu * 100, '% of a core', cpuBare * 100, targets.cpu, true),
    ];
  } finally {
    await Promise.all(peers.map((peer) => peer?.dispose()));
  }
}

/** Two registers a tag, gaps of 0 to 8 between them. */
function addresses(): number[] {
  const random = seededRandom(1);
  const found: number[] = [];
  for (let next = 0; found.length < tagsPerServer; next += 2 + Math.floor(random() * 9)) found.push(next);
  return found;
}

/** The fewest reads of 125 registers that hold every tag whole, by the one sweep there is; [address, count] each. */
function perfectPlan(tags: readonly number[]): [number, number][] {
  const plan: [number, number][] = [];
  for (const address of tags) {
    const open = plan.at(-1);
    if (open !== undefined && address + 2 - open[0] <= maxRegisters) open[1] = address + 2 - open[0];
    else plan.push([address, 2]);
  }
  return plan;
}

function inChild(side: 'ours' | 'bare', urls: readonly string[]): Promise<Report> {
  return new Promise((resolve, reject) => {
    const child = fork(import.meta.filename, [side, ...urls]);
    child.once('message', (report) => resolve(report as Report));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the ${side} side ended (${code})`)));
  });
}

/** Begins in the middle between two polls, so that every round holds the same number of them. */
async function measure(counts: () => { requests: number; polls: number }): Promise<Report> {
  await pause(warmUpMs - (Date.now() % periodMs));
  const before = counts();
  const cpuMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const usage = process.cpuUsage();
    await pause(roundMs);
    const { user, system } = process.cpuUsage(usage);
    cpuMs.push((user + system) / 1000);
  }
  const after = counts();
  const periods = (rounds * roundMs) / periodMs;
  return {
    cpuMs,
    requestsPerPeriod: (after.requests - before.requests) / periods,
    polls: after.polls - before.polls,
    expectedPolls: periods * servers * tagsPerServer,
  };
}

async function runOurs(urls: readonly string[]): Promise<Report> {
  let polls = 0;
  const sources = urls.map((url, server) => {
    const tags = new Interner(tagsPerServer);
    const block = new SampleBlockBuilder();
    const config = modbusSource.schema.parse({
      id: `device-${server}`,
      type: 'modbus',
      url,
      tags: addresses().map((address, i) => ({ tag: `device-${server}/tag-${i}`, table: 'holdingRegister', address, type: 'float32' })),
    });
    return modbusSource.create(config, {
      id: config.id,
      site: 'bench',
      tags,
      texts: new Interner(1),
      clock: systemClock,
      log: silentLogger,
      inlet: {
        append: (tag, timeMs, value, quality) => block.append(tag, timeMs, value, quality),
        mark: () => 0,
        redelivered: () => {},
        endOfBurst: () => {
          // A bad sample is no poll, nor is one that belongs to the second half of its period.
          for (let i = 0; i < block.length; i++)
            if (block.quality[i] === 0 && (block.timeMs[i] as number) % periodMs < periodMs / 2) polls++;
          block.clear();
        },
        full: false,
        setConnected: () => {},
      },
    });
  });
  for (const source of sources) await source.start(new AbortController().signal);
  const report = await measure(() => ({
    requests: sources.reduce((sum, source) => sum + (source.status().counters.requests as number), 0),
    polls,
  }));
  for (const source of sources) await source.stop();
  return report;
}

async function runBare(urls: readonly string[]): Promise<Report> {
  let requests = 0;
  let isRunning = true;
  const plan = perfectPlan(addresses());
  const loops = urls.map(async (url) => {
    const client = new modbus.default();
    await client.connectTCP('127.0.0.1', { port: Number(new URL(url).port) });
    client.setID(1);
    client.setTimeout(1000);
    while (isRunning) {
      await pause(periodMs - (Date.now() % periodMs));
      for (const [address, count] of plan) {
        requests++;
        await client.readHoldingRegisters(address, count);
      }
    }
    client.destroy(() => {});
  });
  const report = await measure(() => ({ requests, polls: 0 }));
  isRunning = false;
  await Promise.all(loops);
  return report;
}

const [side, ...urls] = process.argv.slice(2);
if (process.send !== undefined && (side === 'ours' || side === 'bare')) {
  const report = await (side === 'ours' ? runOurs(urls) : runBare(urls));
  process.send(report, () => process.exit(0));
} else if (import.meta.main) for (const row of await benchModbus()) console.log(JSON.stringify(row));
