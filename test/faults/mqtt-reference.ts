import { pathName } from '../../src/core/fields.ts';
import { sameUnit } from '../../src/sources/mqtt/text-number.ts';
import { cellsOf, linesOf, refNumber, refTime } from './mqtt-grammar.ts';
import { refJson } from './mqtt-grammar-json.ts';
import { refInflux } from './mqtt-grammar-lines.ts';

/** A sample as a slow and simple reading of the payload gives it; `value` undefined: bad. */
export interface RefSample {
  readonly tag: string;
  readonly timeMs: number;
  readonly value: number | undefined;
}

/** What a topic is configured to be, as far as the reference needs it. */
export interface Layout {
  readonly name: string;
  readonly payload: 'json' | 'scalar' | 'csv' | 'influx' | 'auto';
  readonly tags: Readonly<Record<string, string>>;
  readonly time?: {
    readonly path?: string;
    readonly unit?: 's' | 'ms';
    readonly interval?: number;
    readonly otherwise?: 'arrival' | 'reject';
  };
  readonly decimal?: 'point' | 'comma';
  readonly words?: Readonly<Record<string, number>>;
  readonly csv?: { readonly separator?: string; readonly columns?: readonly string[] };
  readonly units?: Readonly<Record<string, string>>;
}

export const maxSkewMs = 300_000;
/** Of tags that say none: what comes in another is bad, whichever came first. */
export const otherUnit = 'kWh';
const earliestMs = Date.UTC(2010, 0, 1);
const aYearMs = 366 * 86_400_000;

/** Every reading that is right. More than one only where the configuration leaves it to the look of the payload. */
export function readings(layout: Layout, payload: Buffer, arrivalMs: number): RefSample[][] {
  let end = payload.length;
  while (end > 0 && payload[end - 1] === 0) end--;
  const bom = end >= 3 && payload[0] === 0xef && payload[1] === 0xbb && payload[2] === 0xbf ? 3 : 0;
  const text = payload.subarray(bom, end).toString('utf8');
  const kinds = layout.payload === 'auto' ? (['json', 'scalar', 'csv', 'influx'] as const) : [layout.payload];
  return kinds.flatMap((kind) => new Reference(layout, arrivalMs).read(kind, text));
}

class Reference {
  readonly #layout: Layout;
  readonly #arrivalMs: number;

  constructor(layout: Layout, arrivalMs: number) {
    this.#layout = layout;
    this.#arrivalMs = arrivalMs;
  }

