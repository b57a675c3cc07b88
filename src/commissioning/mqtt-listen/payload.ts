import { dialectOfText } from '../../sources/mqtt/dialects/dialect.ts';
import { parseJson } from '../../sources/mqtt/dialects/json.ts';
import { readLineProtocol } from '../../sources/mqtt/dialects/line-protocol.ts';
import { numberStyle, parseTextNumber } from '../../sources/mqtt/text-number.ts';
import { type CsvForm, csvLeaves, readCsv } from './csv-form.ts';
import { jsonLeaves } from './json-leaves.ts';
import { type Leaf, stepTo } from './leaf.ts';

/** A line of line protocol, without its fields. */
export interface Series {
  readonly measurement: string;
  readonly tags: ReadonlyMap<string, string>;
  readonly time: string | undefined;
}

export type PayloadKind = 'json' | 'scalar' | 'csv' | 'influx' | 'word' | 'text' | 'binary' | 'sparkplug' | 'empty';

/** What a payload turned out to be. */
export interface Dissected {
  readonly kind: PayloadKind;
  readonly leaves: readonly Leaf[];
  readonly csv?: CsvForm;
  readonly series?: readonly Series[];
  /** Of what cannot be read: "gzip", "begins like JSON and is none". */
  readonly remark?: string;
}

const point = numberStyle('point', {});
const comma = numberStyle('comma', {});
const isNumber = (text: string): boolean => parseTextNumber(text, point) !== undefined || parseTextNumber(text, comma) !== undefined;
const mostLeaves = 256;
const longestWord = 40;

/** Takes one payload apart, whatever it is; never throws. */
export function dissect(topic: string, payload: Buffer): Dissected {
  if (/^spBv1\.0\/(?!STATE\/)/.test(topic)) return { kind: 'sparkplug', leaves: [] };
  const binary = binaryKind(payload);
  if (binary !== undefined) return { kind: 'binary', leaves: [], remark: binary };
  const text = payload
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .replace(/\0+$/, '');
  if (text.trim() === '') return { kind: 'empty', leaves: [] };
  const dialect = /^\s*"/.test(text) && typeof parseJson(text) === 'string' ? 'json' : dialectOfText(text, isNumber);
  if (dialect === 'json') {
    const document = parseJson(text);
    if (document === undefined) return { kind: 'text', leaves: [], remark: 'begins like JSON and is none' };
    return { kind: 'json', leaves: jsonLeaves(document, mostLeaves) };
  }
  if (dialect === 'scalar') return { kind: 'scalar', leaves: [{ path: '$', name: '', value: text.trim() }] };
  if (dialect === 'influx') {
    const found = influxLeaves(text);
    if (found !== undefined) return found;
  }
  const csv = readCsv(text, isNumber);
  if (csv !== undefined) return { kind: 'csv', leaves: csvLeaves(csv), csv };
  const word = text.trim();
  if (word.length <= longestWord && !/[\r\n]/.test(word)) return { kind: 'word', leaves: [{ path: '$', name: '', value: word }] };
  return { kind: 'text', leaves: [] };
}

function influxLeaves(text: string): Dissected | undefined {
  const leaves: Leaf[] = [];
  const series: Series[] = [];
  let problems = 0;
  readLineProtocol(
    text,
    ({ measurement, tags, fields, time }) => {
      series.push({ measurement, tags, time });
      for (const [name, value] of fields) {
        const path = [measurement, name].map((step) => (step.includes("'") ? undefined : stepTo(step)));
        if (!path.includes(undefined) && leaves.length < mostLeaves) leaves.push({ path: `$${path.join('')}`, name, value });
      }
    },
    () => problems++,
  );
  return leaves.length > 0 && problems <= series.length ? { kind: 'influx', leaves, series } : undefined;
}

const magic: readonly (readonly [string, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['a JPEG picture', [0xff, 0xd8, 0xff]],
  ['a PNG picture', [0x89, 0x50, 0x4e, 0x47]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['zlib', [0x78, 0x9c]],
];
const strict = new TextDecoder('utf-8', { fatal: true });

/** What kind of bytes; undefined for text. */
function binaryKind(payload: Buffer): string | undefined {
  const known = magic.find(([, bytes]) => bytes.every((byte, i) => payload[i] === byte));
  if (known !== undefined) return known[0];
  let end = payload.length;
  while (end > 0 && payload[end - 1] === 0) end--;
  if (end === 0 && payload.length > 0) return 'zeros';
  let decoded: string;
  try {
    decoded = strict.decode(payload.subarray(0, end));
  } catch {
    // Latin-1 degrees and umlauts in an else readable text are no binary.
    const odd = payload.subarray(0, end).filter((byte) => byte >= 0x80 || (byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13)).length;
    return odd * 5 > end ? 'bytes that are no text' : undefined;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
  return /[\u0000-\u0008\u000e-\u001f]/.test(decoded) ? 'bytes that are no text' : undefined;
}
