import type { Layout } from './mqtt-reference.ts';

export type Random = () => number;
export const below = (random: Random, limit: number): number => Math.floor(random() * limit);
export const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)] as T;

/** A configured topic and payloads that fit it. */
export interface FuzzLayout extends Layout {
  make(random: Random, nowMs: number): string;
}

/** Each tag has a range of its own, so that a value of another is not mistaken for it. */
const value = (random: Random, tag: number): number => Number((tag * 1000 + random() * 900).toFixed(below(random, 4)));
const comma = (number: number): string => String(number).replace('.', ',');
const stamp = (random: Random, nowMs: number): unknown => {
  const ms = nowMs - below(random, 10_000);
  return pick<unknown>(random, [
    ms,
    ms / 1000,
    ms * 1000,
    ms * 1e6,
    new Date(ms).toISOString(),
    new Date(ms).toISOString().slice(0, -1),
    `${new Date(ms).toISOString().slice(0, 19)}+01:00`,
    String(ms),
  ]);
};

const jsonTags = {
  flow: '$.flow',
  temperature: '$.motor.temperature',
  second: '$.list[1]',
  all: '$.list[*]',
  odd: "$['odd name']",
  inherited: '$.constructor',
  method: '$.values',
  long: '$.length',
};

export const layouts: readonly FuzzLayout[] = [
  {
    name: 'json',
    payload: 'json',
    time: { path: '$.ts', interval: 10 },
    tags: jsonTags,
    units: { temperature: '°C' },
    make: (random, nowMs) =>
      below(random, 20) === 0
        ? pick(random, ['[1,2]', '"a text"', '[]', 'true', '7', '{"list":"abc","motor":"M"}'])
        : JSON.stringify({
            ts: stamp(random, nowMs),
            flow: value(random, 1),
            motor: {
              temperature: pick<unknown>(random, [value(random, 2), `${value(random, 2)} °C`]),
              name: 'M1',
              state: { temperature: -1 },
            },
            list: [value(random, 3), value(random, 4), value(random, 5)],
            'odd name': random() < 0.5,
          }),
  },
  {
    name: 'json, a time each',
    payload: 'json',
    time: { path: '$.s[*].t', otherwise: 'reject' },
    tags: { v: '$.s[*].v', w: '$.s[*].w', g: '$.g' },
    make: (random, nowMs) =>
      JSON.stringify({
        g: value(random, 1),
        s: Array.from({ length: 1 + below(random, 4) }, (_, i) => ({
          t: nowMs - 500 + i * 100,
          v: value(random, 2),
          ...(random() < 0.7 && { w: value(random, 3) }),
        })),
      }),
  },
  {
    name: 'json, arrays beside each other',
    payload: 'json',
    time: { path: '$.t[*]' },
    tags: { v: '$.v[*]', w: '$.w[*]', g: '$.g' },
    make: (random, nowMs) => {
      const length = 1 + below(random, 4);
      const list = (tag: number): number[] => Array.from({ length: random() < 0.8 ? length : below(random, 5) }, () => value(random, tag));
      return JSON.stringify({ t: Array.from({ length }, (_, i) => nowMs - 500 + i * 100), v: list(1), w: list(2), g: value(random, 3) });
    },
  },
  {
    name: 'json, decimal comma and words',
    payload: 'json',
    decimal: 'comma',
    words: { open: 1, closed: 0 },
    tags: { a: '$.a', b: '$.b.c', door: '$.door' },
    make: (random) =>
      JSON.stringify({
        a: comma(value(random, 1)),
        b: { c: `1.${below(random, 900) + 100},5 kWh` },
        door: pick(random, ['open', 'CLOSED', 'on']),
      }),
  },
  {
    name: 'json, an array at the top',
    payload: 'json',
    time: { path: '$[2]', unit: 'ms' },
    tags: { first: '$[0]', second: '$[1].v', list: '$[3][*]' },
    make: (random, nowMs) =>
      JSON.stringify([value(random, 1), { v: value(random, 2) }, nowMs - 5, [value(random, 3), null, value(random, 4)]]),
  },
  {
    name: 'scalar',
    payload: 'scalar',
    tags: { v: '$' },
    units: { v: '°C' },
    make: (random) =>
      pick(random, [
        String(value(random, 1)),
        `${value(random, 1)} °C`,
        `1,${below(random, 900) + 100}.25`,
        `${value(random, 1)}e${below(random, 5)}`,
        'on',
        'n/a',
      ]),
  },
  {
    name: 'scalar, decimal comma',
    payload: 'scalar',
    decimal: 'comma',
    words: { auf: 1, zu: 0 },
    tags: { v: '$' },
    make: (random) =>
      pick(random, [comma(value(random, 1)), `1.${below(random, 900) + 100},25`, `1'${below(random, 900) + 100},5`, 'Auf', 'zu']),
  },
  {
    name: 'csv by header',
    payload: 'csv',
    time: { path: '$.time' },
    tags: { flow: '$.flow', temperature: "$['Temp [°C]']", last: '$.last' },
    make: (random, nowMs) => {
      const separator = pick(random, [';', '\t', '|', ',']);
      const quote = (text: string): string => (random() < 0.2 ? `"${text}"` : text);
      const lines = Array.from({ length: 1 + below(random, 3) }, (_, i) =>
        [new Date(nowMs - i * 1000).toISOString(), value(random, 1), value(random, 2), value(random, 3)]
          .map((cell) => quote(String(cell)))
          .join(separator),
      );
      return [['time', 'flow', 'Temp [°C]', 'last'].map(quote).join(separator), ...lines].join(pick(random, ['\n', '\r\n']));
    },
  },
  {
    name: 'csv by position, decimal comma',
    payload: 'csv',
    decimal: 'comma',
    csv: { separator: ';' },
    tags: { a: '$[0]', b: '$[1]', c: '$[3]' },
    make: (random) => `${comma(value(random, 1))};${comma(value(random, 2))};;${comma(value(random, 3))}${pick(random, ['', ';', '\n'])}`,
  },
  {
    name: 'csv, columns named',
    payload: 'csv',
    csv: { separator: ',', columns: ['t', 'a', 'b', 'c'] },
    time: { path: '$.t', otherwise: 'reject' },
    tags: { a: '$.a', c: '$.c' },
    make: (random, nowMs) =>
      `${pick(random, ['', 't,a,b,c\n'])}${Array.from({ length: 1 + below(random, 3) }, () => [nowMs, value(random, 1), value(random, 2), value(random, 3)].join(',')).join('\n')}`,
  },
  {
    name: 'line protocol',
    payload: 'influx',
    tags: { '{host}/temp': '$.weather.temp', '{host}/hum': '$.hum', '{host}/ok': '$.ok', '{host}/text': '$.text' },
    make: (random, nowMs) =>
      Array.from(
        { length: 1 + below(random, 3) },
        () =>
          `weather,host=${pick(random, ['a', 'b\\ c', 'd\\,e'])},x=1 temp=${value(random, 1)},hum=${2000 + below(random, 900)}i,ok=${pick(random, ['t', 'FALSE'])},text="${pick(random, ['n/a', 'a \\" b', String(value(random, 3))])}"${pick(random, ['', ` ${nowMs}000000`, ` ${Math.floor(nowMs / 1000)}`])}`,
      ).join(pick(random, ['\n', '\r\n'])),
  },
  {
    name: 'line protocol, every field',
    payload: 'influx',
    time: { otherwise: 'reject' },
    tags: { 'all/{measurement}/{field}': '$.*' },
    make: (random, nowMs) =>
      `# a comment\n${pick(random, ['m', 'my\\ meter'])} a=${value(random, 1)},b=${value(random, 2)},s="x y",c=${1 + below(random, 9)}u ${nowMs}\n`,
  },
  {
    name: 'auto',
    payload: 'auto',
    tags: { bare: '$', flow: '$.flow', temperature: '$.temperature' },
    make: (random, nowMs) =>
      pick(random, [
        String(value(random, 1)),
        JSON.stringify({ flow: value(random, 2), temperature: value(random, 3) }),
        `flow;temperature\n${value(random, 2)};${value(random, 3)}`,
        `m,host=a flow=${value(random, 2)},temperature=${value(random, 3)} ${nowMs}`,
      ]),
  },
];