  read(kind: Exclude<Layout['payload'], 'auto'>, text: string): RefSample[][] {
    if (kind === 'json') return [this.#json(text)];
    if (kind === 'scalar') return [this.#scalar(text)];
    if (kind === 'influx') return [this.#influx(text)];
    const { separator } = this.#layout.csv ?? {};
    const possible = separator === undefined ? [';', '\t', '|', ','] : [separator];
    return possible.map((one) => this.#csv(text, one));
  }

  /** Undefined: leave it out. */
  #time(raw: unknown, isOneOfMany: boolean): number | undefined {
    const { time } = this.#layout;
    if (raw !== undefined && raw !== null) {
      const ms = refTime(raw, time?.unit);
      if (ms !== undefined && ms >= earliestMs && ms <= this.#arrivalMs + aYearMs) return ms;
    }
    const isExpected = time?.path !== undefined || this.#layout.payload === 'influx';
    return isExpected && (time?.otherwise === 'reject' || isOneOfMany) ? undefined : this.#arrivalMs;
  }

  #sample(tag: string, timeMs: number, raw: unknown): RefSample {
    if (timeMs > this.#arrivalMs + maxSkewMs) return { tag, timeMs: this.#arrivalMs, value: undefined };
    return { tag, timeMs, value: this.#value(tag, raw) };
  }

  #value(tag: string, raw: unknown): number | undefined {
    if (typeof raw === 'boolean') return raw ? 1 : 0;
    if (typeof raw === 'number') return Number.isFinite(raw) ? raw : undefined;
    if (typeof raw !== 'string') return undefined;
    const read = refNumber(raw, this.#layout.decimal ?? 'point', this.#layout.words ?? {});
    const unit = this.#layout.units?.[tag] ?? otherUnit;
    if (read === undefined || (read.unit !== '' && !sameUnit(read.unit, unit))) return undefined;
    return Number.isFinite(read.value) ? read.value : undefined;
  }

  #scalar(text: string): RefSample[] {
    const bare = text.trim();
    if (bare === '' || refNumber(bare, this.#layout.decimal ?? 'point', this.#layout.words ?? {}) === undefined) return [];
    const timeMs = this.#time(undefined, false);
    if (timeMs === undefined) return [];
    return Object.entries(this.#layout.tags)
      .filter(([, path]) => path === '$')
      .map(([tag]) => this.#sample(tag, timeMs, bare));
  }

  #json(text: string): RefSample[] {
    const document = refJson(text);
    if (document === undefined) return [];
    const { time, tags } = this.#layout;
    const stamp = time?.path === undefined ? undefined : at(document.value, stepsOf(time.path));
    const stamps = Array.isArray(stamp) ? stamp.map((one) => this.#time(one, stamp.length > 1)) : undefined;
    const single = stamps === undefined ? this.#time(stamp, false) : undefined;
    if (stamps === undefined && single === undefined) return [];
    return Object.entries(tags).flatMap(([tag, path]): RefSample[] => {
      const value = at(document.value, stepsOf(path));
      if (value === undefined) return [];
      if (!Array.isArray(value)) {
        const known = (stamps ?? [single]).filter((ms) => ms !== undefined);
        if (known.length === 0) return [];
        return [
          this.#sample(
            tag,
            known.reduce((a, b) => Math.max(a, b)),
            value,
          ),
        ];
      }
      if (stamps !== undefined && stamps.length !== value.length) return [];
      return value.flatMap((one: unknown, i): RefSample[] => {
        const ms = stamps === undefined ? (single as number) - (value.length - 1 - i) * (time?.interval ?? 1) : stamps[i];
        return one === undefined || ms === undefined ? [] : [this.#sample(tag, ms, one)];
      });
    });
  }

  #csv(text: string, separator: string): RefSample[] {
    const { tags, time, csv } = this.#layout;
    const lines = linesOf(text);
    const rows = lines.map((line) => cellsOf(line, separator));
    const [head] = rows;
    if (head === undefined) return [];
    const column = (path: string): string | number | undefined => stepsOf(path)[0] as string | number | undefined;
    const wanted = Object.entries(tags).flatMap(([tag, path]) => {
      const one = column(path);
      return one === undefined || stepsOf(path).length > 1 ? [] : [{ tag, column: one }];
    });
    const timeColumn = time?.path === undefined ? undefined : column(time.path);
    const all = [...wanted.map((one) => one.column), ...(timeColumn === undefined ? [] : [timeColumn])];
    const isByName = all.some((one) => typeof one === 'string');
    const trimmed = head.map((cell) => cell.trim());
    let names = csv?.columns;
    let skips = 0;
    if (names !== undefined) skips = trimmed.length === names.length && trimmed.every((cell, i) => cell === names?.[i]) ? 1 : 0;
    else if (isByName) {
      names = trimmed;
      skips = 1;
    } else if (lines.length > 1) {
      const isWord = (cell: string): boolean =>
        /^["_\p{L}]/u.test(cell) && refNumber(cell, this.#layout.decimal ?? 'point', this.#layout.words ?? {}) === undefined;
      skips = wanted.every((one) => isWord(head[one.column as number] ?? '')) ? 1 : 0;
    }
    const width = names?.length ?? head.length;
    const placeOf = (one: string | number): number => {
      const place = typeof one === 'number' ? one : (names?.indexOf(one) ?? -1);
      return place >= 0 && place < width ? place : -1;
    };
    if (all.every((one) => placeOf(one) < 0)) return [];
    if (isByName && timeColumn !== undefined && placeOf(timeColumn) < 0) return [];
    if (all.some((one) => typeof one === 'string' && names?.indexOf(one) !== names?.lastIndexOf(one))) return [];
    const body = rows.slice(skips);
    return body.flatMap((row): RefSample[] => {
      if (row === undefined) return [];
      const cells = row.length === width + 1 && row.at(-1)?.trim() === '' ? row.slice(0, -1) : row;
      if (cells.length !== width) return [];
      const ms = this.#time(timeColumn === undefined ? undefined : cells[placeOf(timeColumn)]?.trim(), body.length > 1);
      if (ms === undefined) return [];
      return wanted.flatMap((one): RefSample[] => {
        const cell = cells[placeOf(one.column)];
        return cell === undefined || cell.trim() === '' ? [] : [this.#sample(one.tag, ms, cell)];
      });
    });
  }

  #influx(text: string): RefSample[] {
    const lines = refInflux(text);
    return lines.flatMap((line) => {
      const ms = this.#time(line.time, lines.length > 1 && line.time !== undefined);
      return Object.entries(this.#layout.tags).flatMap(([pattern, path]) => {
        const steps = path.split('.').slice(1);
        const [measurement, field] = steps.length > 1 ? [steps[0], steps[1]] : ['*', steps[0]];
        if (measurement !== '*' && measurement !== line.measurement) return [];
        return line.fields.flatMap(([name, value]): RefSample[] => {
          if (field === '*' ? typeof value === 'string' : field !== name) return [];
          let tag = '';
          for (const part of pattern.split(/(\{\w+\})/)) {
            if (!part.startsWith('{')) tag += part;
            else {
              const key = part.slice(1, -1);
              const filled = line.tags.get(key) ?? (key === 'measurement' ? line.measurement : key === 'field' ? name : undefined);
              if (filled === undefined) return [];
              tag += filled;
            }
          }
          return ms === undefined || !pathName().safeParse(tag).success ? [] : [this.#sample(tag, ms, value)];
        });
      });
    });
  }
}

type Step = string | number;

/** Only what the layouts here use: `$.a.b`, `$[0]`, `$['a b']`, `[*]`. */
function stepsOf(path: string): Step[] {
  return [...path.slice(1).matchAll(/\.([^.[]+)|\[(\d+|\*)\]|\['([^']+)'\]/g)].map(([, bare, index, quoted]) =>
    index === undefined ? (bare ?? (quoted as string)) : index === '*' ? index : Number(index),
  );
}

function at(value: unknown, steps: readonly Step[]): unknown {
  let here = value;
  for (const [i, step] of steps.entries()) {
    if (step === '*') return Array.isArray(here) ? here.map((one: unknown) => at(one, steps.slice(i + 1))) : undefined;
    if (typeof step === 'number') here = Array.isArray(here) ? here[step] : here instanceof Map ? here.get(String(step)) : undefined;
    else here = here instanceof Map ? here.get(step) : undefined;
    if (here === undefined) return undefined;
  }
  return here;
}
