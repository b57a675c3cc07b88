import { parseTimestamp } from '../core/timestamp.ts';

/** One sample as it travels in a flow. */
export interface FlowSample {
  readonly tag: string;
  /** Null: there is none; the sample is bad. */
  readonly value: number | boolean | null;
  /** ms since the epoch; the arrival where absent. */
  readonly time?: number;
  readonly quality?: 'good' | 'uncertain' | 'bad';
}

export interface MessageSamples {
  readonly samples: readonly FlowSample[];
  /** What of the message is no sample, in words; the first few. */
  readonly unread: readonly string[];
}

export interface MessageHints {
  /** Name of a value that comes without one: `msg.topic`. */
  readonly topic?: string | undefined;
  /** Names of the elements of an array of numbers, in order: registers of a Modbus read. */
  readonly names?: readonly string[];
}

const timeKeys = ['time', 'timestamp', 'ts', '_time', 'datetime', 'sourceTimestamp'] as const;
const nameKeys = ['tag', 'name', 'topic', 'measurement', 'id', 'nodeId'] as const;
const qualityKeys = ['quality', 'status'] as const;
const earliestMs = Date.UTC(1990, 0, 1);
const deepest = 6;
const mostSamples = 100_000;
const unreadKept = 5;

/**
 * What nodes commonly put into a message, as samples: `{temperature: 71, speed: 1450}`, also nested and with a time; `{tag, value, time}`; arrays of both; Sparkplug's
 * `{metrics: […]}`; an array of numbers with names (node-red-contrib-modbus); a bare number, boolean or numeric text named by the topic (mqtt in); and the JSON text of any of these.
 * A name is joined of its levels by `/`. Throws nothing: what cannot be read is said.
 */
export function samplesOfMessage(payload: unknown, hints: MessageHints = {}): MessageSamples {
  const reader = new Reader(hints);
  reader.read(payload, '', undefined, 0);
  return { samples: reader.samples, unread: reader.unread };
}

class Reader {
  readonly #hints: MessageHints;
  readonly samples: FlowSample[] = [];
  readonly unread: string[] = [];

  constructor(hints: MessageHints) {
    this.#hints = hints;
  }

  read(value: unknown, name: string, time: number | undefined, depth: number): void {
    if (depth > deepest) this.#skip(name, 'nested too deeply');
    else if (value instanceof Uint8Array) this.#text(Buffer.from(value).toString(), name, time, depth);
    else if (typeof value === 'string') this.#text(value, name, time, depth);
    else if (typeof value === 'number' || typeof value === 'boolean') this.#add(name, value, time);
    else if (typeof value === 'bigint') this.#add(name, Number(value), time);
    else if (value === null && name !== '') this.#add(name, null, time);
    else if (value === null) this.#skip(name, 'is empty');
    else if (Array.isArray(value)) this.#array(value, name, time, depth);
    else if (value instanceof Date) this.#skip(name, 'a time is no value');
    else if (typeof value !== 'object') this.#skip(name, `${typeof value} is no value`);
    else this.#object(value as Record<string, unknown>, name, time, depth);
  }

  #array(values: readonly unknown[], name: string, time: number | undefined, depth: number): void {
    const names = this.#hints.names ?? [];
    values.forEach((value, i) => {
      const own = names[i];
      if (value !== null && typeof value === 'object') this.read(value, name, time, depth + 1);
      else if (own === undefined) this.#skip(`${name}[${i}]`, 'has no name: give the names of the values in the node');
      else if (own !== '') this.#add(join(name, own), numberOf(value), time);
    });
  }

  #object(value: Record<string, unknown>, name: string, given: number | undefined, depth: number): void {
    const [timeKey, time] = timeIn(value);
    const at = time ?? given;
    const nameKey = 'value' in value ? nameKeys.find((key) => typeof value[key] === 'string') : undefined;
    const isBareValue = (): boolean =>
      'value' in value && Object.keys(value).every((key) => key === 'value' || key === timeKey || isQualityKey(key));
    if (Array.isArray(value.metrics)) this.#array(value.metrics, name, at, depth);
    else if (nameKey !== undefined) this.#add(join(name, value[nameKey] as string), numberOf(value.value), at, qualityIn(value));
    else if (isBareValue()) this.#add(name, numberOf(value.value), at, qualityIn(value));
    else for (const [key, inner] of Object.entries(value)) if (key !== timeKey) this.read(inner, join(name, key), at, depth + 1);
  }

  #text(text: string, name: string, time: number | undefined, depth: number): void {
    const trimmed = text.trim();
    const number = numberOf(trimmed);
    if (number !== undefined) this.#add(name, number, time);
    else if (/^[[{]/.test(trimmed)) this.#json(trimmed, name, time, depth);
    else this.#skip(name, `"${trimmed.slice(0, 60)}" is no number`);
  }

  #json(text: string, name: string, time: number | undefined, depth: number): void {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.#skip(name, `is no JSON: ${text.slice(0, 60)}`);
      return;
    }
    this.read(value, name, time, depth + 1);
  }

  #add(name: string, value: number | boolean | null | undefined, time: number | undefined, quality?: FlowSample['quality']): void {
    const tag = name === '' ? (this.#hints.topic ?? '') : name;
    if (value === undefined) this.#skip(tag, 'is no number');
    else if (tag === '') this.#skip('a value', 'has no name: set msg.topic, or send {name: value}');
    else if (this.samples.length >= mostSamples) this.#skip(tag, `is beyond the ${mostSamples} values of one message`);
    else {
      const number = typeof value === 'number' && !Number.isFinite(value) ? null : value;
      this.samples.push({ tag, value: number, ...(time !== undefined && { time }), ...(quality !== undefined && { quality }) });
    }
  }

  #skip(name: string, why: string): void {
    if (this.unread.length < unreadKept) this.unread.push(`${name === '' ? (this.#hints.topic ?? 'the payload') : name} ${why}`);
  }
}

const join = (parent: string, name: string): string => (parent === '' ? name : `${parent}/${name}`);
const isQualityKey = (key: string): boolean => (qualityKeys as readonly string[]).includes(key);

/** Undefined where it is none. */
function numberOf(value: unknown): number | boolean | null | undefined {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string') return undefined;
  if (/^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(value)) return Number(value);
  return /^(true|false)$/i.test(value) ? value.toLowerCase() === 'true' : undefined;
}

/** The key that holds the time, and the time. A key of that name that holds none is a value like any other. */
function timeIn(value: Record<string, unknown>): readonly [key: string | undefined, ms: number | undefined] {
  for (const key of timeKeys) {
    const given = value[key];
    const ms =
      given instanceof Date ? given.getTime() : typeof given === 'string' || typeof given === 'number' ? parseTimestamp(given) : Number.NaN;
    // A small number is a duration or a count, whatever its name.
    if (ms >= earliestMs) return [key, ms];
  }
  return [undefined, undefined];
}

/** OPC UA status codes have their severity in the two highest bits; texts begin with it. */
function qualityIn(value: Record<string, unknown>): FlowSample['quality'] {
  for (const key of qualityKeys) {
    const said = value[key];
    if (typeof said === 'string') {
      const word = said.toLowerCase();
      if (word.startsWith('bad')) return 'bad';
      if (word.startsWith('uncertain')) return 'uncertain';
    }
    if (typeof said === 'number' && said >= 0x40000000) return said >= 0x80000000 ? 'bad' : 'uncertain';
  }
  return undefined;
}
