import { numberStyle, parseTextNumber } from '../../sources/mqtt/text-number.ts';
import type { Leaf } from './leaf.ts';
import { ClockRecord } from './time-stamp.ts';

const point = numberStyle('point', {});
const comma = numberStyle('comma', {});
const switchWords = /^(?:true|false|on|off)$/i;
const mostUnits = 4;
const mostWords = 8;
const mostExamples = 3;
const longestExample = 40;

/** What was heard of one value of one topic. Bounded. */
export class FieldRecord {
  readonly path: string;
  readonly name: string;
  seen = 0;
  /** An element of a list that was another thing in another message. */
  isRenamed = false;
  /** JSON numbers and numbers as text, and of these the ones that need a decimal point, or a decimal comma. */
  numbers = 0;
  asText = 0;
  needsPoint = 0;
  needsComma = 0;
  /** true, false, on, off. */
  switches = 0;
  /** null, "n/a", NaN. */
  missing = 0;
  /** Texts that are no number. */
  texts = 0;
  readonly words = new Map<string, number>();
  hasMoreWords = false;
  readonly units = new Set<string>();
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  changes = 0;
  /** Changes by exactly one upwards: a number of the message. */
  stepsOfOne = 0;
  /** Lengths of the arrays, where it is one in `[*]`. */
  longest = 0;
  shortest = Number.POSITIVE_INFINITY;
  readonly examples: string[] = [];
  readonly clock = new ClockRecord();
  #last: unknown;

  constructor({ path, name }: Leaf) {
    this.path = path;
    this.name = name;
  }

  add(value: unknown, arrivalMs: number, retained: boolean): void {
    this.seen++;
    if (Array.isArray(value)) {
      this.longest = Math.max(this.longest, value.length);
      this.shortest = Math.min(this.shortest, value.length);
      this.clock.add(value.at(-1), arrivalMs, retained);
      for (const one of value) this.#addOne(one);
    } else {
      this.clock.add(value, arrivalMs, retained);
      this.#addOne(value);
    }
    const now = Array.isArray(value) ? value.at(-1) : value;
    if (this.seen > 1 && now !== this.#last) {
      this.changes++;
      if (typeof now === 'number' && now === Number(this.#last) + 1) this.stepsOfOne++;
    }
    this.#last = now;
    const example = (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).slice(0, longestExample);
    if (this.examples.length < mostExamples && !this.examples.includes(example)) this.examples.push(example);
  }

  #addOne(value: unknown): void {
    if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'boolean') this.switches++;
    else if (value === null) this.missing++;
    else if (typeof value === 'string') this.#text(value);
  }

  #number(value: number): void {
    this.numbers++;
    this.min = Math.min(this.min, value);
    this.max = Math.max(this.max, value);
  }

  #text(text: string): void {
    if (switchWords.test(text.trim())) {
      this.switches++;
      return;
    }
    const withPoint = parseTextNumber(text, point);
    const withComma = parseTextNumber(text, comma);
    const read = withPoint ?? withComma;
    if (read === undefined) {
      this.texts++;
      const word = text.trim().slice(0, longestExample);
      if (this.words.size < mostWords || this.words.has(word)) this.words.set(word, (this.words.get(word) ?? 0) + 1);
      else this.hasMoreWords = true;
      return;
    }
    if (Number.isNaN(read.value)) {
      this.missing++;
      return;
    }
    this.asText++;
    if (withComma === undefined) this.needsPoint++;
    if (withPoint === undefined) this.needsComma++;
    if (read.unit !== undefined && this.units.size < mostUnits) this.units.add(read.unit);
    this.#number(read.value);
  }
}
