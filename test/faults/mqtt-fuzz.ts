import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Interner } from '../../src/core/interner.ts';
import { quality } from '../../src/core/quality.ts';
import { seededRandom } from '../../src/core/seeded-random.ts';
import type { SampleInlet } from '../../src/core/source.ts';
import { mqttSourceSchema } from '../../src/sources/mqtt/config.ts';
import { type TopicReader, TopicRule } from '../../src/sources/mqtt/topic-reader.ts';
import { stringOf } from './mqtt-grammar.ts';
import { hostile } from './mqtt-hostile.ts';
import { type FuzzLayout, layouts, mutate } from './mqtt-payloads.ts';
import { maxSkewMs, otherUnit, type RefSample, readings } from './mqtt-reference.ts';

export interface MqttFuzzAccount {
  readonly payloads: number;
  /** Samples of good quality, as many as the reference gives. */
  readonly right: number;
  /** Samples marked bad, as the reference does. */
  readonly bad: number;
  /** Payloads from which nothing was to be taken, and nothing was. */
  readonly nothing: number;
  readonly wrong: readonly string[];
  /** ms for one payload. */
  readonly slowest: Slowest;
  /** The same for payloads of `hostileBytes`, none of which has to be read. */
  readonly slowestHostile: Slowest;
  readonly hostileBytes: number;
  readonly heapBefore: number;
  readonly heapAfter: number;
}

export interface Slowest {
  readonly ms: number;
  readonly what: string;
}

const startMs = 1_795_000_000_000;
const mostWrong = 50;

/** What the source would get. */
class Taken {
  readonly tags = new Interner(200_000);
  samples: RefSample[] = [];
  broken: string | undefined;
  readonly inlet = {
    append: (tag: number, timeMs: number, value: number, code: number) => {
      const isGood = code === quality.good;
      if (isGood && !Number.isFinite(value)) this.broken = `${value} is good`;
      if (Number.isNaN(timeMs)) this.broken = 'a sample without time';
      this.samples.push({ tag: this.tags.nameOf(tag), timeMs, value: isGood ? value : undefined });
    },
  } as unknown as SampleInlet;
}

export function readerOf(layout: FuzzLayout, tags: Interner): TopicReader {
  const { payload, tags: paths, time, decimal, words, csv, units } = layout;
  const interval = time?.interval === undefined ? {} : { interval: `${time.interval}ms` };
  const topic = {
    topic: 't',
    payload,
    tags: paths,
    ...(time !== undefined && { time: { ...time, ...interval } }),
    ...(decimal !== undefined && { decimal }),
    ...(words !== undefined && { words }),
    ...(csv !== undefined && { csv }),
  };
  const [config] = mqttSourceSchema.parse({ id: 'm', type: 'mqtt', url: 'mqtt://x', topics: [topic] }).topics;
  const reader =
    config === undefined ? undefined : new TopicRule(config).readerOf('t', { tags, unitOf: (tag) => units?.[tag] ?? otherUnit });
  if (reader === undefined) throw new Error(`${layout.name}: no reader`);
  return reader;
}

/** `payloads` damaged payloads through the readers of every dialect, each beside a reference; then hostile ones of `hostileBytes`. */
export function fuzzMqtt(payloads: number, seed: number, hostileBytes = 1_000_000): MqttFuzzAccount {
  const random = seededRandom(seed);
  const taken = new Taken();
  const wrong: string[] = [];
  let [right, bad, nothing] = [0, 0, 0];
  let slowest: Slowest = { ms: 0, what: '' };
  let heapBefore = 0;
  const lanes = layouts.map((layout) => ({ layout, reader: readerOf(layout, taken.tags), fresh: 0 }));
  for (let n = 0; n < payloads; n++) {
    if (n === Math.floor(payloads / 5)) heapBefore = heapBytes();
    const lane = lanes[n % lanes.length] as (typeof lanes)[number];
    // What is known of a topic is bounded; a new one now and then shows that nothing leaks out of it either.
    if (++lane.fresh % 20_000 === 0) lane.reader = readerOf(lane.layout, taken.tags);
    const { layout, reader } = lane;
    const arrivalMs = startMs + n;
    const bytes = mutate(layout.make(random, arrivalMs), random);
    taken.samples = [];
    taken.broken = undefined;
    const began = performance.now();
    let repeated = false;
    try {
      const rejection = reader.read({ buffer: bytes, start: 0, end: bytes.length, arrivalMs, retained: false }, taken.inlet);
      repeated = rejection?.kind === 'repeated';
    } catch (error) {
      taken.broken = `threw ${String(error)}`;
    }
    const ms = performance.now() - began;
    if (ms > slowest.ms) slowest = slower(slowest, ms, layout, bytes, taken.tags, arrivalMs);
    const problem =
      taken.broken ??
      (repeated && taken.samples.length === 0 ? undefined : judge(taken.samples, readings(layout, bytes, arrivalMs), arrivalMs));
    if (problem !== undefined && wrong.length < mostWrong) wrong.push(`${layout.name}: ${JSON.stringify(bytes.toString())}: ${problem}`);
    if (taken.samples.length === 0) nothing++;
    for (const sample of taken.samples)
      if (sample.value === undefined) bad++;
      else right++;
  }
  const slowestHostile = readHostile(
    lanes.map(({ layout }) => layout),
    hostileBytes,
    wrong,
  );
  const heapAfter = heapBytes();
  return { payloads, right, bad, nothing, wrong, slowest, slowestHostile, hostileBytes, heapBefore, heapAfter };
}

