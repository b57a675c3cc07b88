import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../src/core/seeded-random.ts';
import { type AnswerFault, ageMs, answerFaults, answerWith, registerValue } from '../support/modbus/fault-device.ts';
import { startPtyPair } from '../support/modbus/pty-pair.ts';
import { type RawRequest, startRawDevice } from '../support/modbus/raw-device.ts';
import { listenOnPty, RtuListener, type RtuRequest, startRtuServer } from '../support/modbus/rtu-device.ts';
import { type ReceivedSample, runSource } from '../support/modbus/source-run.ts';

/** What goes wrong with the connection, or now and then; others may be late by it. */
const connectionFaults = ['one connection only', '32 registers', 'drops after idle', 'half-open', 'sporadic', 'sometimes late'] as const;
export type Fault = AnswerFault | (typeof connectionFaults)[number];
export type Carrier = 'tcp' | 'rtu+tcp' | 'pty';

export interface Scenario {
  readonly carrier: Carrier;
  readonly fault: Fault;
}

/** Every fault on every carrier that can have it; none at all among them, for comparison. */
export function scenarios(): Scenario[] {
  const found: Scenario[] = [];
  const exceptions = Array.from({ length: 11 }, (_, i) => `exception ${i + 1}` as const);
  for (const carrier of ['tcp', 'rtu+tcp', 'pty'] as const)
    for (const fault of ['none' as const, ...answerFaults, ...exceptions, ...connectionFaults])
      if (carrier !== 'pty' || (fault !== 'one connection only' && fault !== 'drops after idle')) found.push({ carrier, fault });
  return found;
}

export interface Verdict extends Scenario {
  readonly reads: number;
  /** Samples by what they are. */
  readonly right: number;
  readonly wrong: readonly string[];
  readonly bad: number;
  /** Of the intervals between good samples of the other units, in periods. */
  readonly p99: number;
  /** From the end of the fault to the next good sample of every tag, ms; undefined: not within a minute and a half. */
  readonly recoveryMs: number | undefined;
}

const units = 6;
const faultyUnit = 6;
const tagsPerUnit = 12;
/** A value this much older or younger than its sample's time belongs to another request. */
const staleMs = 200;

/**
 * Device and gateway are one process here: when it is not let run, both stand still between an answer and its being read, and the
 * sample's time, the middle, is off by half of that.
 */