const numbers = [
  '1e999',
  '0xFF',
  '"0xFF"',
  '-1e999',
  '1e308',
  '1e-400',
  '-0',
  '0x1F',
  '00012',
  '+5',
  '.5',
  '5.',
  '1,234',
  '1.234,5',
  '1,234.5',
  "1'234",
  'NaN',
  '-nan',
  'Infinity',
  'None',
  'null',
  'true',
  '""',
  '"on"',
  '[]',
  '{}',
  '[1,2]',
  '{"flow":666}',
  '१२३',
  '５',
  '12:30',
  '"12:30"',
  '2026-11-23',
  '1_000',
  '1e5e5',
  '1.2.3',
  '--5',
  '1 000',
  '5 E3',
  '5 e3',
  '5 x2',
  '"5 kW"',
  '"25 °F"',
  '\u22125',
  '1e4567',
  '9'.repeat(70),
  '9'.repeat(400),
  '0.1e1',
  '1\u00a0234,5',
  '"\\u0035"',
  '"5\\u0000"',
];
const times = [
  '0',
  '-1',
  '1e18',
  '5000',
  '4102444800',
  '8640000000000001',
  '99999999999999999999',
  '"2026-13-01T00:00:00Z"',
  '"2026-02-30T00:00:00Z"',
  '"2026-11-23T24:61:00Z"',
  '"2026-11-23T25:00:00Z"',
  '"2026-11-23"',
  '"2026-11-23T06:00:00+99:99"',
  '"2026-11-23T06:00:00-0000"',
  '"yesterday"',
  '[]',
  '[1,2,3]',
  '{}',
  'null',
  'true',
  '"12345"',
  '1e400',
  '"2026-11-23T06:00"',
];
const inserts = [
  '"',
  '\\',
  '=',
  ',',
  ';',
  ' ',
  '\n',
  '\r',
  '\t',
  '|',
  '{',
  '}',
  '[',
  ']',
  ':',
  '\0',
  '.',
  '-',
  'e',
  '#',
  "'",
  '\\"',
  '\ufeff',
  '°',
  '\u2028',
  'E3',
  '"flow":',
  '"__proto__":{"flow":666},',
  '"constructor":777,',
  '"length":5,',
  '"flow":888,',
];