/** The machine may have been busy: what is slow is slow once more. */
function slower(slowest: Slowest, first: number, layout: FuzzLayout, bytes: Buffer, tags: Interner, arrivalMs: number): Slowest {
  const reader = readerOf(layout, tags);
  const began = performance.now();
  try {
    reader.read({ buffer: bytes, start: 0, end: bytes.length, arrivalMs, retained: false }, { append: () => {} } as unknown as SampleInlet);
  } catch {
    // It was told the first time.
  }
  const ms = Math.min(first, performance.now() - began);
  return ms > slowest.ms ? { ms, what: `${layout.name}, ${bytes.length} bytes` } : slowest;
}

/** Undefined where the samples are one of the readings that are right, in whatever order. */
export function judge(samples: readonly RefSample[], possible: readonly (readonly RefSample[])[], arrivalMs: number): string | undefined {
  const future = samples.find(({ timeMs }) => timeMs > arrivalMs + maxSkewMs);
  if (future !== undefined) return `${stringOf(future)} is ${future.timeMs - arrivalMs} ms ahead`;
  const texts = (list: readonly RefSample[]): string => list.map(stringOf).sort().join(' ');
  const got = texts(samples);
  const wanted = [...new Set(possible.map(texts))];
  if (wanted.includes(got)) return undefined;
  // Nothing is never wrong where the look of a payload decides.
  if (samples.length === 0 && wanted.length > 1) return undefined;
  return `got [${got}], not [${wanted.join('] or [')}]`;
}

/** What one payload may take; what is more than linear takes far more, and larger ones of it are not tried. */
const mostMs = (bytes: number): number => 100 + bytes / 300;

function readHostile(all: readonly FuzzLayout[], mostBytes: number, wrong: string[]): Slowest {
  let slowest: Slowest = { ms: 0, what: '' };
  const slow = new Set<string>();
  for (let bytes = 100; bytes <= mostBytes; bytes *= 10) {
    for (const layout of all) {
      const tags = new Interner(1000);
      for (const [i, text] of hostile(bytes).entries()) {
        const key = `${layout.name} ${i}`;
        if (slow.has(key)) continue;
        const what = `${layout.name}: ${JSON.stringify(text.slice(0, 40))}…, ${bytes} bytes`;
        // Once more, for the machine may have been busy.
        let ms = readOne(layout, tags, text, what, wrong);
        if (ms > mostMs(bytes)) ms = Math.min(ms, readOne(layout, tags, text, what, wrong));
        if (ms > slowest.ms) slowest = { ms, what };
        if (ms <= mostMs(bytes)) continue;
        slow.add(key);
        wrong.push(`${what}: ${Math.round(ms)} ms`);
      }
    }
  }
  return slowest;
}

function readOne(layout: FuzzLayout, tags: Interner, text: string, what: string, wrong: string[]): number {
  const reader = readerOf(layout, tags);
  const buffer = Buffer.from(text);
  const inlet = { append: () => {} } as unknown as SampleInlet;
  const began = performance.now();
  try {
    reader.read({ buffer, start: 0, end: buffer.length, arrivalMs: startMs, retained: false }, inlet);
  } catch (error) {
    wrong.push(`${what}: threw ${String(error)}`);
  }
  return performance.now() - began;
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