class StallWatch {
  readonly #stalls: { readonly atMs: number; readonly ms: number }[] = [];
  #lastMs = Date.now();
  readonly #timer = setInterval(() => {
    const nowMs = Date.now();
    if (nowMs - this.#lastMs > 3 * stallWatchMs) this.#stalls.push({ atMs: nowMs, ms: nowMs - this.#lastMs });
    this.#lastMs = nowMs;
  }, stallWatchMs);

  /** Time this process was not let run around then. */
  around(wallMs: number): number {
    return this.#stalls.reduce((sum, { atMs, ms }) => sum + (Math.abs(atMs - wallMs) < ms + 1000 ? ms : 0), 0);
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
const stallWatchMs = 20;

/** Two reads of one length a unit, each of more than 32 registers: the answer to one would fit the other. */
const addresses = Array.from({ length: tagsPerUnit }, (_, i) => 8 * (i % 6) + (i % 2) + (i < 6 ? 0 : 1000));

interface Plant {
  readonly url: string;
  close(): Promise<void> | void;
}

/** Plays one fault to one source until it has read so often, then ends the fault. Undefined where socat is missing. */
export async function play({ carrier, fault }: Scenario, reads: number, seed: number, periodMs = 250): Promise<Verdict | undefined> {
  // A probe of a dead unit costs the others one of it.
  const timeoutMs = Math.max(35, Math.round(periodMs / 10));
  const random = seededRandom(seed);
  let isOn = false;
  const behave = (request: RawRequest | RtuRequest): void => {
    if (isOn && fault === 'sometimes late' && request.unit === faultyUnit) {
      // Slow, so that an answer that is just too late comes while the next one is waited for.
      setTimeout(() => answerWith('none', request, random), timeoutMs * (random() < 0.3 ? 1.4 + random() * 0.6 : 0.6));
      return;
    }
    let answer: AnswerFault = 'none';
    if (!isOn) answer = 'none';
    else if (fault === '32 registers') answer = request.count > 32 ? 'exception 3' : 'none';
    else if (fault === 'sporadic')
      answer = random() < 0.02 ? (answerFaults[Math.floor(random() * answerFaults.length)] as AnswerFault) : 'none';
    else if (fault === 'half-open') answer = dead.has(pathOf(request)) ? 'silence' : 'none';
    else if (!isOfConnection(fault) && request.unit === faultyUnit) answer = fault;
    answerWith(answer, request, random);
  };
  /** Connections whose other end is gone without a word. */
  const dead = new Set<unknown>();
  const alive = new Set<unknown>();
  const pathOf = (request: RawRequest | RtuRequest): unknown => {
    const path = 'socket' in request ? request.socket : carrier === 'pty' ? 'line' : request.write;
    alive.add(path);
    return path;
  };
  const plant = await startPlant(carrier, fault, behave);
  if (plant === undefined) return undefined;
  const tag = (unit: number, address: number) => ({ tag: `${unit}/${address}`, unit, table: 'holdingRegister', address, type: 'uint16' });
  const all = Array.from({ length: units }, (_, i) => addresses.map((address) => tag(i + 1, address))).flat();
  const common = { url: plant.url, timeout: `${timeoutMs}ms`, poll: `${periodMs}ms` };
  // Two sources name the device: they have to share what there is.
  const runs = await Promise.all([
    runSource({ ...common, tags: all.filter(({ unit }) => unit <= 3) }),
    runSource({ ...common, tags: all.filter(({ unit }) => unit > 3) }),
  ]);
  const stalls = new StallWatch();
  const requests = () => runs.reduce((sum, run) => sum + run.counter('requests'), 0);
  const areAllGood = (sinceMs: number) =>
    all.every(({ tag: name, unit }) => {
      const last = runs[unit <= 3 ? 0 : 1]?.last(name);
      return last?.quality === 'good' && last.timeMs > sinceMs;
    });
  try {
    await waitFor(() => areAllGood(0), 10_000);
    const firstRequest = requests();
    const beganMs = Date.now();
    for (const path of alive) dead.add(path);
    isOn = true;
    const slowest = Date.now() + 20_000 + (reads / units) * periodMs * 3;
    while (requests() - firstRequest < reads && Date.now() < slowest) {
      await sleep(50);
      // Somebody pulls the cable now and then; on a pty it is put in again.
      if (fault === 'half-open' && random() < 0.02) for (const path of alive) dead.add(path);
      if (fault === 'half-open' && carrier === 'pty' && random() < 0.1) dead.clear();
    }
    const endedMs = Date.now();
    isOn = false;
    const isRecovered = await waitFor(() => areAllGood(endedMs), 90_000);
    const recoveryMs = isRecovered ? Date.now() - endedMs : undefined;
    const samples = runs.flatMap((run) => run.samples);
    const others = samples.filter(({ tag: name, timeMs }) => !name.startsWith(`${faultyUnit}/`) && timeMs > beganMs && timeMs < endedMs);
    return { carrier, fault, reads: requests(), ...account(samples, stalls), p99: intervalP99(others, periodMs), recoveryMs };
  } finally {
    stalls.end();
    await Promise.all(runs.map((run) => run.stop()));
    await plant.close();
  }
}

/** Whether only this one's unit may be late. */
export const isOfUnit = (fault: Fault): boolean => !isOfConnection(fault);

const isOfConnection = (fault: Fault): fault is (typeof connectionFaults)[number] => connectionFaults.some((known) => known === fault);

async function startPlant(carrier: Carrier, fault: Fault, behave: (request: RawRequest | RtuRequest) => void): Promise<Plant | undefined> {
  if (carrier === 'tcp') {
    const device = await startRawDevice(behave, {
      idleMs: fault === 'drops after idle' ? 60 : 0,
      maxConnections: fault === 'one connection only' ? 1 : 0,
    });
    return { url: device.url, close: () => device.close() };
  }
  if (carrier === 'rtu+tcp') {
    const server = await startRtuServer(behave, {
      idleMs: fault === 'drops after idle' ? 60 : 0,
      maxConnections: fault === 'one connection only' ? 1 : 0,
    });
    return { url: `${server.url}?baudRate=115200`, close: () => server.close() };
  }
  const pair = await startPtyPair();
  if (pair === undefined) return undefined;
  const end = listenOnPty(pair.far, new RtuListener(behave));
  return {
    url: `rtu://${pair.near}?baudRate=115200`,
    close: () => {
      end();
      return pair.close();
    },
  };
}

function account(samples: readonly ReceivedSample[], stalls: StallWatch): { right: number; wrong: string[]; bad: number } {
  const found = { right: 0, wrong: [] as string[], bad: 0 };
  for (const { tag, value, quality, timeMs } of samples) {
    const [unit, address] = tag.split('/').map(Number) as [number, number];
    if (quality !== 'good') {
      if (Number.isNaN(value)) found.bad++;
      else found.wrong.push(`${tag}: ${value} though ${quality}`);
    } else if (
      address % 2 === 1
        ? Math.abs(ageMs(unit, address, value, timeMs)) <= staleMs + stalls.around(timeMs)
        : value === registerValue(unit, address, 0)
    )
      found.right++;
    else found.wrong.push(`${tag}: ${value} at ${timeMs}`);
  }
  return found;
}

/** In periods. */
function intervalP99(samples: readonly ReceivedSample[], periodMs: number): number {
  const before = new Map<string, number>();
  const intervals: number[] = [];
  for (const { tag, timeMs, quality } of samples) {
    if (quality !== 'good') continue;
    const last = before.get(tag);
    if (last !== undefined) intervals.push((timeMs - last) / periodMs);
    before.set(tag, timeMs);
  }
  intervals.sort((a, b) => a - b);
  return intervals[Math.ceil(intervals.length * 0.99) - 1] ?? Number.NaN;
}

async function waitFor(condition: () => boolean, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}