/** One to three damages, or none in one of eight. */
export function mutate(text: string, random: Random): Buffer {
  let bytes = Buffer.from(text);
  if (below(random, 8) === 0) return bytes;
  for (let n = 1 + below(random, 3); n > 0; n--) bytes = damage(bytes, random);
  return bytes;
}

function damage(bytes: Buffer, random: Random): Buffer<ArrayBuffer> {
  const at = below(random, bytes.length + 1);
  const to = Math.min(bytes.length, at + 1 + below(random, 12));
  const around = (middle: Buffer | string): Buffer<ArrayBuffer> =>
    Buffer.concat([bytes.subarray(0, at), Buffer.from(middle as string), bytes.subarray(to)]);
  switch (below(random, 14)) {
    case 0:
      return Buffer.from(bytes.subarray(0, at));
    case 1: {
      const flipped = Buffer.from(bytes);
      if (at < flipped.length) flipped[at] = (flipped[at] as number) ^ (1 << below(random, 8));
      return flipped;
    }
    case 2:
      return around('');
    case 3:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(Array.from({ length: 1 + below(random, 4) }, () => below(random, 256))),
        bytes.subarray(at),
      ]);
    case 5:
      return Buffer.concat([
        Buffer.from(pick(random, ['\ufeff', ' ', '\n', '\0'])),
        bytes,
        Buffer.from(pick(random, ['', '\0', '\0\0', ' \n', '\ufeff'])),
      ]);
    case 6:
    case 7:
    case 8:
      return token(bytes, random, /[+-]?\d+(?:\.\d+)?/g, numbers);
    case 9:
      return token(bytes, random, /\d{13}\d*|"\d{4}-\d\d-[^"]*"|\d{4}-\d\d-\d\dT[^;,|\t\n]*/g, times);
    case 10:
      return Buffer.from(bytes.toString().replaceAll('.', pick(random, [',', '..', '.'])));
    case 11:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(pick(random, ['[', '{"a":']).repeat(1 + below(random, 300))),
        bytes.subarray(at),
      ]);
    default:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(pick(random, inserts)), bytes.subarray(at)]);
  }
}

/** One of the places that look so becomes something else. */
function token(bytes: Buffer, random: Random, pattern: RegExp, other: readonly string[]): Buffer<ArrayBuffer> {
  const text = bytes.toString();
  const places = [...text.matchAll(pattern)];
  if (places.length === 0) return Buffer.from(text);
  const { index, 0: found } = pick(random, places);
  return Buffer.from(text.slice(0, index) + pick(random, other) + text.slice(index + found.length));
}
