import { fork } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { characterMs, frameGapMs } from '../src/sources/modbus/line-url.ts';
import { startPtyPair } from '../test/support/modbus/pty-pair.ts';
import { runSource } from '../test/support/modbus/source-run.ts';
import type { Arrival, LineReport } from './support/paced-line.ts';
import { atMost, type BenchRow, median } from './support/row.ts';

const units = 6;
const baudRate = 19_200;
const settings = { baudRate, parity: 'even', dataBits: 8, stopBits: 1 } as const;
const requestBytes = 8;
const cycles = 15;
const target = 1.1;

interface Plan {
  readonly name: string;
  readonly periodMs: number;
  /** Registers of each read of a unit. */
  readonly reads: readonly number[];
}

/** A meter's values in two reads; and the least there is to read, where every millisecond between frames shows. */
const plans: readonly Plan[] = [
  { name: 'meters', periodMs: 1000, reads: [50, 30] },
  { name: 'one value', periodMs: 250, reads: [2] },
];

/**
 * Six units on one line of 19,200 baud: the time of a poll cycle beside the least the same requests can take (their characters,
 * and 3.5 of silence around each frame). The line is a pty whose other end, a process of its own, sends each byte when it is due.
 * Medians of 15 cycles. Empty where socat is missing.
 */
export async function benchSerial(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const plan of plans) {
    const report = await poll(plan);
    if (report === undefined) return [];
    const { valueMs, leastMs } = cycleTimes(report.arrivals, units * plan.reads.length);
    if (report.hurried > 0) process.stderr.write(`serial: ${report.hurried} requests came before 3.5 characters of silence\n`);
    rows.push(atMost('serial', valueMs, `ms a cycle, ${plan.name}`, leastMs, report.hurried > 0 ? 0 : target));
  }
  return rows;
}

async function poll({ periodMs, reads }: Plan): Promise<LineReport | undefined> {
  const pair = await startPtyPair();
  if (pair === undefined) return undefined;
  const child = fork(
    new URL('./support/paced-line.ts', import.meta.url),
    [pair.far, characterMs(settings), frameGapMs(settings)].map(String),
  );
  try {
    await new Promise((resolve) => child.once('message', resolve));
    const tags = Array.from({ length: units }, (_, unit) =>
      reads.flatMap((count, read) =>
        Array.from({ length: count / 2 }, (_, i) => ({
          tag: `${unit}/${read}/${i}`,
          unit: unit + 1,
          table: 'holdingRegister',
          address: 1000 * read + 2 * i,
          type: 'uint32',
        })),
      ),
    ).flat();
    const run = await runSource({ url: `rtu://${pair.near}?baudRate=${baudRate}&parity=even`, poll: `${periodMs}ms`, tags });
    await pause((cycles + 2) * periodMs);
    await run.stop();
    const bad = run.samples.filter(({ quality }) => quality !== 'good').length;
    if (bad > 0) throw new Error(`${bad} bad samples on a good line`);
    const report = new Promise<LineReport>((resolve) => child.once('message', (message) => resolve(message as LineReport)));
    child.send('report');
    return await report;
  } finally {
    child.kill();
    await pair.close();
  }
}

/** From the first request of a cycle to its last, and what all but the last exchange take at least. */
function cycleTimes(arrivals: readonly Arrival[], perCycle: number): { valueMs: number; leastMs: number } {
  const least = (exchanges: readonly Arrival[]): number =>
    exchanges.reduce((sum, { replyBytes }) => sum + (requestBytes + replyBytes) * characterMs(settings) + 2 * frameGapMs(settings), 0);
  const values: number[] = [];
  let leastMs = Number.NaN;
  // The first cycle may have begun in the middle of its period.
  for (let first = perCycle; first + perCycle <= arrivals.length; first += perCycle) {
    const cycle = arrivals.slice(first, first + perCycle);
    values.push((cycle.at(-1) as Arrival).atMs - (cycle[0] as Arrival).atMs);
    leastMs = least(cycle.slice(0, -1));
  }
  return { valueMs: median(values), leastMs };
}

if (import.meta.main) for (const row of await benchSerial()) console.log(JSON.stringify(row));
